using Scalr.Byok.Kms.Credentials;

namespace Scalr.Byok.Kms.Events;

/// <summary>The other instances of the host. The one place that asks what another instance has done already.</summary>
internal interface IEventFleet
{
    /// <summary>Whether this instance may report an event: no other instance has reported it. An exception counts as true.</summary>
    ValueTask<bool> MayReportAsync(ByokKeyEvent keyEvent, CancellationToken cancellationToken);

    /// <summary>Notes that an event was reported by this instance. An exception is ignored.</summary>
    /// <param name="keyEvent">The event.</param>
    /// <param name="isTaken">Whether each observer has taken it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    ValueTask ReportedAsync(ByokKeyEvent keyEvent, bool isTaken, CancellationToken cancellationToken);

    /// <summary>
    /// Whether this instance may query a key by kms:DescribeKey: no other instance has done so within the interval. An exception counts as
    /// true.
    /// </summary>
    ValueTask<bool> MayQueryAsync(RingOwner owner, KmsKeyArn key, TimeSpan interval, CancellationToken cancellationToken);
}

/// <summary>Instances that know nothing of one another: each reports and queries for itself.</summary>
internal sealed class SeparateInstances : IEventFleet
{
    public ValueTask<bool> MayReportAsync(ByokKeyEvent keyEvent, CancellationToken cancellationToken) => ValueTask.FromResult(true);

    public ValueTask ReportedAsync(ByokKeyEvent keyEvent, bool isTaken, CancellationToken cancellationToken) =>
        ValueTask.CompletedTask;

    public ValueTask<bool> MayQueryAsync(
        RingOwner owner, KmsKeyArn key, TimeSpan interval, CancellationToken cancellationToken) => ValueTask.FromResult(true);
}
