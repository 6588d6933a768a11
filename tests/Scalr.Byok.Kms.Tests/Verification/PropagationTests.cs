using LocalAws;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokKeyUnavailableReason;
using static Scalr.Byok.Kms.ByokVerificationOutcome;
using Check = Scalr.Byok.Kms.ByokVerificationCheck;

namespace Scalr.Byok.Kms.Tests.Verification;

/// <summary>Waiting until IAM has spread what the customer has just changed: what is tried again, how often, and how long in all.</summary>
internal sealed class PropagationTests
{
    private Connection _connection = null!;

    private ByokWorld World => _connection.World;

    [TearDown]
    public async Task StopAsync() => await _connection.DisposeAsync();

    [Test]
    public async Task A_denied_step_is_tried_again_until_the_customer_has_mended_it(
        [ValueSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))] string type)
    {
        _connection = await Connection.StartAsync(type);
        _connection.Permissions = null;
        var tries = 0;
        var told = new Told(progress =>
        {
            if (progress.RetryIn is { } pause)
            {
                _connection.Permissions = ++tries == 3 ? progress.Step.Policy : null;
                World.Time.Advance(pause);
            }
        });

        var verification = await VerifyAsync(60, told);

        Assert.That(verification.Steps.Select(step => step.Outcome), Is.All.EqualTo(Passed), verification.ToString());
        Assert.That(
            told.Retries.Select(p => $"{p.Step.Check} {p.Step.Outcome} {p.Attempt}: {p.RetryIn!.Value.TotalSeconds} s"),
            Is.EqualTo((string[])["DescribeKey Warning 1: 1 s", "DescribeKey Warning 2: 2 s", "DescribeKey Warning 3: 4 s"]));
        Assert.That(told.All.Where(p => p.RetryIn is null).Select(p => p.Step), Is.EqualTo(verification.Steps));
        Assert.That(told.All.Single(p => p.Step.Check == Check.DescribeKey && p.RetryIn is null).Attempt, Is.EqualTo(4));
        Assert.That(verification.Steps.Single(step => step.Check == Check.DescribeKey).Duration, Is.EqualTo(TimeSpan.FromSeconds(7)));
        Assert.That(verification.Duration, Is.EqualTo(TimeSpan.FromSeconds(7)));
    }

    [Test]
    public async Task A_role_that_cannot_be_assumed_yet_is_tried_again([Values("AssumeRole", "Oidc")] string type)
    {
        _connection = await Connection.StartAsync(type);
        _connection.Role.TrustPolicy = """{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"*"}}""";
        var seen = new TaskCompletionSource<ByokVerificationProgress>(TaskCreationOptions.RunContinuationsAsynchronously);
        var told = new Told(progress => _ = progress.RetryIn is not null && seen.TrySetResult(progress));

        var verifying = VerifyAsync(60, told);
        var denied = await seen.Task;
        _connection.Role.TrustPolicy = denied.Step.Policy!;
        World.Time.Advance(denied.RetryIn!.Value);
        var verification = await verifying;

        Assert.That(
            (denied.Step.Check, denied.Step.Reason, denied.Attempt),
            Is.EqualTo((Check.Credentials, (ByokKeyUnavailableReason?)RoleNotAssumable, 1)));
        Assert.That(verification.Steps.Select(step => step.Outcome), Is.All.EqualTo(Passed), verification.ToString());
        Assert.That(told.Retries.Count(), Is.EqualTo(1));
    }

    [TestCase(0.5, "0.5")]
    [TestCase(5, "1 2 2")]
    [TestCase(60, "1 2 4 8 15 15 15")]
    [TestCase(61, "1 2 4 8 15 15 15 1")]
    public async Task The_waiting_ends_when_the_time_for_it_is_over(double seconds, string pauses)
    {
        _connection = await Connection.StartAsync("AssumeRole");
        var told = Patient();

        var verification = await VerifyAsync(seconds, told, settings => settings.Credentials.ExternalId = "another-external-id");

        Assert.That(string.Join(' ', told.Retries.Select(p => p.RetryIn!.Value.TotalSeconds)), Is.EqualTo(pauses));
        Assert.That(verification.Duration, Is.EqualTo(TimeSpan.FromSeconds(seconds)));
        Assert.That(verification.Steps.Single(step => step.Outcome == Failed).Reason, Is.EqualTo(RoleNotAssumable));
        Assert.That(World.Aws.Log.Count("AssumeRole"), Is.EqualTo(pauses.Split(' ').Length + 1));
    }

    [Test]
    public async Task The_time_for_waiting_is_one_for_all_steps()
    {
        _connection = await Connection.StartAsync("AccessKeys");
        _connection.Permissions = null;
        _connection.OldUser.Policy = null;
        var told = Patient();

        var verification = await VerifyAsync(8, told);

        Assert.That(told.Retries.Select(p => p.Step.Check), Is.All.EqualTo(Check.DescribeKey), "no time is left for the others");
        Assert.That(verification.Duration, Is.EqualTo(TimeSpan.FromSeconds(8)));
        Assert.That(Connection.Checked(verification, Failed), Is.EqualTo((Check[])[Check.Encrypt]));
        Assert.That(Connection.Checked(verification, Warning), Is.EqualTo((Check[])[Check.DescribeKey, Check.PreviousKey]));
    }

    [Test]
    public async Task An_access_key_and_a_token_that_AWS_does_not_know_yet_are_tried_again([Values("AccessKeys", "Oidc")] string type)
    {
        _connection = await Connection.StartAsync(type);
        World.AccessKey.Active = false;
        World.GetToken = (_, _) => new(World.Token("unknown-audience", ByokWorld.Subject));
        var told = new Told(progress =>
        {
            if (progress.RetryIn is { } pause)
            {
                World.AccessKey.Active = true;
                World.GetToken = (request, _) => new(World.Token(request.Audience, ByokWorld.Subject));
                World.Time.Advance(pause);
            }
        });

        var verification = await VerifyAsync(60, told);

        Assert.That(verification.Succeeded, Is.True, verification.ToString());
        Assert.That(told.Retries.Single().Step.Reason, Is.EqualTo(type == "Oidc" ? TokenRejected : CredentialsRejected));
    }

    [Test]
    public async Task What_waiting_does_not_mend_is_not_tried_again(
        [Values("disabled", "missing", "host", "provider", "settings")] string what)
    {
        _connection = await Connection.StartAsync(what switch { "host" => "AssumeRole", "provider" => "Oidc", _ => "AccessKeys" });
        World.HostKey.Active = what != "host";
        World.GetToken = what == "provider" ? (_, _) => throw new IOException() : World.GetToken;
        if (what == "disabled")
        {
            World.Key.Disable();
        }

        var told = new Told();
        var verification = await VerifyAsync(60, told, settings =>
        {
            settings.KeyArn = what == "settings" ? "arn:aws" : settings.KeyArn;
            settings.ReplicaRegions = what == "missing" ? [] : settings.ReplicaRegions;
            settings.PreviousKeys[0].KeyArn = what == "missing"
                ? settings.PreviousKeys[0].KeyArn![..^4] + "0000"
                : settings.PreviousKeys[0].KeyArn;
            _connection.OldUser.Policy = """{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}""";
        });

        Assert.That(verification.Succeeded, Is.False);
        Assert.That(told.Retries, Is.Empty);
        Assert.That(verification.Duration, Is.EqualTo(TimeSpan.Zero));
    }

    [Test]
    public async Task Nothing_is_tried_again_unless_that_is_asked_for()
    {
        _connection = await Connection.StartAsync("AssumeRole");
        var told = new Told();

        _ = await VerifyAsync(0, told, settings => settings.Credentials.ExternalId = "another-external-id");

        Assert.That(told.Retries, Is.Empty);
        Assert.That(World.Aws.Log.Count("AssumeRole"), Is.EqualTo(1));
    }

    [Test]
    public async Task A_wait_that_is_negative_or_too_long_is_refused()
    {
        _connection = await Connection.StartAsync("AccessKeys");

        foreach (var wait in (TimeSpan[])[TimeSpan.FromTicks(-1), TimeSpan.FromHours(1)
            + TimeSpan.FromTicks(1), TimeSpan.MinValue, TimeSpan.MaxValue])
        {
            await Assert.ThatAsync(
                () => _connection.VerifyAsync(how: new() { WaitForPropagation = wait }),
                Throws.TypeOf<ArgumentOutOfRangeException>().With.Property("ParamName").EqualTo(
                    "options").And.Message.Contains("00:00:00 to 01:00:00"));
        }

        Assert.That((await _connection.VerifyAsync(how: new() { WaitForPropagation = TimeSpan.FromHours(1) })).Succeeded, Is.True);
    }

    [Test]
    public async Task Cancelling_ends_the_wait_at_once()
    {
        _connection = await Connection.StartAsync("AssumeRole");
        using var cancellation = new CancellationTokenSource();
        var waits = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var told = new Told(progress => _ = progress.RetryIn is not null && waits.TrySetResult());
        var verifying = VerifyAsync(3600, told, settings => settings.Credentials.ExternalId = "another-external-id", cancellation.Token);
        await waits.Task;

        await cancellation.CancelAsync();

        var thrown = await Assert.CatchAsync<OperationCanceledException>(() => verifying);
        Assert.That(thrown!.CancellationToken, Is.EqualTo(cancellation.Token));
        Assert.That(World.Aws.Log.Count("AssumeRole"), Is.EqualTo(1));
    }

    [Test]
    public async Task A_try_that_hangs_after_a_wait_ends_in_time()
    {
        _connection = await Connection.StartAsync("AssumeRole");
        World.Aws.Faults.Add(Fault.Error("AccessDenied", 403) with { Operation = "AssumeRole", Times = 1 });
        World.Aws.Faults.Add(Fault.BlackHole() with { Operation = "AssumeRole" });

        var verifying = VerifyAsync(3600, new Told(_ => { }));
        var verification = await HangingCalls.PassAsync(World, verifying, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(10));

        Assert.That(verification.Steps[3].Message, Does.Contain("did not finish within 2 s"));
        Assert.That(
            verification.Duration.TotalSeconds, Is.InRange(3, 3.05), "a second of waiting and two of hanging; the clock moves in steps");
    }

    /// <summary>Lets the time pass that is waited.</summary>
    private Told Patient() => new(progress => World.Time.Advance(progress.RetryIn ?? TimeSpan.Zero));

    private Task<ByokVerification> VerifyAsync(
        double wait,
        IProgress<ByokVerificationProgress> progress,
        Action<ByokKeySettings>? change = null,
        CancellationToken cancellationToken = default) =>
        _connection.VerifyAsync(
            change, new() { WaitForPropagation = TimeSpan.FromSeconds(wait), Progress = progress }, cancellationToken: cancellationToken);
}
