using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Resilience;

/// <summary>
/// However many callers wait for AWS, no thread waits with them: the path is asynchronous to the bottom, AWS STS and the bodies of answers
/// included.
/// </summary>
[CancelAfter(120_000)]
[Category("Slow")]
internal sealed class NoThreadWaitsTests
{
    private const int Callers = 200;

    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task Callers_who_wait_for_AWS_hold_no_threads([Values] bool hasBegunToAnswer, [Values] bool isDecryption)
    {
        var ring = _world.Ring("AccessKeys", options: o => o.Resilience.MaxConcurrentCalls = Callers);
        var message = await ring.EncryptAsync("kept"u8.ToArray());
        var operation = isDecryption ? "Decrypt" : "Encrypt";
        var before = _world.Aws.Log.Count(operation);
        _world.Aws.Faults.Add(hasBegunToAnswer ? Fault.StalledBody() : Fault.BlackHole());

        await ThreadsStayAsync(
            [.. Enumerable.Range(0, Callers)
                .Select(_ => isDecryption ? ring.DecryptAsync(message).AsTask() : ring.EncryptAsync(message).AsTask())],
            () => _world.ReceivedAsync(operation, before + Callers));
    }

    [Test]
    public async Task Callers_who_wait_for_a_session_hold_no_threads(
        [Values("AssumeRole", "Oidc")] string type, [Values] bool hasBegunToAnswer)
    {
        var rings = Enumerable.Range(0, Callers).Select(_ => _world.Ring(type)).ToArray(); // a session each
        _world.Aws.Faults.Add((hasBegunToAnswer ? Fault.StalledBody() : Fault.BlackHole()) with { Service = "sts" });

        await ThreadsStayAsync(
            [.. rings.Select(ring => ring.EncryptAsync(new byte[1]).AsTask())],
            () => _world.ReceivedAsync(type == "Oidc" ? "AssumeRoleWithWebIdentity" : "AssumeRole", Callers));
    }

    private async Task ThreadsStayAsync(Task<byte[]>[] calls, Func<Task> underWay)
    {
        await underWay();

        // Of the whole process, with those that other tests keep busy at this moment.
        await ByokWorld.UntilAsync(() => BusyThreads() < Callers / 8, "threads wait");
        Assert.That(calls, Has.All.Property(nameof(Task.IsCompleted)).False, "the calls wait");

        _world.Time.Advance(TimeSpan.FromSeconds(10)); // past all time limits
        foreach (var call in calls)
        {
            await Assert.ThrowsAsync<ByokServiceException>(() => call);
        }
    }

    private static int BusyThreads()
    {
        ThreadPool.GetMaxThreads(out var most, out _);
        ThreadPool.GetAvailableThreads(out var available, out _);
        return most - available;
    }
}
