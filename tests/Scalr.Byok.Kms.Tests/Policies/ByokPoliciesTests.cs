using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using CsCheck;
using LocalAws;
using Scalr.Byok.Kms.Tests.Settings;
using static Scalr.Byok.Kms.Tests.Keys.KeyArnSamples;

namespace Scalr.Byok.Kms.Tests.PoliciesTests;

/// <summary>The policies beside those that the customers' guide prints, written out here as they stand there.</summary>
public sealed class ByokPoliciesTests
{
    private const string Account = "111122223333";
    private const string Audience = "scalr_kms";
    private const string ExternalId = "external-id-4Zk8Qw7";

    private static readonly KmsKeyArn Key = KmsKeyArn.Parse(MultiRegion);

    /// <summary>
    /// Whatever may be an account's name: quotes, backslashes, brackets, all planes of Unicode; not the few characters that are refused.
    /// </summary>
    private static readonly Gen<string> AccountName = Gen.OneOf(
            Gen.Int[0x20, 0x7e], Gen.OneOf([.. "\"\\/<>&'+${}`".Select(c => (int)c)]), Gen.Int[0xa0, 0x17f], Gen.Int[0x800, 0xd7ff],
            Gen.Int[0xe000, 0xffff], Gen.Int[0x1f300, 0x1f9ff], Gen.Int[0x10000, 0x10ffff])
        .Where(rune => rune is not ('*' or '?')).Select(char.ConvertFromUtf32).Array[1, 40].Select(string.Concat)
        .Where(name => !string.IsNullOrWhiteSpace(name) && !name.Contains("${", StringComparison.Ordinal));

    [Test]
    public void KeyPermissions_are_those_of_the_guide()
    {
        var policy = JsonNode.Parse(ByokPolicies.KeyPermissions(KmsKeyArn.Parse(SingleRegion)))!;

        ShouldEqual(policy["Statement"]![0], """
            {
              "Effect": "Allow",
              "Action": [
                "kms:Encrypt",
                "kms:Decrypt",
                "kms:DescribeKey"
              ],
              "Resource": "arn:aws:kms:us-east-1:111122223333:key/0f3c9a52-7d41-4b8e-a6d0-5e12c4b79f08"
            }
            """);
        Assert.That(policy["Statement"]!.AsArray(), Has.Count.EqualTo(1));
        Assert.That((string?)policy["Version"], Is.EqualTo("2012-10-17"));
        Assert.That(policy.AsObject(), Has.Count.EqualTo(2));
    }

    [Test]
    public void KeyPermissions_take_the_ARN_as_text()
    {
        var pairs = new Dictionary<string, string> { ["table"] = "variables" };

        Assert.That(ByokPolicies.KeyPermissions(MultiRegion), Is.EqualTo(ByokPolicies.KeyPermissions(Key)));
        Assert.That(
            ByokPolicies.KeyPermissions(MultiRegion, ["us-east-2"], false, pairs, ["row"]),
            Is.EqualTo(ByokPolicies.KeyPermissions(Key, ["us-east-2"], false, pairs, ["row"])));
        Assert.That(
            Assert.Throws<FormatException>(() => ByokPolicies.KeyPermissions("alias/main"))!.Message,
            Does.StartWith("Not a KMS key ARN: 'alias/main' is the name of an alias"));
        Assert.Throws<ArgumentNullException>(() => ByokPolicies.KeyPermissions(null!));
    }

    [Test]
    public void KeyPermissions_name_the_replicas_behind_the_key() =>
        ShouldEqual(JsonNode.Parse(ByokPolicies.KeyPermissions(Key, ["us-east-2", "eu-west-1"]))!["Statement"]![0]!["Resource"], $"""
            [
              "arn:aws:kms:us-east-1:111122223333:key/{Mrk}",
              "arn:aws:kms:us-east-2:111122223333:key/{Mrk}",
              "arn:aws:kms:eu-west-1:111122223333:key/{Mrk}"
            ]
            """);

    [Test]
    public void KeyPermissions_take_no_replicas_for_any_key([Values(SingleRegion, MultiRegion)] string arn) =>
        Assert.That(ByokPolicies.KeyPermissions(KmsKeyArn.Parse(arn), []), Is.EqualTo(ByokPolicies.KeyPermissions(KmsKeyArn.Parse(arn))));

    [Test]
    public void KeyPermissions_leave_DescribeKey_out_on_demand() =>
        ShouldEqual(
            JsonNode.Parse(ByokPolicies.KeyPermissions(Key, describeKey: false))!["Statement"]![0]!["Action"],
            """[ "kms:Encrypt", "kms:Decrypt" ]""");

    [Test]
    public void KeyPermissions_name_any_key_exactly() =>
        Valid.Sample(
            arn => (string?)JsonNode.Parse(ByokPolicies.KeyPermissions(KmsKeyArn.Parse(arn)))!["Statement"]![0]!["Resource"] == arn);

    [Test]
    public void AssumeRoleTrust_is_that_of_the_guide() =>
        ShouldEqual(JsonNode.Parse(ByokPolicies.AssumeRoleTrust(ExternalId, ByokPolicies.ScalrAccountId)), """
            {
              "Version": "2012-10-17",
              "Statement": [
                {
                  "Effect": "Allow",
                  "Principal": {
                    "AWS": "arn:aws:iam::615271354814:root"
                  },
                  "Action": "sts:AssumeRole",
                  "Condition": {
                    "StringEquals": {
                      "sts:ExternalId": "external-id-4Zk8Qw7"
                    }
                  }
                }
              ]
            }
            """);

    [Test]
    public void AssumeRoleTrust_names_another_host_in_another_partition() =>
        Assert.That(
            (string?)JsonNode.Parse(
                ByokPolicies.AssumeRoleTrust(ExternalId, "000000000012", "aws-us-gov"))!["Statement"]![0]!["Principal"]!["AWS"],
            Is.EqualTo("arn:aws-us-gov:iam::000000000012:root"));

    [Test]
    public void Without_a_partition_the_policies_are_for_aws()
    {
        Assert.That(
            ByokPolicies.AssumeRoleTrust(ExternalId, "000000000012"),
            Is.EqualTo(ByokPolicies.AssumeRoleTrust(ExternalId, "000000000012", "aws")));
        Assert.That(
            ByokPolicies.OidcTrust("000000000012", "audience", "acme", "scalr.io"),
            Is.EqualTo(ByokPolicies.OidcTrust("000000000012", "audience", "acme", "scalr.io", "aws")));
    }

    [Test]
    public void AssumeRoleTrust_takes_every_external_id_that_settings_take([Values("ab", "aZ09_+=,.@:/-", null)] string? externalId)
    {
        externalId ??= new string('e', 1224);

        var policy = ByokPolicies.AssumeRoleTrust(externalId, ByokPolicies.ScalrAccountId);

        Assert.That(Validated.KeySettings(s => s.Credentials = ByokCredentialSettings.AssumeRole(Validated.RoleArn, externalId)), Is.Empty);
        Assert.That(policy, Does.Contain($"\"{externalId}\""), "as it is, without escapes");
    }

    [Test]
    public void OidcTrust_is_that_of_the_guide() =>
        ShouldEqual(JsonNode.Parse(ByokPolicies.OidcTrust(Account, Audience, "acme", ByokPolicies.ScalrProviderHost)), """
            {
              "Version": "2012-10-17",
              "Statement": [
                {
                  "Effect": "Allow",
                  "Principal": {
                    "Federated": "arn:aws:iam::111122223333:oidc-provider/scalr.io"
                  },
                  "Action": "sts:AssumeRoleWithWebIdentity",
                  "Condition": {
                    "StringEquals": {
                      "scalr.io:aud": "scalr_kms"
                    },
                    "StringLike": {
                      "scalr.io:sub": "account:acme"
                    }
                  }
                }
              ]
            }
            """);

    [TestCase("oidc.example-host.com")]
    [TestCase("oidc.eks.us-east-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B716D3041E")]
    [TestCase("acme.eu.auth0.com/")]
    [TestCase("xn--bcher-kva.example/a-b/c_d/~e/v2.0")]
    public void OidcTrust_names_another_issuer_wherever_Scalr_stands(string provider)
    {
        var own = ByokPolicies.OidcTrust(Account, Audience, "acme", ByokPolicies.ScalrProviderHost);

        var other = ByokPolicies.OidcTrust(Account, Audience, "acme", provider, "aws-cn");

        var expected = own.Replace("scalr.io", provider, StringComparison.Ordinal).Replace(
            "arn:aws:", "arn:aws-cn:", StringComparison.Ordinal);
        ShouldEqual(JsonNode.Parse(other), expected);
    }

    [Test]
    public void OidcTrust_for_a_subject_has_it_as_it_is()
    {
        var ofName = ByokPolicies.OidcTrust(Account, Audience, "acme", ByokPolicies.ScalrProviderHost);

        Assert.That(ByokPolicies.OidcTrustForSubject(Account, Audience, "account:acme", "scalr.io", "aws"), Is.EqualTo(ofName));
        ShouldEqual(
            JsonNode.Parse(ByokPolicies.OidcTrustForSubject(Account, Audience, "workspace:1", "scalr.io", "aws")),
            ofName.Replace("account:acme", "workspace:1", StringComparison.Ordinal));
    }

    [Test]
    public void OidcTrust_gives_any_account_name_back_in_characters_that_IAM_takes() =>
        AccountName.Sample(name =>
        {
            var policy = ByokPolicies.OidcTrust(Account, Audience, name, ByokPolicies.ScalrProviderHost);

            Assert.That(
                (string?)JsonNode.Parse(policy)!["Statement"]![0]!["Condition"]!["StringLike"]!["scalr.io:sub"],
                Is.EqualTo("account:" + name));
            // The pattern of IAM's API reference for policies.
            Assert.That(policy, Does.Match(@"\A[\u0009\u000A\u000D\u0020-\u00FF]+\z"));
        });

    [Test]
    public void OidcTrust_leaves_readable_what_IAM_takes() =>
        Assert.That(
            ByokPolicies.OidcTrust(Account, "a+b&c", "Müller & Söhne <x>+'y' é", ByokPolicies.ScalrProviderHost),
            Does.Contain("\"a+b&c\"").And.Contain("\"account:Müller & Söhne <x>+'y' é\""));

    [Test]
    public void Policies_are_indented_with_line_feeds_alone()
    {
        Assert.That(
            ByokPolicies.AssumeRoleTrust("ab", ByokPolicies.ScalrAccountId),
            Does.StartWith("{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\n").And.EndsWith("\n  ]\n}"));
        Assert.That(
            ByokPolicies.KeyPermissions(Key) + ByokPolicies.OidcTrust(Account, Audience, "a", ByokPolicies.ScalrProviderHost),
            Does.Not.Contain("\r"));
    }

    [Test]
    public void SessionPolicy_is_the_permissions_on_one_line() =>
        Assert.That(ByokPolicies.SessionPolicy([Key, Key.InRegion("us-east-2")]), Is.EqualTo(
            """{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kms:Encrypt","kms:Decrypt","kms:DescribeKey"],"""
            + $$"""
            "Resource":["{{MultiRegion}}","arn:aws:kms:us-east-2:111122223333:key/{{Mrk}}"]}]}
            """));

    [Test]
    public void NewExternalId_is_what_settings_take()
    {
        var externalId = ByokPolicies.NewExternalId();

        Assert.That(externalId, Does.Match("^[A-Za-z0-9]{32}$"));
        Assert.That(Validated.KeySettings(s => s.Credentials = ByokCredentialSettings.AssumeRole(Validated.RoleArn, externalId)), Is.Empty);
        Assert.That(ByokPolicies.AssumeRoleTrust(externalId, ByokPolicies.ScalrAccountId), Does.Contain(externalId));
    }

    [Test]
    public void NewExternalId_never_repeats_itself()
    {
        var made = Enumerable.Range(0, 10_000).Select(_ => ByokPolicies.NewExternalId()).ToHashSet();

        Assert.That(made, Has.Count.EqualTo(10_000));
        Assert.That(made.SelectMany(id => id).Distinct().Count(), Is.EqualTo(62), "every letter and digit has its turn");
    }

    [Test]
    public async Task Policies_load_into_IAM()
    {
        await using var aws = await LocalAwsServer.StartAsync();
        var account = aws.Account(Account);
        string[] permissions =
        [
            ByokPolicies.KeyPermissions(Key),
            ByokPolicies.KeyPermissions(Key, ["us-east-2"], describeKey: false),
            ByokPolicies.SessionPolicy([Key]),
        ];
        string[] trusts =
        [
            ByokPolicies.AssumeRoleTrust(ExternalId, ByokPolicies.ScalrAccountId), ByokPolicies.AssumeRoleTrust(ExternalId, "999988887777"),
            ByokPolicies.OidcTrust(Account, Audience, "acme", ByokPolicies.ScalrProviderHost),
            ByokPolicies.OidcTrust(Account, Audience, "\"\\\u00e4\U0001F511", "example.com/a"),
        ];

        foreach (var (i, (trust, permission)) in trusts.SelectMany(trust => permissions, ValueTuple.Create).Index())
        {
            Assert.That(() => account.CreateRole($"role-{i}", trust, permission), Throws.Nothing);
        }

        Assert.That(() => account.CreateRole("malformed", permissions[0]), Throws.TypeOf<FormatException>(), "one that does not load");
    }

    internal static void ShouldEqual(JsonNode? actual, [StringSyntax(StringSyntaxAttribute.Json)] string expected) =>
        Assert.That(JsonNode.DeepEquals(actual, JsonNode.Parse(expected)), Is.True, actual?.ToJsonString());
}
