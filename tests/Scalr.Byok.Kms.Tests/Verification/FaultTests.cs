using LocalAws;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokVerificationOutcome;
using Check = Scalr.Byok.Kms.ByokVerificationCheck;

namespace Scalr.Byok.Kms.Tests.Verification;

/// <summary>
/// AWS hanging, resetting, throttling or answering nonsense, at each call in turn: a step that says so, in time, and no one is blamed.
/// </summary>
[TestFixtureSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))]
[Category("Slow")]
internal sealed class FaultTests
{
    private const string Html = "<html><body>S3cret page</body></html>";

    private static readonly TimeSpan Attempt = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Total = TimeSpan.FromSeconds(10);

    private readonly string _type;
    private Connection _connection = null!;

    public FaultTests(string type) => _type = type;

    public static IEnumerable<TestCaseData> Faults()
    {
        yield return Case("black hole", Fault.BlackHole(), "did not finish within 2 s", hangs: true);
        yield return Case("stalled body", Fault.StalledBody(), "did not finish within 2 s", hangs: true);
        yield return Case("reset", Fault.Drop(), "failed because AWS could not be reached: 127.0.0.1:");
        yield return Case("cut body", Fault.CutBody(), "");
        yield return Case("HTML 200", Fault.Body(200, "text/html", Html), "");
        yield return Case(
            "1 GB answer",
            Fault.LongBody(200, "text/plain", "", 1_000_000_000),
            "failed: AWS answered with more than 1 MiB. Try again later. The key itself is not the cause.");
        yield return Case("empty 200", Fault.Body(200, "application/x-amz-json-1.1", ""), "");
        yield return Case(
            "HTML 403", Fault.Body(403, "text/html", Html), "failed: AWS answered HTTP 403 without a readable error. Try again later");
        yield return Case(
            "HTML 502", Fault.Body(502, "text/html", Html), "failed: AWS answered HTTP 502 without a readable error. Try again later");
        yield return Case(
            "throttled",
            Fault.Error("ThrottlingException"),
            "failed: AWS answered ThrottlingException. Try again later. The key itself is not the cause.");
    }

    [OneTimeSetUp]
    public async Task StartAsync() => _connection = await Connection.StartAsync(_type);

    [OneTimeTearDown]
    public async Task StopAsync() => await _connection.DisposeAsync();

    [TestCaseSource(nameof(Faults))]
    public async Task A_fault_at_any_call_fails_that_step_in_time(Fault fault, string words, bool hangs)
    {
        foreach (var (check, operation) in Calls())
        {
            var verification = await VerifyAsync(fault with { Operation = operation }, check);

            var which = $"{operation} of {check}:{Environment.NewLine}{verification}";
            var step = verification.Steps.Single(step => step.Outcome is Failed or Warning);
            Assert.That((step.Check, step.Outcome), Is.EqualTo((check, check == Check.RoleTrust ? Warning : Failed)), which);
            Assert.That((step.Reason, step.Policy), Is.EqualTo((default(ByokKeyUnavailableReason?), default(string))), which);
            Assert.That(step.Operation, Does.EndWith(":" + operation), which);
            Assert.That(step.Message, Does.Contain(words).And.Contain($"{step.Operation}").And.Not.Contain("S3cret"), which);
            Assert.That(
                step.Message,
                Does.EndWith("Try again later.").Or.EndWith("The key itself is not the cause.").Or.EndWith("Trying again will not help."),
                which);
            Assert.That(
                step.Message,
                hangs && check != Check.RoleTrust
                    ? Does.Contain($"2 s at 127.0.0.1:{_connection.World.Aws.Endpoint.Port}. This address is configured by the host's")
                    : Does.Not.Contain("2 s at"),
                which);
            Assert.That(step.Remedy, Is.Not.Empty, which);
            Assert.That(Connection.Checked(verification, Skipped), Is.EqualTo(Behind(check)), which);
            Assert.That(verification.Duration, Is.EqualTo(hangs ? Attempt : TimeSpan.Zero), which);
            Assert.That(verification.Steps.Sum(s => s.Duration.Ticks), Is.EqualTo(verification.Duration.Ticks), which);
        }
    }

    [Test]
    public async Task A_verification_in_which_every_call_hangs_ends_in_time()
    {
        _connection.World.Aws.Log.Clear();
        var fault = _connection.World.Aws.Faults.Add(Fault.BlackHole());
        var settings = _connection.GoodSettings();
        settings.PreviousKeys =
        [
            .. Enumerable.Range(10, 20).Select(i => new ByokPreviousKeySettings
            {
                KeyArn = _connection.OldKey.Arn[..^2] + i,
                Credentials = _connection.OldCredentials,
            }),
        ];

        var verifying = _connection.Verifier(o =>
        {
            o.MaxPreviousKeys = 20;
            o.Resilience.AttemptTimeout = TimeSpan.FromSeconds(3);
        }).VerifyAsync(settings, tenant: null);
        var verification = await HangingCalls.PassAsync(_connection.World, verifying, TimeSpan.FromSeconds(3), Total);

        _connection.World.Aws.Faults.Remove(fault);
        Assert.That(verification.Duration, Is.EqualTo(Total));
        Assert.That(_connection.World.Aws.Log.Requests, Has.Count.EqualTo(4), "3 s, 3 s, 3 s and 1 s");
        var previous = verification.Steps.Where(step => step.Check == Check.PreviousKey).ToList();
        Assert.That(previous, Has.Count.EqualTo(20));
        Assert.That(previous.Select(step => step.Outcome), Is.All.EqualTo(Failed));
        Assert.That(previous[^1].Message, Is.EqualTo(
            "The verification did not finish within 10 s, because AWS or the host's token provider did not answer in time."));
        Assert.That(previous[^1].Remedy, Is.EqualTo("Try again later; nothing is known to be wrong with the settings."));
    }

    private static TestCaseData Case(string name, Fault fault, string words, bool hangs = false) =>
        new TestCaseData(fault, words, hangs).SetArgDisplayNames(name);

    /// <summary>Verifies with the fault there from the end of the step before until the end of this one.</summary>
    private async Task<ByokVerification> VerifyAsync(Fault fault, Check check)
    {
        var world = _connection.World;
        world.Aws.Log.Clear();
        var told = new Told(progress =>
        {
            world.Aws.Faults.Clear();
            if (Array.IndexOf(_connection.Checks, progress.Step.Check) + 1 == Array.IndexOf(_connection.Checks, check))
            {
                world.Aws.Faults.Add(fault);
            }
        });
        return await HangingCalls.PassAsync(world, _connection.VerifyAsync(how: new() { Progress = told }), Attempt, Total);
    }

    /// <summary>Every call that a verification makes, with its step.</summary>
    private IEnumerable<(Check Check, string Operation)> Calls()
    {
        IEnumerable<(Check, string)> ofKms =
        [
            (Check.DescribeKey, "DescribeKey"), (Check.Encrypt, "Encrypt"), (Check.Decrypt, "Decrypt"),
            (Check.Replica, "DescribeKey"), (Check.Replica, "Decrypt"), (Check.Replica, "Encrypt"), (Check.PreviousKey, "DescribeKey"),
        ];
        IEnumerable<(Check, string)> ofSts = ((Check[])[Check.Credentials, Check.RoleTrust, Check.Replica]).Select(
            check => (check, _connection.Assume));
        return _connection.HasRole ? ofSts.Concat(ofKms) : ofKms;
    }

    /// <summary>What is skipped because a step failed.</summary>
    private static Check[] Behind(Check check) => check switch
    {
        Check.Credentials => [Check.RoleTrust, Check.DescribeKey, Check.Encrypt, Check.Decrypt, Check.Replica],
        Check.DescribeKey => [Check.Encrypt, Check.Decrypt, Check.Replica],
        Check.Encrypt => [Check.Decrypt, Check.Replica],
        _ => [],
    };
}
