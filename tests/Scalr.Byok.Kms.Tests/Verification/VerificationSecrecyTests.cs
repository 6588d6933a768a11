using LocalAws;
using Scalr.Byok.Kms.Tests.Conventions;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Verification;

/// <summary>
/// Verifications in which everything fails that can: no step and no log entry shows a secret, but for the trust policy that must hold the
/// external ID.
/// </summary>
[TestFixtureSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))]
internal sealed class VerificationSecrecyTests
{
    private const string WrongSecret = "wrongSecret0123456789012345678901234567X";
    private const string WrongExternalId = "wrong-external-id-9XyZ";

    private readonly string _type;
    private readonly List<ByokVerification> _verifications = [];
    private Connection _connection = null!;

    public VerificationSecrecyTests(string type) => _type = type;

    [SetUp]
    public async Task StartAsync()
    {
        _connection = await Connection.StartAsync(_type);
        _connection.World.Remember(WrongSecret, WrongExternalId);
    }

    [TearDown]
    public async Task StopAsync() => await _connection.DisposeAsync();

    [Test]
    public async Task No_secret_is_seen_in_verifications_in_which_everything_fails()
    {
        await AddAsync();
        await WrongSettingsAsync();
        await WrongTokensAsync();
        await DeniedAsync();
        await FaultsAsync();

        string[] secrets;
        lock (_connection.World.Secrets)
        {
            secrets = [.. _connection.World.Secrets];
        }

        var steps = _verifications.SelectMany(verification => verification.Steps).ToList();
        string[] texts =
        [
            .. steps.SelectMany(step => (string?[])[step.Message, step.Remedy, step.ToString(), step.Operation, step.RequestId])
                .OfType<string>(),
            .. _verifications.Select(verification => verification.ToString()!),
            .. _verifications.SelectMany(verification => verification.KeyHealth?.Findings ?? [])
                .SelectMany(found => (string[])[found.Message, found.Remedy]),
            .. _connection.World.Logs.Entries,
        ];
        Assert.That(_verifications, Has.Count.GreaterThan(20));
        Assert.That(_connection.World.Logs.Entries, Is.Not.Empty);
        Assert.That(Secrets.FindIn(texts, secrets), Is.Empty);

        // A policy to paste holds no secret either; but a trust policy with the customer's external ID does, which its documentation tells.
        var policies = steps.Select(step => step.Policy).OfType<string>().ToList();
        Assert.That(policies, Is.Not.Empty);
        Assert.That(Secrets.FindIn(policies, secrets.Except([ByokWorld.ExternalId, WrongExternalId])), Is.Empty);
        Assert.That(
            policies.Any(policy => policy.Contains(ByokWorld.ExternalId, StringComparison.Ordinal)),
            Is.EqualTo(_type == ByokCredentialSettings.AssumeRoleType));
    }

    private async Task AddAsync(Action<ByokKeySettings>? change = null) => _verifications.Add(await _connection.VerifyAsync(change));

    private async Task WrongSettingsAsync()
    {
        // What a form may bring: secrets in the wrong fields.
        foreach (var secret in (string[])[WrongSecret, WrongExternalId, ByokWorld.ExternalId, _connection.World.AccessKey.SecretAccessKey])
        {
            await AddAsync(settings => settings.KeyArn = secret);
            await AddAsync(settings => settings.ReplicaRegions = [secret]);
            await AddAsync(settings => settings.PreviousKeys[0].KeyArn = secret);
            await AddAsync(settings => settings.Credentials.Type = secret);
            await AddAsync(settings => settings.Credentials = new()
            {
                Type = _type,
                AccessKeyId = secret,
                SecretAccessKey = secret + " ",
                RoleArn = secret,
                ExternalId = secret + "\t",
                Audience = secret + " ",
            });
        }

        await AddAsync(settings => settings.Credentials.SecretAccessKey = _connection.HasRole ? null : WrongSecret);
        await AddAsync(settings => settings.Credentials.RoleArn = _connection.HasRole ? _connection.Role.Arn + "-other" : null);
        await AddAsync(settings => settings.Credentials.ExternalId = settings.Credentials.ExternalId is null ? null : WrongExternalId);
    }

    private async Task WrongTokensAsync()
    {
        var good = (_connection.World.GetToken, _connection.World.GetUnrelatedSubjectToken);
        _connection.World.Remember("garbage-token-5567");
        _connection.World.GetUnrelatedSubjectToken = (_, _) => new("garbage-token-5567");
        await AddAsync();
        _connection.World.GetUnrelatedSubjectToken = (_, _) => throw new IOException("garbage-token-5567");
        await AddAsync();
        foreach (var subject in (string[])["account:another", "account:*"])
        {
            _connection.World.GetToken = (request, _) => new(_connection.World.Token(request.Audience, subject));
            await AddAsync();
        }

        _connection.World.GetToken = (_, _) => new("garbage-token-5567");
        await AddAsync();
        _connection.World.GetToken = (_, _) => throw new IOException("garbage-token-5567");
        await AddAsync();
        (_connection.World.GetToken, _connection.World.GetUnrelatedSubjectToken) = good;
    }

    private async Task DeniedAsync()
    {
        _connection.Permissions = null;
        await AddAsync();
        _connection.Permissions = _connection.GoodPermissions;
        if (_connection.HasRole)
        {
            _connection.TrustWithout(_connection.IsOidc ? "StringLike" : "StringEquals");
            await AddAsync();
            _connection.Role.TrustPolicy = _connection.GoodTrust;
        }

        _connection.World.HostKey.Active = false;
        await AddAsync();
        _connection.World.HostKey.Active = true;
    }

    private async Task FaultsAsync()
    {
        // What AWS says about a signature holds the whole canonical request; a ValidationException quotes the value that it dislikes.
        var echo = "The canonical string should have been 'POST / x-amz-security-token:"
            + string.Join(" ", _connection.World.Secrets.ToArray()) + "'";
        Fault[] faults =
        [
            .. ((string[])["InvalidSignatureException", "SignatureDoesNotMatch", "ValidationError", "AccessDenied", "InvalidIdentityToken"])
                .Select(code => Fault.Error(code, 400, echo)),
            Fault.Body(403, "text/html", $"<html>{echo}</html>"),
            Fault.Body(200, "text/html", $"<html>{echo}</html>"),
        ];
        foreach (var fault in faults)
        {
            foreach (var operation in (string[])[_connection.Assume, "DescribeKey", "Encrypt", "Decrypt"])
            {
                var armed = _connection.World.Aws.Faults.Add(fault with { Operation = operation });
                await AddAsync();
                _connection.World.Aws.Faults.Remove(armed);
            }
        }
    }
}
