using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Configuration;
using WebHost;
using WebHost.Credentials;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>The issuer of the sample's host.</summary>
internal sealed class HostIssuerTests
{
    private static readonly OidcTokenRequest Request = new()
    {
        Subject = "account:acme",
        Audience = "byok",
        RoleArn = "arn:aws:iam::111122223333:role/byok",
        KeyArn = KmsKeyArn.Parse("arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    };

    [Test]
    public async Task A_host_that_is_started_again_in_its_process_signs_with_the_same_key()
    {
        var data = Directory.CreateTempSubdirectory("host-issuer-");
        var settings = HostSettings.Read(
            new ConfigurationBuilder().AddInMemoryCollection([new("DataDirectory", data.FullName)]).Build(),
            () => throw new InvalidOperationException());
        var protection = new EphemeralDataProtectionProvider();
        List<string> headers = [];
        for (var start = 1; start <= 2; start++)
        {
            using var issuer = new HostIssuer(settings, protection, TimeProvider.System);
            headers.Add((await issuer.GetTokenAsync(Request, CancellationToken.None)).Split('.')[0]);
        }

        data.Delete(recursive: true);
        Assert.That(headers[1], Is.EqualTo(headers[0]), "the id of the key");
    }
}
