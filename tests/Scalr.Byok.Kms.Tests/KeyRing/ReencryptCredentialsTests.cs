using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>A key change between any two kinds of credentials: each key is used with its own and with no others.</summary>
internal sealed class ReencryptCredentialsTests
{
    [Test]
    public async Task Reencrypt_uses_each_key_with_its_own_credentials(
        [ValueSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))] string oldType,
        [ValueSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))] string newType)
    {
        await using var change = await KeyChange.StartAsync(oldType, newType);
        var message = await change.EncryptOldAsync("abc"u8.ToArray());

        var reencrypted = await change.Both.ReencryptAsync(message);

        Assert.That(change.Calls, Is.EqualTo(change.DecryptThenEncrypt));
        var callers = change.World.Aws.Log.Requests.Where(request => request.Service == "kms")
            .Select(request => request.Principal).ToList();
        Assert.That(callers[0], Does.StartWith(Principal(oldType, "old")));
        Assert.That(callers[1], Does.StartWith(Principal(newType, "scalr")));
        Assert.That(await change.New.DecryptAsync(reencrypted, KeyChange.Context), Is.EqualTo("abc"u8.ToArray()));
    }

    private static string Principal(string type, string name) => type switch
    {
        ByokCredentialSettings.AccessKeysType => $"arn:aws:iam::{ByokWorld.CustomerAccount}:user/{name}",
        ByokCredentialSettings.AssumeRoleType => $"arn:aws:sts::{ByokWorld.CustomerAccount}:assumed-role/{name}-byok/",
        _ => $"arn:aws:sts::{ByokWorld.CustomerAccount}:assumed-role/{name}-byok-oidc/",
    };
}
