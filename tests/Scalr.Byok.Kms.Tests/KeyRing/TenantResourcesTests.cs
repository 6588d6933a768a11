using Scalr.Byok.Kms.Tests.Settings;
using static Scalr.Byok.Kms.Tests.Keys.KeyArnSamples;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>What a tenant registers: one text for each key and role, however the ARN is written.</summary>
internal sealed class TenantResourcesTests
{
    [Test]
    public void A_key_of_one_Region_is_its_ARN() => Assert.That(Of(SingleRegion, Validated.AccessKeys), Is.EqualTo(Lines(SingleRegion)));

    [Test]
    public void A_key_and_its_replicas_are_one()
    {
        var expected = Lines($"arn:aws:kms:*:111122223333:key/{Mrk}");

        Assert.That(Of(MultiRegion, Validated.AccessKeys), Is.EqualTo(expected));
        Assert.That(Of(KmsKeyArn.Parse(MultiRegion).InRegion("eu-west-1").ToString(), Validated.AccessKeys), Is.EqualTo(expected));
    }

    [TestCase("arn:aws:iam::111122223333:role/Scalr-Byok")]
    [TestCase("arn:aws:iam::111122223333:role/a/B/scalr-byok")]
    [TestCase("arn:aws:iam::111122223333:role/SCALR-BYOK")]
    public void A_role_is_its_account_and_its_name(string roleArn)
    {
        var expected = Lines(SingleRegion, "arn:aws:iam::111122223333:role/scalr-byok");

        Assert.That(Of(SingleRegion, ByokCredentialSettings.AssumeRole(roleArn, Validated.ExternalId)), Is.EqualTo(expected));
        Assert.That(Of(SingleRegion, ByokCredentialSettings.Oidc(roleArn, "aud")), Is.EqualTo(expected));
    }

    [Test]
    public void Previous_keys_and_their_roles_count_and_nothing_counts_twice()
    {
        var settings = new ByokKeySettings
        {
            KeyArn = SingleRegion,
            Credentials = Validated.AssumeRole,
            PreviousKeys =
            [
                new() { KeyArn = MultiRegion, Credentials = Validated.AssumeRole },
                new()
                {
                    KeyArn = MultiRegion.Replace("us-east-1", "us-east-2", StringComparison.Ordinal),
                    Credentials = ByokCredentialSettings.Oidc(Validated.RoleArn + "-old", "aud"),
                },
            ],
        };

        Assert.That(ByokTenantResources.Of(settings), Is.EqualTo(Lines(
            SingleRegion,
            "arn:aws:iam::111122223333:role/scalr-byok",
            $"arn:aws:kms:*:111122223333:key/{Mrk}",
            "arn:aws:iam::111122223333:role/scalr-byok-old")));
    }

    [Test]
    public void What_is_malformed_is_left_out_and_a_hosts_own_kind_of_role_is_kept()
    {
        Assert.That(
            ByokTenantResources.Of(new ByokKeySettings { KeyArn = "alias/x", Credentials = null!, PreviousKeys = null! }), Is.Empty);
        Assert.That(ByokTenantResources.Of(new ByokKeySettings { PreviousKeys = [null!] }), Is.Empty);
        Assert.That(
            Of(SingleRegion, new() { Type = "Vault", RoleArn = "the vault's Role" }), Is.EqualTo(Lines(SingleRegion, "the vault's Role")));
        Assert.That(() => ByokTenantResources.Of(null!), Throws.ArgumentNullException);
    }

    private static IReadOnlyList<string> Of(string keyArn, ByokCredentialSettings credentials) =>
        ByokTenantResources.Of(new ByokKeySettings { KeyArn = keyArn, Credentials = credentials });

    private static string[] Lines(params string[] lines) => lines;
}
