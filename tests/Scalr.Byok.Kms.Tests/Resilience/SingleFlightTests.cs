using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Tests.Resilience;

/// <summary>Work that runs at most once at a time.</summary>
internal sealed class SingleFlightTests
{
    // A timer starts such work without a caller. An exception on its thread would end the process.
    [Test]
    public async Task After_the_disposal_the_task_fails_and_the_call_does_not_throw()
    {
        using var disposed = new CancellationTokenSource();
        var flight = new SingleFlight<int>(new SharedWork(disposed.Token));
        await disposed.CancelAsync();

        var task = flight.Join(static _ => Task.FromResult(1));

        await Assert.ThrowsAsync<ObjectDisposedException>(() => task);
    }
}
