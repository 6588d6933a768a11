using System.Buffers.Text;
using System.Text;
using LocalAws;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokKeyUnavailableReason;

namespace Scalr.Byok.Kms.Tests.Credentials;

/// <summary>
/// Everything a customer or the host can get wrong about credentials, refused by AWS over the wire, and what the library makes of it.
/// </summary>
internal sealed class RefusedCredentialsTests
{
    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task AccessKeys_with_a_wrong_secret_are_rejected()
    {
        var wrong = new string('x', 40);
        await RefusedAsync("AccessKeys", CredentialsRejected, "kms:Encrypt", s => s.Credentials.SecretAccessKey = wrong);
    }

    [Test]
    public async Task AccessKeys_with_an_unknown_id_are_rejected() =>
        await RefusedAsync("AccessKeys", CredentialsRejected, "kms:Encrypt", s => s.Credentials.AccessKeyId = "AKIAUNKNOWNUNKNOWN12");

    [Test]
    public async Task AccessKeys_that_are_inactive_are_rejected()
    {
        _world.AccessKey.Active = false;
        await RefusedAsync("AccessKeys", CredentialsRejected, "kms:Encrypt");
    }

    [Test]
    public async Task AccessKeys_without_the_permission_are_denied()
    {
        _world.User.Policy = Policies.Permissions(_world.Key.Arn, "kms:Decrypt");
        await RefusedAsync("AccessKeys", AccessDenied, "kms:Encrypt");
    }

    [Test]
    public async Task AssumeRole_with_a_wrong_external_id_is_refused() =>
        await RefusedAsync("AssumeRole", RoleNotAssumable, "sts:AssumeRole", s => s.Credentials.ExternalId = "another-external-id");

    [Test]
    public async Task AssumeRole_with_a_wrong_role_is_refused() =>
        await RefusedAsync(
            "AssumeRole",
            RoleNotAssumable,
            "sts:AssumeRole",
            s => s.Credentials.RoleArn = $"arn:aws:iam::{ByokWorld.CustomerAccount}:role/no-such-role");

    [Test]
    public async Task AssumeRole_whose_trust_names_another_host_is_refused()
    {
        _world.AssumedRole.TrustPolicy = Policies.AssumeRoleTrust("999988887777", ByokWorld.ExternalId);
        await RefusedAsync("AssumeRole", RoleNotAssumable, "sts:AssumeRole");
    }

    [Test]
    public async Task AssumeRole_without_the_permission_is_denied()
    {
        _world.AssumedRole.Policy = Policies.Permissions(_world.Key.Arn, "kms:Decrypt");
        await RefusedAsync("AssumeRole", AccessDenied, "kms:Encrypt");
    }

    [Test]
    public async Task AssumeRole_is_not_even_tried_without_an_external_id()
    {
        // The settings are refused before AWS is asked; AWS itself refuses too, which LocalAws's own tests show.
        await Assert.ThatAsync(
            () => Task.FromResult(_world.Ring("AssumeRole", s => s.Credentials.ExternalId = null)),
            Throws.TypeOf<Microsoft.Extensions.Options.OptionsValidationException>().With.Message.Contains("ExternalId is missing"));
        Assert.That(_world.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task Oidc_with_an_audience_that_the_provider_does_not_know_is_refused() =>
        await RefusedAsync("Oidc", TokenRejected, "sts:AssumeRoleWithWebIdentity", s => s.Credentials.Audience = "unknown-audience");

    [Test]
    public async Task Oidc_with_an_audience_that_the_trust_policy_does_not_admit_is_refused() =>
        await RefusedAsync(
            "Oidc", RoleNotAssumable, "sts:AssumeRoleWithWebIdentity", s => s.Credentials.Audience = "registered-but-not-trusted");

    [Test]
    public async Task Oidc_with_the_subject_of_another_account_is_refused()
    {
        _world.GetToken = (request, _) => new(_world.Token(request.Audience, "account:another"));
        await RefusedAsync("Oidc", RoleNotAssumable, "sts:AssumeRoleWithWebIdentity");
    }

    [Test]
    public async Task Oidc_with_a_wrong_role_is_refused() =>
        await RefusedAsync(
            "Oidc",
            RoleNotAssumable,
            "sts:AssumeRoleWithWebIdentity",
            s => s.Credentials.RoleArn = $"arn:aws:iam::{ByokWorld.CustomerAccount}:role/no-such-role");

    [Test]
    public async Task Oidc_without_the_permission_is_denied()
    {
        _world.OidcRole.Policy = Policies.Permissions(_world.Key.Arn, "kms:Decrypt");
        await RefusedAsync("Oidc", AccessDenied, "kms:Encrypt");
    }

    [Test]
    public async Task A_role_without_any_permission_is_denied([Values("AssumeRole", "Oidc")] string type)
    {
        _world.AssumedRole.Policy = _world.OidcRole.Policy = null;
        await RefusedAsync(type, AccessDenied, "kms:Encrypt");
    }

    [Test]
    public async Task A_host_whose_own_identity_is_rejected_does_not_blame_the_customer()
    {
        _world.HostKey.Active = false;

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await _world.Ring("AssumeRole").EncryptAsync(new byte[1]));

        Assert.That(thrown!.IsTransient, Is.False);
        Assert.That(thrown.Operation, Is.EqualTo("sts:AssumeRole"));
        Assert.That(thrown.Message, Does.Contain("host's own AWS identity"));
    }

    [Test]
    public async Task A_token_provider_that_fails_does_not_blame_the_customer()
    {
        _world.GetToken = (_, _) => throw new InvalidOperationException("issuer says: eyJhbGciOiJub25lIn0.secret.");
        _world.Remember("eyJhbGciOiJub25lIn0.secret.");

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await _world.Ring("Oidc").EncryptAsync(new byte[1]));

        Assert.That(thrown!.IsTransient, Is.False);
        Assert.That(thrown.ToString(), Does.Contain("token provider threw InvalidOperationException").And.Not.Contain("eyJ"));
        Assert.That(_world.Aws.Log.Requests, Is.Empty);
    }

    [TestCase(typeof(TaskCanceledException))] // by HttpClient at its time limit, without a cancellation by the caller of the ring
    [TestCase(typeof(HttpRequestException))]
    [TestCase(typeof(TimeoutException))]
    [TestCase(typeof(IOException))]
    public async Task A_token_provider_that_gives_up_by_itself_is_tried_later(Type failure)
    {
        _world.GetToken = (_, _) => throw (Exception)Activator.CreateInstance(failure)!;

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await _world.Ring("Oidc").EncryptAsync(new byte[1]));

        Assert.That(thrown!.IsTransient, Is.True);
        Assert.That(thrown.Message, Does.Contain($"token provider threw {failure.Name}"));
    }

    [TestCase(0, "returned no token")]
    [TestCase(20_001, "more than 20000 characters")]
    public async Task A_token_that_STS_cannot_take_is_not_sent(int length, string complaint)
    {
        _world.GetToken = (_, _) => new(new string('a', length));

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await _world.Ring("Oidc").EncryptAsync(new byte[1]));

        Assert.That(thrown!.Message, Does.Contain(complaint));
        Assert.That(_world.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task A_token_of_the_longest_length_is_sent()
    {
        const int Longest = 20_000;
        var payload = Encoding.UTF8.GetBytes($$"""{"sub":"{{ByokWorld.Subject}}"}""".PadRight(14_993));
        var token = $"e30.{Base64Url.EncodeToString(payload)}.AAAA";
        Assert.That(token, Has.Length.EqualTo(Longest));
        _world.GetToken = (_, _) => new(token);

        await Assert.CatchAsync<ByokException>(async () => await _world.Ring("Oidc").EncryptAsync(new byte[1]));

        Assert.That(_world.Aws.Log.Count("AssumeRoleWithWebIdentity"), Is.EqualTo(1));
    }

    [Test]
    public async Task STS_that_is_not_activated_in_the_region_is_the_customers_to_mend([Values("AssumeRole", "Oidc")] string type)
    {
        _world.Aws.Faults.Add(Fault.Error("RegionDisabledException", 403) with { Service = "sts" });
        await RefusedAsync(type, RegionDisabled, type == "Oidc" ? "sts:AssumeRoleWithWebIdentity" : "sts:AssumeRole");
    }

    [Test]
    public async Task An_issuer_that_STS_cannot_reach_is_tried_later()
    {
        _world.Aws.Faults.Add(Fault.Error("IDPCommunicationError") with { Service = "sts" });

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await _world.Ring("Oidc").EncryptAsync(new byte[1]));

        Assert.That(thrown!.IsTransient, Is.True);
    }

    private async Task RefusedAsync(string type, ByokKeyUnavailableReason reason, string operation, Action<ByokKeySettings>? change = null)
    {
        var ring = _world.Ring(type, change);

        var thrown = await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.EncryptAsync(new byte[1]));

        Assert.That(thrown!.Reason, Is.EqualTo(reason));
        Assert.That(thrown.Operation, Is.EqualTo(operation));
        Assert.That(thrown.KeyArn.ToString(), Is.EqualTo(_world.Key.Arn));
        Assert.That(thrown.Remedy, Is.Not.Empty);
        Assert.That(thrown.RequestId, Is.Not.Null);
        Assert.That(thrown.IsTransient, Is.False);
    }
}
