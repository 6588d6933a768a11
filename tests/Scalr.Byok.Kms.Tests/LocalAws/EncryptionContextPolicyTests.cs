using Amazon.KeyManagementService.Model;
using Amazon.SecurityToken.Model;
using LocalAws;
using static Scalr.Byok.Kms.Tests.LocalAwsTests.LocalAwsFixture;

namespace Scalr.Byok.Kms.Tests.LocalAwsTests;

/// <summary>
/// Policies whose conditions name the encryption context: which actions they concern, what a request without the pair comes to, and that a
/// change shows in the next request. <see cref="PolicyTests"/> has the operators one by one.
/// </summary>
public sealed class EncryptionContextPolicyTests
{
    private const string AcmeOnly = """ "Condition": { "StringEquals": { "kms:EncryptionContext:tenant": "acme" } } """;

    private static readonly Dictionary<string, string> Acme = new() { ["tenant"] = "acme" };
    private static readonly Dictionary<string, string> Other = new() { ["tenant"] = "other" };

    [Test]
    public async Task A_condition_holds_for_every_action_that_has_a_context([Values("Encrypt", "Decrypt", "GenerateDataKey")] string action)
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var (key, user) = Customer(aws, $$"""{ "Statement": { "Effect": "Allow", "Action": "kms:*", "Resource": "*", {{AcmeOnly}} } }""");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await CallAsync(aws, user, key, action, Acme), Is.Null);
            Assert.That(await CallAsync(aws, user, key, action, Other), Is.EqualTo("AccessDeniedException"));
            Assert.That(
                await CallAsync(aws, user, key, action, new() { ["tenant"] = "ACME" }),
                Is.EqualTo("AccessDeniedException"),
                "values have their case");
            Assert.That(
                await CallAsync(aws, user, key, action, new() { ["tenant"] = "acme", ["more"] = "x" }),
                Is.Null,
                "other pairs do not matter");
            Assert.That(await CallAsync(aws, user, key, action, null), Is.EqualTo("AccessDeniedException"), "the pair is absent");
        }
    }

    [Test]
    public async Task DescribeKey_has_no_context_so_a_condition_that_asks_for_one_does_not_admit_it()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var (key, user) = Customer(aws, $$"""{ "Statement": { "Effect": "Allow", "Action": "kms:*", "Resource": "*", {{AcmeOnly}} } }""");
        Assert.That(await CallAsync(aws, user, key, "DescribeKey", null), Is.EqualTo("AccessDeniedException"));

        user.Policy = """
            { "Statement": { "Effect": "Allow", "Action": "kms:*", "Resource": "*",
              "Condition": { "StringEqualsIfExists": { "kms:EncryptionContext:tenant": "acme" } } } }
            """;

        Assert.That(await CallAsync(aws, user, key, "DescribeKey", null), Is.Null);
        Assert.That(await CallAsync(aws, user, key, "Encrypt", Other), Is.EqualTo("AccessDeniedException"));
    }

    [TestCase("StringEquals", "\"other\"", null, "other")]
    [TestCase("StringNotEquals", "\"acme\"", null, "none other")]
    [TestCase("StringNotEqualsIfExists", "\"acme\"", null, "none other")]
    [TestCase("StringLike", "\"o*\"", null, "other")]
    [TestCase("Null", "\"true\"", null, "none")]
    [TestCase("StringEquals", "\"other\"", "Decrypt", "")]
    public async Task A_denial_for_some_contexts_leaves_the_others_alone(
        string condition, string value, string? deniedAction, string deniedContexts)
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var (key, user) = Customer(aws, $$"""
            { "Statement": [
              { "Effect": "Allow", "Action": "kms:*", "Resource": "*" },
              { "Effect": "Deny", "Action": "kms:{{deniedAction ?? "Encrypt"}}", "Resource": "*",
                "Condition": { "{{condition}}": { "kms:EncryptionContext:tenant": {{value}} } } } ] }
            """);
        (string Name, Dictionary<string, string>? Context)[] contexts = [("none", null), ("acme", Acme), ("other", Other)];

        var denied = new List<string>();
        foreach (var (name, context) in contexts)
        {
            if (await CallAsync(aws, user, key, "Encrypt", context) is not null)
            {
                denied.Add(name);
            }
        }

        Assert.That(string.Join(' ', denied), Is.EqualTo(deniedContexts));
        Assert.That(await CallAsync(aws, user, key, "Decrypt", Other), Is.EqualTo(deniedAction is null ? null : "AccessDeniedException"));
    }

    // AWS compares the names of condition keys, and so a pair's key in kms:EncryptionContext:..., without case; values of
    // kms:EncryptionContextKeys with case.
    [TestCase("tenant", true)]
    [TestCase("Tenant", false)]
    public async Task EncryptionContextKeys_make_the_keys_case_sensitive(string name, bool allowed)
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var (key, user) = Customer(aws, """
            { "Statement": { "Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": {
                "StringEquals": { "kms:EncryptionContext:tenant": "acme" },
                "ForAllValues:StringEquals": { "kms:EncryptionContextKeys": ["tenant", "purpose"] },
                "Null": { "kms:EncryptionContextKeys": "false" } } } }
            """);

        Assert.That(
            await CallAsync(aws, user, key, "Encrypt", new() { [name] = "acme" }), allowed ? Is.Null : Is.EqualTo("AccessDeniedException"));
        Assert.That(
            await CallAsync(aws, user, key, "Encrypt", new() { [name] = "acme", ["extra"] = "x" }), Is.EqualTo("AccessDeniedException"));
    }

    [Test]
    public async Task A_policy_that_is_replaced_counts_from_the_next_request_and_for_sessions_that_run([Values] bool role)
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var key = aws.Account.CreateKey(East1);
        var (open, closed) = (Allow("kms:*", key.Arn), Allow("kms:DescribeKey", key.Arn));
        var (byok, user) =
            (aws.Account.CreateRole("byok", TrustPolicies.Account(aws.Account.Id), open), aws.Account.CreateUser("byok", open));
        using var sts = aws.Sts();
        var session = await sts.AssumeRoleAsync(new AssumeRoleRequest { RoleArn = byok.Arn, RoleSessionName = "scalr" });
        var credentials = role ? Of(session.Credentials) : Of(user.CreateAccessKey());
        Assert.That(() => aws.EncryptAsync(key, Acme, credentials), Throws.Nothing);

        (byok.Policy, user.Policy) = (closed, closed);
        Assert.That(() => aws.EncryptAsync(key, Acme, credentials), Refused("AccessDeniedException"));

        (byok.Policy, user.Policy) = (open, open);
        Assert.That(() => aws.EncryptAsync(key, Acme, credentials), Throws.Nothing);
    }

    private static (LocalKey Key, LocalUser User) Customer(LocalAwsFixture aws, string policy) =>
        (aws.Account.CreateKey(East1), aws.Account.CreateUser("worker", policy));

    /// <summary>The error code of one call; null for success.</summary>
    private static async Task<string?> CallAsync(
        LocalAwsFixture aws, LocalUser user, LocalKey key, string action, Dictionary<string, string>? context)
    {
        var blob = await aws.EncryptAsync(key, context);
        using var kms = aws.Kms(Of(user.CreateAccessKey()));
        try
        {
            await (action switch
            {
                "Encrypt" => (Task)kms.EncryptAsync(new() { KeyId = key.Arn, Plaintext = Bytes("secret"), EncryptionContext = context }),
                "Decrypt" => kms.DecryptAsync(new DecryptRequest { KeyId = key.Arn, CiphertextBlob = blob, EncryptionContext = context }),
                "GenerateDataKey" => kms.GenerateDataKeyAsync(new() { KeyId = key.Arn, NumberOfBytes = 32, EncryptionContext = context }),
                _ => kms.DescribeKeyAsync(new DescribeKeyRequest { KeyId = key.Arn }),
            });
            return null;
        }
        catch (Amazon.KeyManagementService.AmazonKeyManagementServiceException error)
        {
            return error.ErrorCode;
        }
    }
}
