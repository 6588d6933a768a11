using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Soak;

/// <summary>
/// Each fault of AWS KMS and AWS STS by itself, and all of them mixed, while a ring caches, tries again and breaks circuits as by default.
/// A call ends within the total time limit and well, or with <see cref="ByokServiceException"/>: it is no customer's fault. When the fault
/// is gone, the ring works; when the host is gone, nothing is left.
/// </summary>
[NonParallelizable]
[CancelAfter(120_000)]
[Category("Slow")]
internal sealed class BadDaysTests
{
    private const string Html = "<html><body>S3cret page</body></html>";

    private static readonly byte[] Plaintext = "on a bad day"u8.ToArray();
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private ByokWorld _world = null!;
    private Unobserved _unobserved = null!;
    private byte[] _message = null!;

    /// <summary>What a key ring finds when the fault begins.</summary>
    public enum Ring
    {
        /// <summary>It has never been used.</summary>
        Cold,

        /// <summary>Its data keys are cached.</summary>
        Warm,

        /// <summary>Its data keys have had their time, its session has not.</summary>
        Stale,
    }

    /// <summary>How a call ends that meets the fault.</summary>
    public enum Outcome
    {
        /// <summary>Well.</summary>
        Success,

        /// <summary>Badly, which passes by itself.</summary>
        Outage,

        /// <summary>Badly, which the host's operator has to correct.</summary>
        Failure,
    }

    public static IEnumerable<TestCaseData> Days()
    {
        foreach (var (name, fault, outcome) in Faults())
        {
            foreach (var (type, service) in new[] { ("AccessKeys", "kms"), ("AssumeRole", "kms"), ("AssumeRole", "sts"), ("Oidc", "sts") })
            {
                // A token's call is not signed; an access key does not expire, and what STS calls expired is someone's own fault.
                if ((name.Contains("clock", StringComparison.Ordinal) && type == "Oidc")
                    || (name == "expired session" && (type, service) != ("AssumeRole", "kms")))
                {
                    continue;
                }

                foreach (var ring in Enum.GetValues<Ring>())
                {
                    // Nothing is sent with warm caches, whatever the fault is: one type of credentials has all faults, others the slowest.
                    if (ring == Ring.Warm && (type, service) != ("AssumeRole", "kms") && name != "black hole")
                    {
                        continue;
                    }

                    var isMet = ring == Ring.Cold || (ring == Ring.Stale && service == "kms");
                    yield return new TestCaseData(
                        type,
                        fault with { Service = service },
                        ring,
                        isMet ? outcome : Outcome.Success).SetArgDisplayNames(name, type, service, $"{ring}");
                }
            }
        }
    }

    public static IEnumerable<TestCaseData> Passing()
    {
        // which has one retry
        foreach (var (name, fault, _) in Faults().Where(one => one.Outcome == Outcome.Outage && one.Fault.Kind != FaultKind.ClockSkew))
        {
            foreach (var type in name == "expired session" ? ["AssumeRole"] : ByokWorld.CredentialTypes)
            {
                yield return new TestCaseData(type, fault).SetArgDisplayNames(name, type);
            }
        }
    }

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _unobserved = new Unobserved();
        await using var day = new BadDay(_world, "AccessKeys");
        _message = await day.EncryptAsync(Plaintext);
    }

    [SetUp]
    public void Reset()
    {
        _world.Aws.Faults.Clear();
        _world.Aws.Log.Clear();
    }

    [TearDown]
    public void Check() => _world.DemandAllowedCalls();

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await _world.DisposeAsync();
        _unobserved.DemandNone(); // once: after thousands of tests a full collection takes more than a second
        _unobserved.Dispose();
    }

    [TestCaseSource(nameof(Days))]
    public async Task A_call_in_a_fault_ends_in_time_and_well_or_as_an_outage(string type, Fault fault, Ring state, Outcome outcome)
    {
        foreach (var isDecrypt in new[] { false, true })
        {
            await using var day = new BadDay(_world, type);
            if (state != Ring.Cold)
            {
                await day.EncryptAsync(Plaintext);
                await day.DecryptAsync(_message);
            }

            _world.Time.Advance(state == Ring.Stale ? TimeSpan.FromMinutes(6) : TimeSpan.Zero);
            var (asked, start) = (_world.Aws.Log.Requests.Count, _world.Time.GetUtcNow());
            _world.Aws.Faults.Add(fault);

            var call = isDecrypt ? day.DecryptAsync(_message) : day.EncryptAsync(Plaintext);

            var result = isDecrypt ? Plaintext : _message;
            if (outcome == Outcome.Success)
            {
                result = await call;
                var limit = state == Ring.Stale && fault.Service == "sts" ? BadDay.Defaults.AttemptTimeout : TimeSpan.Zero;
                Assert.That(
                    _world.Time.GetUtcNow() - start,
                    Is.LessThanOrEqualTo(limit),
                    "nothing waits, but for one attempt to check the role's trust");
            }
            else
            {
                var thrown = await Assert.ThrowsAsync<ByokServiceException>(() => call);
                Assert.That(thrown!.IsTransient, Is.EqualTo(outcome == Outcome.Outage), $"{thrown}");
                Assert.That(thrown.ToString(), Does.Not.Contain("S3cret"));
                Assert.That(_world.Aws.Log.Requests, Has.Count.GreaterThan(asked), "AWS was asked");
            }

            _world.Aws.Faults.Clear();
            await day.AdvanceAsync(BadDay.Defaults.BreakDuration);
            Assert.That(isDecrypt ? result : await day.DecryptAsync(result), Is.EqualTo(Plaintext));
            Assert.That(await day.DecryptAsync(await day.EncryptAsync(Plaintext)), Is.EqualTo(Plaintext), "it works again");
        }
    }

    [TestCaseSource(nameof(Passing))]
    public async Task A_fault_that_passes_within_the_retries_fails_no_call(string type, Fault fault)
    {
        var message = _message;
        foreach (var isDecrypt in new[] { false, true })
        {
            await using var day = new BadDay(_world, type);
            _world.Aws.Faults.Add(fault with { Times = BadDay.Defaults.MaxRetryAttempts - 1 });

            var result = await (isDecrypt ? day.DecryptAsync(message) : day.EncryptAsync(Plaintext));

            Assert.That(_world.Aws.Log.Requests, Has.Count.GreaterThanOrEqualTo(BadDay.Defaults.MaxRetryAttempts));
            message = isDecrypt ? message : result;
            Assert.That(isDecrypt ? result : await day.DecryptAsync(result), Is.EqualTo(Plaintext));
        }
    }

    [Test]
    public async Task Faults_that_mix_make_no_call_late_and_no_plaintext_wrong(
        [Values("AccessKeys", "AssumeRole", "Oidc")] string type, [Values(1, 2)] int seed)
    {
        var dice = new Random(seed);
        var faults = Faults().Where(one => type != "AccessKeys" || one.Name != "expired session").Select(one => one.Fault).ToArray();
        var messages = new List<(byte[] Message, byte[] Plaintext)> { (_message, Plaintext) };
        var (worked, failed) = (0, 0);
        await using var day = new BadDay(_world, type);
        for (var i = 0; i < 60; i++)
        {
            _world.Aws.Faults.Clear();
            for (var hits = dice.Next(6); hits > 0; hits--)
            {
                _world.Aws.Faults.Add(faults[dice.Next(faults.Length)] with { Times = 1 });
            }

            var (message, plaintext) = messages[dice.Next(messages.Count)];
            try
            {
                Assert.That(await day.DecryptAsync(message), Is.EqualTo(plaintext));
                plaintext = BitConverter.GetBytes(i);
                messages.Add((await day.EncryptAsync(plaintext, $"{i}"), plaintext));
                worked++;
            }
            catch (ByokServiceException)
            {
                failed++;
            }

            await day.AdvanceAsync(TimeSpan.FromSeconds(dice.Next(30)));
        }

        TestContext.Out.WriteLine($"{worked} rounds worked, {failed} failed; {_world.Aws.Log.Requests.Count} requests");
        Assert.That(worked, Is.GreaterThan(5));
        Assert.That(failed, Is.GreaterThan(0));
        _world.Aws.Faults.Clear();
        await day.AdvanceAsync(BadDay.Defaults.BreakDuration);
        foreach (var (message, plaintext) in messages)
        {
            Assert.That(await day.DecryptAsync(message), Is.EqualTo(plaintext));
        }
    }

    private static IEnumerable<(string Name, Fault Fault, Outcome Outcome)> Faults()
    {
        yield return ("latency", Fault.Latency(TimeSpan.FromMilliseconds(20)), Outcome.Success);
        yield return ("black hole", Fault.BlackHole(), Outcome.Outage);
        yield return ("stalled body", Fault.StalledBody(), Outcome.Outage);
        yield return ("reset", Fault.Drop(), Outcome.Outage);
        yield return ("reset in the body", Fault.CutBody(), Outcome.Outage);
        yield return ("500", Fault.Error("InternalFailure", 500), Outcome.Outage);
        yield return ("503", Fault.Error("ServiceUnavailable", 503), Outcome.Outage);
        yield return ("throttled", Fault.Error("ThrottlingException"), Outcome.Outage);
        yield return ("HTML 200", Fault.Body(200, "text/html", Html), Outcome.Outage);
        yield return ("HTML 403", Fault.Body(403, "text/html", Html), Outcome.Outage);
        yield return ("HTML 502", Fault.Body(502, "text/html", Html), Outcome.Outage);
        yield return ("a clock behind AWS's", Fault.ClockSkew(Hour), Outcome.Outage);
        yield return ("a clock before AWS's", Fault.ClockSkew(-Hour), Outcome.Outage);
        yield return ("expired session", Fault.Error("ExpiredTokenException") with { Service = "kms" }, Outcome.Outage);
    }
}
