using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.Tests.KeyUse.KeyUseWorld;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>
/// A caller's thread stops between its decision to ask AWS and the request, and another caller asks and gets the answer meanwhile. The
/// first caller then takes that answer. The thread stops at one of its readings of the clock, which stand all along the way to the
/// decision.
/// </summary>
[CancelAfter(120_000)]
internal sealed class LateCallerTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Test]
    public async Task Decrypting_late_takes_the_answer_that_another_caller_got(
        [ValueSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))] string type, [Values] bool isDenied, [Range(1, 6)] int reading)
    {
        await using var world = await StartAsync(type, o => o.DataKeyCache.MaxAge = Hour);
        var use = await world.StartUseAsync(UseKind.DecryptMessage);
        if (isDenied)
        {
            world.World.Key.Disable();
        }

        await world.PassAsync(RoleCheck);
        world.Aws.Log.Clear();
        using var late = new LateCall(world.Clocks, reading, use.TryAsync);
        await late.StoppedOrEndedAsync();

        var first = await use.TryAsync();
        late.GoOn();
        var second = await late.Call;

        var expected = isDenied ? ByokKeyUnavailableReason.KeyDisabled : (ByokKeyUnavailableReason?)null;
        Assert.That((first?.Reason, second?.Reason), Is.EqualTo((expected, expected)));
        await world.SettleAsync();
        Assert.That(world.Count("Decrypt"), Is.EqualTo(1));

        // A denial that arrives before the role check has begun makes it unnecessary.
        Assert.That(
            world.Aws.Log.Requests.Count(request => request.Service == "sts"),
            type == "AccessKeys" ? Is.Zero : isDenied ? Is.LessThanOrEqualTo(1) : Is.EqualTo(1));
    }

    [TestCase(UseKind.DecryptMessage, "Decrypt")]
    [TestCase(UseKind.EncryptMessage, "Encrypt")]
    public async Task A_use_takes_the_answer_to_its_request_although_it_took_longer_than_the_interval(UseKind kind, string operation)
    {
        await using var world = await StartAsync("AccessKeys", o => o.ConfirmationInterval = Second);
        var use = await world.StartUseAsync(kind);
        await world.PassAsync(2 * Second);
        var release = new TaskCompletionSource();
        world.Aws.Faults.Add(LocalAws.Fault.Hold(release.Task) with { Service = "kms", Times = 1 });
        var sent = world.Count(operation);

        var call = use.AtOnceAsync();
        await world.World.ReceivedAsync(operation, sent + 1);
        world.Clocks.Advance(1.5 * Second);
        release.SetResult();
        await call;

        Assert.That(world.Count(operation), Is.EqualTo(sent + 1));
    }

    [TestCaseSource(typeof(KeyUseWorld), nameof(Roles))]
    public async Task A_call_while_AWS_KMS_has_not_answered_the_first_one_begins_no_second_session(string type)
    {
        await using var world = await StartAsync(type);
        world.Aws.Faults.Add(LocalAws.Fault.BlackHole() with { Operation = "Encrypt", Times = 1 });
        var first = world.Ring.EncryptAsync(new byte[1], Context).AsTask();
        await world.World.ReceivedAsync("Encrypt");

        await world.Ring.EncryptAsync(new byte[1], new Dictionary<string, string> { ["record"] = "another" });

        world.Clocks.Advance(TotalTimeout); // ends the first call
        await Assert.CatchAsync<ByokServiceException>(() => first);
        await world.SettleAsync();
        Assert.That(world.Aws.Log.Requests.Count(request => request.Service == "sts"), Is.EqualTo(1));
    }

    /// <summary>A call on a thread of its own, which stops at a reading of the clock.</summary>
    private sealed class LateCall : IDisposable
    {
        private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ManualResetEventSlim _go = new();
        private int _readings;

        public LateCall(TwoClocks clocks, int reading, Func<Task<ByokKeyUnavailableException?>> call)
        {
            Call = Task.Factory.StartNew(
                () =>
                {
                    var thread = Environment.CurrentManagedThreadId;
                    clocks.OnRead = () =>
                    {
                        if (Environment.CurrentManagedThreadId == thread && ++_readings == reading)
                        {
                            _stopped.SetResult();
                            Assert.That(_go.Wait(TimeSpan.FromSeconds(60)), Is.True, "the thread was not told to go on");
                        }
                    };
                    return call();
                },
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default).Unwrap();
        }

        public Task<ByokKeyUnavailableException?> Call { get; }

        /// <summary>Returns when the thread has stopped, or the call has ended with fewer readings.</summary>
        public Task<Task> StoppedOrEndedAsync() => Task.WhenAny(_stopped.Task, Call);

        public void GoOn() => _go.Set();

        public void Dispose() => _go.Set();
    }
}
