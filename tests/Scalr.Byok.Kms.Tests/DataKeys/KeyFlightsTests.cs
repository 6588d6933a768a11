using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Resilience;
using Scalr.Byok.Kms.Tests.Messages;

namespace Scalr.Byok.Kms.Tests.DataKeys;

/// <summary>What the callers of a data key's fetch get if it fails.</summary>
[CancelAfter(60_000)]
internal sealed class KeyFlightsTests
{
    private CancellationTokenSource _disposed = null!;
    private KeyFlights<FetchedKey> _flights = null!;

    [SetUp]
    public void Start()
    {
        _disposed = new CancellationTokenSource();
        _flights = new KeyFlights<FetchedKey>(new SharedWork(_disposed.Token));
    }

    [TearDown]
    public void Stop() => _disposed.Dispose();

    /// <summary>No caller has cancelled, so none gets a cancellation.</summary>
    [Test]
    public async Task A_fetch_that_the_disposal_ends_is_reported_as_the_disposal()
    {
        var caller = JoinAsync(async token =>
        {
            await _disposed.CancelAsync();
            token.ThrowIfCancellationRequested();
            return new FetchedKey();
        });

        await Assert.ThrowsAsync<ObjectDisposedException>(() => caller);
    }

    /// <summary>Such as the denial of the key, which says more than the disposal.</summary>
    [Test]
    public async Task A_fetch_that_fails_before_the_disposal_is_reported_as_the_failure()
    {
        var failure = new ByokServiceException("AWS KMS failed.", isTransient: true);
        var caller = JoinAsync(async _ =>
        {
            await _disposed.CancelAsync();
            throw failure;
        });

        Assert.That(await Assert.CatchAsync(() => caller), Is.SameAs(failure));
    }

    [Test]
    public async Task A_fetch_that_is_cancelled_without_a_disposal_is_not_reported_as_one()
    {
        var failure = new OperationCanceledException("a time limit of the host");
        var caller = JoinAsync(_ => Task.FromException<FetchedKey>(failure));

        Assert.That(await Assert.CatchAsync(() => caller), Is.InstanceOf<OperationCanceledException>());
    }

    private async Task JoinAsync(Func<CancellationToken, Task<FetchedKey>> fetch)
    {
        using var seat = await _flights.JoinAsync(new byte[] { 1 }, fetch, () => false, CancellationToken.None);
    }

    private sealed class FetchedKey : ICachedKey
    {
        public DataKey Key { get; } = Sample.OpenDataKey();

        public Origin Origin => throw new NotSupportedException();

        public KeyAccess Access => throw new NotSupportedException();

        public long Since => 0;

        public void Dispose() => Key.Dispose();
    }
}
