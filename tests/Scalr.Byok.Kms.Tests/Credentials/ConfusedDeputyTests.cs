using LocalAws;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.KeyRing;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokKeyUnavailableReason;
using Check = Scalr.Byok.Kms.ByokVerificationCheck;

namespace Scalr.Byok.Kms.Tests.Credentials;

/// <summary>
/// One tenant of the host types what belongs to another, whose key, user and roles are set up as the README tells: the provider and the
/// verifier refuse it.
/// </summary>
internal sealed class ConfusedDeputyTests
{
    private const string Owner = "acme";
    private const string Other = "umbrella";

    private static readonly byte[] Plaintext = "of the other tenant"u8.ToArray();

    private ByokWorld _world = null!;
    private TenantHost _host = null!;

    private IByokVerifier Verifier => _host.Services.GetRequiredService<IByokVerifier>();

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _host = new TenantHost(_world);
        _world.OidcRole.TrustPolicy = ByokPolicies.OidcTrust(
            ByokWorld.CustomerAccount, ByokWorld.Audience, Owner, ByokPolicies.ScalrProviderHost);
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task Oidc_with_all_that_another_tenant_typed_is_refused()
    {
        var step = await RefusedAsync(_world.Settings("Oidc"), RoleNotAssumable, Check.Credentials);

        Assert.That(
            step.Policy,
            Is.EqualTo(ByokPolicies.OidcTrust(ByokWorld.CustomerAccount, ByokWorld.Audience, Other, ByokPolicies.ScalrProviderHost)),
            "only the owner can install it");
    }

    [Test]
    public async Task Oidc_by_a_previous_key_of_another_tenant_is_refused()
    {
        var own = _world.Customer.CreateKey(ByokWorld.Region);
        var ownUser = _world.Customer.CreateUser("umbrella", Policies.Permissions(own.Arn)).CreateAccessKey();
        _world.Remember(ownUser.SecretAccessKey);
        _host.Store[Owner] = _world.Settings("Oidc");
        var message = await (await _host.GetAsync(Owner)).EncryptAsync(Plaintext);
        _host.Store[Other] = new ByokKeySettings
        {
            KeyArn = own.Arn,
            Credentials = ByokCredentialSettings.AccessKeys(ownUser.AccessKeyId, ownUser.SecretAccessKey),
            PreviousKeys = [new() { KeyArn = _world.Key.Arn, Credentials = _world.Settings("Oidc").Credentials }],
        };
        var granted = _world.Aws.Log.Requests.Count(request => request is { Operation: "AssumeRoleWithWebIdentity", ErrorCode: null });

        // The message names its tenant, too, so it is not even tried. A message without a tenant shows what the role does.
        await Assert.ThatAsync(
            async () => await (await _host.GetAsync(Other)).DecryptAsync(message), Throws.TypeOf<ByokDecryptionException>());
        var verification = await Verifier.VerifyAsync(
            new ByokKeySettings
            {
                KeyArn = own.Arn,
                Credentials = ByokCredentialSettings.AccessKeys(ownUser.AccessKeyId, ownUser.SecretAccessKey),
                PreviousKeys = [new() { KeyArn = _world.Key.Arn, Credentials = _world.Settings("Oidc").Credentials }],
            },
            Other);

        Assert.That(
            verification.Steps.Single(step => step.Check == Check.PreviousKey).Reason,
            Is.EqualTo(RoleNotAssumable),
            verification.ToString());
        Assert.That(
            _world.Aws.Log.Requests.Count(request => request is { Operation: "AssumeRoleWithWebIdentity", ErrorCode: null }),
            Is.EqualTo(granted));
    }

    [Test]
    public async Task AssumeRole_with_the_role_of_another_tenant_and_an_own_external_ID_is_refused()
    {
        var typed = _world.Settings("AssumeRole");
        typed.Credentials.ExternalId = ByokPolicies.NewExternalId();

        await RefusedAsync(typed, RoleNotAssumable, Check.Credentials);
    }

    [Test]
    public async Task AccessKeys_of_ones_own_do_not_reach_the_key_of_another_tenant()
    {
        var own = _world.Customer.CreateUser("umbrella", Policies.Permissions(_world.Customer.CreateKey(ByokWorld.Region).Arn))
            .CreateAccessKey();
        _world.Remember(own.SecretAccessKey);

        await RefusedAsync(
            new ByokKeySettings
            {
                KeyArn = _world.Key.Arn,
                Credentials = ByokCredentialSettings.AccessKeys(own.AccessKeyId, own.SecretAccessKey),
            },
            AccessDenied,
            Check.Encrypt);
    }

    [Test]
    public async Task AccessKeys_with_the_id_of_another_tenants_and_no_secret_are_rejected()
    {
        await RefusedAsync(
            new ByokKeySettings
            {
                KeyArn = _world.Key.Arn,
                Credentials = ByokCredentialSettings.AccessKeys(_world.AccessKey.AccessKeyId, new string('x', 40)),
            },
            CredentialsRejected,
            Check.DescribeKey);
    }

    /// <summary>The owner is served and verified, the other tenant is not, and AWS KMS does nothing for it.</summary>
    private async Task<ByokVerificationStep> RefusedAsync(ByokKeySettings typed, ByokKeyUnavailableReason reason, Check check)
    {
        var good = _world.Settings(typed.Credentials.Type!);
        _host.Store[Owner] = good;
        _host.Store[Other] = typed;
        var message = await (await _host.GetAsync(Owner)).EncryptAsync(Plaintext);
        Assert.That((await Verifier.VerifyAsync(good, Owner)).Succeeded, Is.True);
        var served = Served();
        var ring = await _host.GetAsync(Other);

        var encrypt = await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.EncryptAsync(Plaintext));
        await Assert.CatchAsync<ByokException>(async () => await ring.DecryptAsync(message));
        await Assert.CatchAsync<ByokException>(async () => await ring.CreateDataKeyAsync());
        var verification = await Verifier.VerifyAsync(typed, Other);

        Assert.That(encrypt!.Reason, Is.EqualTo(reason));
        var step = verification.Steps.First(step => step.Outcome == ByokVerificationOutcome.Failed);
        Assert.That((step.Check, step.Reason), Is.EqualTo((check, (ByokKeyUnavailableReason?)reason)), verification.ToString());
        Assert.That(Served(), Is.EqualTo(served), "AWS KMS did nothing for the other tenant");
        Assert.That(await (await _host.GetAsync(Owner)).DecryptAsync(message), Is.EqualTo(Plaintext), "the owner is still served");
        return step;
    }

    private int Served() => _world.Aws.Log.Requests.Count(request => request is { Service: "kms", ErrorCode: null });
}
