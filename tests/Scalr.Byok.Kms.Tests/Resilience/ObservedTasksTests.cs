using Scalr.Byok.Kms.Resilience;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Resilience;

/// <summary>A result has one owner: the caller that waits for it, or the handler of late results.</summary>
internal sealed class ObservedTasksTests
{
    private readonly List<byte[]> _abandoned = [];
    private readonly TaskCompletionSource<byte[]> _source = new();

    [SetUp]
    public void Reset() => _abandoned.Clear();

    [Test]
    public async Task A_result_in_time_is_the_callers()
    {
        using var cancellation = new CancellationTokenSource();
        var source = new TaskCompletionSource<byte[]>();
        var wait = source.Task.WaitObservedAsync(_abandoned.Add, cancellation.Token);

        source.SetResult([1]);
        Assert.That(await wait, Is.EqualTo(new byte[] { 1 }));
        await cancellation.CancelAsync();

        Assert.That(_abandoned, Is.Empty);
        Assert.That(
            await Task.FromResult<byte[]>([2]).WaitObservedAsync(_abandoned.Add, cancellation.Token),
            Is.EqualTo(new byte[] { 2 }),
            "there already");
    }

    [Test]
    public async Task A_late_result_is_erased()
    {
        using var cancellation = new CancellationTokenSource();
        var wait = _source.Task.WaitObservedAsync(Array.Clear, cancellation.Token);
        await cancellation.CancelAsync();
        var thrown = await Assert.CatchAsync<OperationCanceledException>(() => wait);
        byte[] key = [1, 2, 3];

        _source.SetResult(key);

        await ByokWorld.UntilAsync(() => key.All(value => value == 0), "the late result was not erased");
        Assert.That(thrown!.CancellationToken, Is.EqualTo(cancellation.Token));
    }

    [Test]
    public async Task A_late_failure_or_cancellation_brings_nothing([Values] bool fails)
    {
        using var cancellation = new CancellationTokenSource();
        var source = new TaskCompletionSource<byte[]>();
        var wait = source.Task.WaitObservedAsync(_abandoned.Add, cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.CatchAsync<OperationCanceledException>(() => wait);

        if (fails)
        {
            source.SetException(new IOException());
        }
        else
        {
            source.SetCanceled(CancellationToken.None);
        }

        Assert.That(_abandoned, Is.Empty);
    }

    [Test]
    public void A_call_that_gives_itself_up_is_told_as_it_is()
    {
        var cancelled = Task.FromCanceled<byte[]>(new CancellationToken(canceled: true));

        Assert.That(
            () => cancelled.WaitObservedAsync(_abandoned.Add, CancellationToken.None), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(
            () => Task.FromException<byte[]>(new IOException()).WaitObservedAsync(_abandoned.Add, CancellationToken.None),
            Throws.TypeOf<IOException>());
        Assert.That(_abandoned, Is.Empty);
    }
}
