using Amazon.KeyManagementService.Model;
using static Scalr.Byok.Kms.Tests.LocalAwsTests.LocalAwsFixture;

namespace Scalr.Byok.Kms.Tests.LocalAwsTests;

/// <summary>The policy evaluator, asked as customers ask it: does this policy let this user encrypt?</summary>
public sealed class PolicyTests
{
    private const string Any = """ "Effect": "Allow", "Action": "kms:*", "Resource": "*" """;

    [TestCase("kms:Encrypt", true)]
    [TestCase("KMS:encrypt", true)]
    [TestCase("kms:*", true)]
    [TestCase("*", true)]
    [TestCase("kms:En*t", true)]
    [TestCase("kms:?ncrypt", true)]
    [TestCase("*:Encrypt", true)]
    [TestCase("kms:*crypt*", true)]
    [TestCase("kms:Decrypt", false)]
    [TestCase("kms:Encryp", false)]
    [TestCase("kms:Encrypt?", false)]
    [TestCase("sts:*", false)]
    public Task Action(string action, bool allowed) =>
        ExpectAsync($$"""{ "Statement": { "Effect": "Allow", "Action": "{{action}}", "Resource": "*" } }""", allowed);

    [TestCase("*", true)]
    [TestCase("arn:aws:kms:us-east-1:111122223333:key/KEY", true)]
    [TestCase("arn:aws:kms:*:111122223333:key/*", true)]
    [TestCase("arn:aws:kms:us-east-?:111122223333:key/KEY", true)]
    [TestCase("arn:aws:kms:us-east-2:111122223333:key/KEY", false)]
    [TestCase("arn:aws:kms:us-east-1:111122223333:key/mrk-*", false)]
    [TestCase("ARN:aws:kms:us-east-1:111122223333:key/KEY", false)]
    public Task Resource(
        string resource,
        bool allowed) =>
            ExpectAsync($$"""{ "Statement": [{ "Effect": "Allow", "Action": "kms:Encrypt", "Resource": "{{resource}}" }] }""", allowed);

    [TestCase(""" "Effect": "Allow", "NotAction": "sts:*", "Resource": "*" """, true)]
    [TestCase(""" "Effect": "Allow", "NotAction": ["sts:*", "kms:E*"], "Resource": "*" """, false)]
    [TestCase(""" "Effect": "Allow", "Action": ["kms:Decrypt", "kms:Encrypt"], "Resource": ["a", "*"] """, true)]
    [TestCase(""" "Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::*" """, true)]
    [TestCase(""" "Effect": "Allow", "Action": "*", "NotResource": "*" """, false)]
    [TestCase(""" "Effect": "Deny", "Action": "*", "Resource": "*" """, false)]
    public Task Statement(string statement, bool allowed) =>
        ExpectAsync($$"""{ "Version": "2012-10-17", "Statement": [{ {{statement}} }] }""", allowed);

    [Test]
    public Task A_denial_wins_over_every_permission_before_and_after_it() => ExpectAsync(
        $$"""{ "Statement": [ { {{Any}} }, { "Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*" }, { {{Any}} } ] }""", false);

    // The request has the encryption context tenant=acme, purpose=Test; the last column is what the policy comes to.
    [TestCase("StringEquals", "kms:EncryptionContext:tenant", "\"acme\"", true)]
    [TestCase("StringEquals", "KMS:encryptioncontext:TENANT", "\"acme\"", true)]
    [TestCase("stringequals", "kms:EncryptionContext:tenant", "[\"other\", \"acme\"]", true)]
    [TestCase("StringEquals", "kms:EncryptionContext:tenant", "\"ACME\"", false)]
    [TestCase("StringEquals", "kms:EncryptionContext:tenant", "\"ac*\"", false)]
    [TestCase("StringEquals", "kms:EncryptionContext:absent", "\"acme\"", false)]
    [TestCase("StringEquals", "aws:MultiFactorAuthPresent", "\"true\"", false)]
    [TestCase("StringEqualsIfExists", "kms:EncryptionContext:absent", "\"acme\"", true)]
    [TestCase("StringEqualsIfExists", "kms:EncryptionContext:tenant", "\"other\"", false)]
    [TestCase("StringNotEquals", "kms:EncryptionContext:tenant", "\"other\"", true)]
    [TestCase("StringNotEquals", "kms:EncryptionContext:tenant", "[\"other\", \"acme\"]", false)]
    [TestCase("StringNotEquals", "kms:EncryptionContext:absent", "\"acme\"", true)]
    [TestCase("StringEqualsIgnoreCase", "kms:EncryptionContext:purpose", "\"tEST\"", true)]
    [TestCase("StringNotEqualsIgnoreCase", "kms:EncryptionContext:purpose", "\"tEST\"", false)]
    [TestCase("StringLike", "kms:EncryptionContext:tenant", "\"a?m*\"", true)]
    [TestCase("StringLike", "kms:EncryptionContext:tenant", "\"A?m*\"", false)]
    [TestCase("StringNotLike", "kms:EncryptionContext:tenant", "\"a*\"", false)]
    [TestCase("StringNotLike", "kms:EncryptionContext:tenant", "\"b*\"", true)]
    [TestCase("Null", "kms:EncryptionContext:tenant", "\"true\"", false)]
    [TestCase("Null", "kms:EncryptionContext:tenant", "\"false\"", true)]
    [TestCase("Null", "kms:EncryptionContext:absent", "true", true)]
    [TestCase("Bool", "aws:MultiFactorAuthPresent", "true", false)]
    [TestCase("BoolIfExists", "aws:MultiFactorAuthPresent", "\"true\"", true)]
    [TestCase("ForAllValues:StringEquals", "kms:EncryptionContextKeys", "[\"tenant\", \"purpose\", \"more\"]", true)]
    [TestCase("ForAllValues:StringEquals", "kms:EncryptionContextKeys", "\"tenant\"", false)]
    [TestCase("ForAllValues:StringEquals", "aws:TagKeys", "\"tenant\"", true)]
    [TestCase("ForAnyValue:StringEquals", "kms:EncryptionContextKeys", "\"tenant\"", true)]
    [TestCase("ForAnyValue:StringEquals", "kms:EncryptionContextKeys", "\"more\"", false)]
    [TestCase("ForAnyValue:StringEquals", "aws:TagKeys", "\"more\"", false)]
    [TestCase("ForAnyValue:StringEqualsIfExists", "aws:TagKeys", "\"more\"", true)]
    [TestCase("ForAnyValue:StringNotEquals", "kms:EncryptionContextKeys", "\"tenant\"", true)]
    [TestCase("ForAllValues:StringNotLike", "kms:EncryptionContextKeys", "\"ten*\"", false)]
    [TestCase("StringEquals", "aws:PrincipalArn", "\"arn:aws:iam::111122223333:user/worker\"", true)]
    [TestCase("ArnLike", "aws:PrincipalArn", "\"arn:aws:iam::*:user/w*\"", true)]
    [TestCase("ArnLike", "aws:PrincipalArn", "\"arn:aws:*:user/worker\"", false)]
    [TestCase("ArnNotLike", "aws:PrincipalArn", "\"arn:aws:iam::*:user/w*\"", false)]
    [TestCase("StringEquals", "aws:RequestedRegion", "\"us-east-1\"", true)]
    [TestCase("StringEquals", "kms:CallerAccount", "\"111122223333\"", true)]
    public Task Condition(string condition, string key, string value, bool allowed) =>
        ExpectAsync($$"""{ "Statement": { {{Any}}, "Condition": { "{{condition}}": { "{{key}}": {{value}} } } } }""", allowed);

    [Test]
    public Task All_conditions_must_hold() => ExpectAsync(
        $$"""{ "Statement": { {{Any}}, "Condition": { "StringEquals": { "kms:EncryptionContext:tenant": "acme", "kms:EncryptionContext:purpose": "other" } } } }""",
        false);

    [TestCase("nonsense", "not JSON")]
    [TestCase("[]", "JSON object")]
    [TestCase("{}", "needs a Statement")]
    [TestCase("""{ "Statement": [] }""", "needs a Statement")]
    [TestCase("""{ "Version": "2020-01-01", "Statement": [] }""", "'Version'")]
    [TestCase("""{ "Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*" }""", "'Effect'")]
    [TestCase("""{ "Statement": { "Effect": "allow", "Action": "*", "Resource": "*" } }""", "Effect")]
    [TestCase("""{ "Statement": { "Action": "*", "Resource": "*" } }""", "Effect")]
    [TestCase("""{ "Statement": { "Effect": "Allow", "Resource": "*" } }""", "either Action or NotAction")]
    [TestCase("""{ "Statement": { "Effect": "Allow", "Action": "*" } }""", "either Resource or NotResource")]
    [TestCase("""{ "Statement": { "Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*" } }""", "either Action or NotAction")]
    [TestCase("""{ "Statement": { "Effect": "Allow", "Action": "Encrypt", "Resource": "*" } }""", "'Encrypt' is no action")]
    [TestCase("""{ "Statement": { "Effect": "Allow", "Action": 1, "Resource": "*" } }""", "Action must be a string")]
    [TestCase("""{ "Statement": { "Effect": "Allow", "Action": [], "Resource": "*" } }""", "empty list")]
    [TestCase("""{ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*" } }""", "Principal has no place")]
    [TestCase("""{ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*", "Extra": "*" } }""", "'Extra'")]
    [TestCase("""{ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "${aws:username}" } }""", "policy variable")]
    [TestCase(
        """{ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": { "IpAddress": { "aws:SourceIp": "10.0.0.0/8" } } } }""",
        "'IpAddress'")]
    [TestCase(
        """{ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": { "Null": { "aws:SourceIp": "maybe" } } } }""",
        "Null")]
    [TestCase("""{ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": "x" } }""", "Condition")]
    public async Task A_malformed_policy_is_refused_with_the_reason(string policy, string reason)
    {
        await using var aws = await LocalAwsFixture.StartAsync();

        Assert.That(() => aws.Account.CreateUser("worker", policy), Throws.InstanceOf<FormatException>().With.Message.Contains(reason));
    }

    [TestCase("""{ "Statement": { "Effect": "Allow", "Action": "sts:AssumeRole" } }""", "needs a Principal")]
    [TestCase(
        """{ "Statement": { "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*", "Resource": "*" } }""",
        "Resource has no place")]
    [TestCase(
        """{ "Statement": { "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "AWS": "arn:aws:iam::111122223333:user/*" } } }""",
        "no AWS principal")]
    [TestCase("""{ "Statement": { "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "Canonical": "x" } } }""", "'Canonical'")]
    public async Task A_malformed_trust_policy_is_refused_with_the_reason(string policy, string reason)
    {
        await using var aws = await LocalAwsFixture.StartAsync();

        Assert.That(() => aws.Account.CreateRole("role", policy), Throws.InstanceOf<FormatException>().With.Message.Contains(reason));
    }

    private static async Task ExpectAsync(string policy, bool allowed)
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var key = aws.Account.CreateKey(East1);
        var user = aws.Account.CreateUser("worker", policy.Replace("KEY", key.KeyId, StringComparison.Ordinal));
        using var kms = aws.Kms(Of(user.CreateAccessKey()));
        var request = new EncryptRequest
        {
            KeyId = key.Arn,
            Plaintext = Bytes("secret"),
            EncryptionContext = new() { ["tenant"] = "acme", ["purpose"] = "Test" },
        };

        await Assert.ThatAsync(() => kms.EncryptAsync(request), allowed ? Throws.Nothing : Refused("AccessDeniedException"));
    }
}
