using Amazon.Runtime;
using LocalAws;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.DependencyInjection;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokVerificationOutcome;
using Check = Scalr.Byok.Kms.ByokVerificationCheck;

namespace Scalr.Byok.Kms.Tests.Verification;

/// <summary>
/// What a caller of the verifier may rely on: arguments, cancellation, providers that hang, and a host's own kinds of credentials.
/// </summary>
internal sealed class VerifierTests
{
    private Connection _connection = null!;

    private ByokWorld World => _connection.World;

    [TearDown]
    public async Task StopAsync() => await _connection.DisposeAsync();

    [Test]
    public async Task Null_arguments_are_named()
    {
        _connection = await Connection.StartAsync("AccessKeys");
        var verifier = _connection.Verifier();

        foreach (var (call, name) in (IEnumerable<(Func<Task>, string)>)
        [
            (() => verifier.VerifyAsync(null!, tenant: null), "settings"),
            (() => verifier.VerifyAsync(null!, tenant: null, new ByokVerificationOptions()), "settings"),
            (() => verifier.VerifyAsync(_connection.GoodSettings(), tenant: null, null!), "options"),
        ])
        {
            await Assert.ThatAsync(() => call(), Throws.ArgumentNullException.With.Property("ParamName").EqualTo(name));
        }
    }

    [Test]
    public async Task A_call_that_is_cancelled_before_it_begins_asks_AWS_nothing()
    {
        _connection = await Connection.StartAsync("AssumeRole");
        using var cancellation = new CancellationTokenSource();
        await cancellation.CancelAsync();

        var thrown = await Assert.CatchAsync<OperationCanceledException>(
            () => _connection.VerifyAsync(cancellationToken: cancellation.Token));

        Assert.That(thrown!.CancellationToken, Is.EqualTo(cancellation.Token));
        Assert.That(World.Aws.Log.Requests, Is.Empty);
    }

    [TestCase("AccessKeys", "DescribeKey")]
    [TestCase("AssumeRole", "AssumeRole")]
    [TestCase("Oidc", "AssumeRoleWithWebIdentity")]
    [TestCase("AssumeRole", "Encrypt")]
    [TestCase("AccessKeys", "Decrypt")]
    public async Task Cancelling_ends_a_call_under_way_with_the_callers_token(string type, string operation)
    {
        _connection = await Connection.StartAsync(type);
        World.Aws.Faults.Add(Fault.BlackHole() with { Operation = operation });
        using var cancellation = new CancellationTokenSource();
        var told = new Told();
        var verifying = _connection.VerifyAsync(how: new() { Progress = told }, cancellationToken: cancellation.Token);
        await World.ReceivedAsync(operation);
        var steps = told.All.Count;

        await cancellation.CancelAsync();

        var thrown = await Assert.CatchAsync<OperationCanceledException>(() => verifying);
        Assert.That(thrown!.CancellationToken, Is.EqualTo(cancellation.Token));
        Assert.That(told.All, Has.Count.EqualTo(steps));
    }

    [Test]
    public async Task Cancelling_ends_the_wait_for_a_token_provider_that_does_not_care()
    {
        _connection = await Connection.StartAsync("Oidc");
        var hold = Hanging(stranger: false);
        using var cancellation = new CancellationTokenSource();
        var verifying = _connection.VerifyAsync(cancellationToken: cancellation.Token);
        await hold.Reached;

        await cancellation.CancelAsync();

        await Assert.CatchAsync<OperationCanceledException>(() => verifying);
        hold.Release();
    }

    [Test]
    public async Task A_token_provider_that_hangs_fails_in_time([Values] bool stranger)
    {
        _connection = await Connection.StartAsync("Oidc");
        var hold = Hanging(stranger);
        var verifying = _connection.VerifyAsync();
        await hold.Reached;

        World.Time.Advance(TimeSpan.FromSeconds(2));
        var verification = await verifying;
        hold.Release();

        var step = verification.Steps.Single(step => step.Outcome is Failed or Warning);
        Assert.That((step.Check, step.Outcome), Is.EqualTo(stranger ? (Check.RoleTrust, Warning) : (Check.Credentials, Failed)));
        Assert.That(
            step.Message,
            Is.EqualTo((stranger ? "It could not be determined whether the role admits other subjects. " : "")
                + "The host's OIDC token provider did not finish within 2 s. Nothing was sent to AWS; the host's operator should check "
                + "the provider."));
        Assert.That((step.Remedy, step.Operation), Is.EqualTo(
            ("The host's operator has to correct it; the customer cannot.", default(string))));
        Assert.That(verification.Duration, Is.EqualTo(TimeSpan.FromSeconds(2)));
    }

    [Test]
    public async Task A_token_provider_that_hangs_while_a_refusal_is_explained_does_not_hide_it()
    {
        _connection = await Connection.StartAsync("Oidc");
        World.OidcRole.TrustPolicy = ByokPolicies.OidcTrust(
            ByokWorld.CustomerAccount, ByokWorld.Audience, "another", ByokPolicies.ScalrProviderHost);
        var (hold, calls) = (new Hold(), 0);
        World.GetToken = async (request, token) =>
        {
            if (++calls > 1)
            {
                await hold.IgnoreAsync(token);
            }

            return World.Token(request.Audience, ByokWorld.Subject);
        };
        var verifying = _connection.VerifyAsync();
        await hold.Reached;

        World.Time.Advance(TimeSpan.FromSeconds(2));
        var step = (await verifying).Steps.Single(step => step.Outcome == Failed);
        hold.Release();

        Assert.That(
            (step.Reason, step.Policy),
            Is.EqualTo(((ByokKeyUnavailableReason?)ByokKeyUnavailableReason.RoleNotAssumable, default(string))));
    }

    [TestCase("accesskeys", "AccessKeys")]
    [TestCase("ASSUMEROLE", "AssumeRole")]
    [TestCase("oidc", "Oidc")]
    public async Task The_type_may_be_in_any_case(string typed, string type)
    {
        _connection = await Connection.StartAsync(type);
        var good = await _connection.VerifyAsync();

        Assert.That((await _connection.VerifyAsync(settings => settings.Credentials.Type = typed)).ToString(), Is.EqualTo(good.ToString()));
    }

    [Test]
    public async Task A_hosts_own_kind_of_credentials_is_verified_too()
    {
        _connection = await Connection.StartAsync("AccessKeys");

        var verification = await VerifyVaultAsync("acme");

        Assert.That(verification.Steps.Select(step => step.Outcome), Is.All.EqualTo(Passed), verification.ToString());
        Assert.That(verification.Steps.Select(step => step.Check), Is.EqualTo(_connection.Checks), "no role that is known of");
        Assert.That(verification.Steps[3].Message, Is.EqualTo("The credentials of type Vault were obtained."));
    }

    [Test]
    public async Task A_hosts_own_kind_of_credentials_may_complain_and_be_denied()
    {
        _connection = await Connection.StartAsync("AccessKeys");
        Assert.That(
            (await VerifyVaultAsync(entry: null)).Steps[2].Message,
            Is.EqualTo("Credentials:Audience is missing; it names the entry in the vault."));

        World.User.Policy = ByokPolicies.KeyPermissions(_connection.KeyArn, [Connection.ReplicaRegion], describeKey: false);
        var step = (await VerifyVaultAsync("acme")).Steps.Single(step => step.Outcome == Warning);

        Assert.That(
            step.Remedy,
            Does.StartWith("Attach this permission policy to the user or role that the credentials belong to: it allows kms:DescribeKey."));
    }

    [Test]
    public async Task A_strategy_that_throws_fails_its_step_and_nothing_is_thrown()
    {
        _connection = await Connection.StartAsync("AccessKeys");

        var verification = await VerifyVaultAsync("no such entry");

        Assert.That(verification.Steps.Where(step => step.Outcome == Failed).Select(step => step.ToString()), Is.EqualTo((string[])
            ["Credentials: Failed. The host's own code failed with KeyNotFoundException."]));
        Assert.That(verification.Steps[3].Remedy, Is.EqualTo("The host's operator has to correct it; the customer cannot."));
        Assert.That(verification.Steps.Skip(4).Select(step => step.Outcome), Is.All.EqualTo(Skipped));
        Assert.That(World.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task Credentials_that_throw_fail_their_step_and_nothing_is_thrown()
    {
        _connection = await Connection.StartAsync("AccessKeys");

        var verification = await VerifyAsync<BrokenStrategy>(settings =>
        {
            settings.Credentials = new() { Type = "Broken" };
            settings.PreviousKeys[0].Credentials = new() { Type = "Broken" };
        });

        Assert.That(verification.Steps.Where(step => step.Outcome == Failed).Select(step => step.ToString()), Is.EqualTo((string[])
        [
            "Credentials: Failed. The host's own code failed with InvalidOperationException.",
            "PreviousKey: Failed. The host's own code failed with InvalidOperationException.",
        ]));
    }

    private Hold Hanging(bool stranger)
    {
        var hold = new Hold();
        async ValueTask<string?> HangAsync(OidcTokenRequest request, CancellationToken token)
        {
            await hold.IgnoreAsync(token);
            return World.Token(request.Audience, "account:too-late");
        }

        World.GetToken = stranger ? World.GetToken : async (request, token) => (await HangAsync(request, token))!;
        World.GetUnrelatedSubjectToken = stranger ? HangAsync : World.GetUnrelatedSubjectToken;
        return hold;
    }

    private Task<ByokVerification> VerifyVaultAsync(string? entry) =>
        VerifyAsync<VaultStrategy>(settings => settings.Credentials = new() { Type = "Vault", Audience = entry });

    private Task<ByokVerification> VerifyAsync<TStrategy>(Action<ByokKeySettings> change)
        where TStrategy : class, IByokCredentialStrategy
    {
        var services = World.Services();
        var vault = new Vault();
        vault.Entries["acme"] = (World.AccessKey.AccessKeyId, World.AccessKey.SecretAccessKey);
        services.AddSingleton(vault);
        services.AddScalrByok().AddCredentialStrategy<TStrategy>();
        var settings = _connection.GoodSettings();
        change(settings);
        return World.Build(services).GetRequiredService<IByokVerifier>().VerifyAsync(settings, tenant: null);
    }

    private sealed class BrokenStrategy : IByokCredentialStrategy
    {
        public string Type => "Broken";

        public IEnumerable<string> Validate(ByokCredentialSettings credentials) => [];

        public AWSCredentials CreateCredentials(ByokCredentialSettings credentials, ByokCredentialContext context) =>
            new BrokenCredentials();
    }

    private sealed class BrokenCredentials : AWSCredentials
    {
        public override ImmutableCredentials GetCredentials() => throw new InvalidOperationException("secret-of-the-host");

        public override Task<ImmutableCredentials> GetCredentialsAsync() => throw new InvalidOperationException("secret-of-the-host");
    }
}
