using Amazon.Runtime;
using Amazon.SecurityToken.Model;
using LocalAws;
using static Scalr.Byok.Kms.Tests.LocalAwsTests.LocalAwsFixture;

namespace Scalr.Byok.Kms.Tests.LocalAwsTests;

/// <summary>"Revoke active sessions" of IAM, and conditions on dates.</summary>
public sealed class SessionRevocationTests
{
    [Test]
    public async Task Sessions_that_began_before_are_denied_and_later_ones_are_not()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var (key, role) = (aws.Account.CreateKey(East1), Role(aws, Allow("kms:*", "*")));
        var before = await AssumeAsync(aws, role);
        aws.Time.Advance(TimeSpan.FromSeconds(1));

        role.RevokeSessions();
        var after = await AssumeAsync(aws, role);

        Assert.That(() => aws.EncryptAsync(key, credentials: before), Refused("AccessDeniedException"));
        Assert.That(() => aws.EncryptAsync(key, credentials: after), Throws.Nothing);

        aws.Time.Advance(TimeSpan.FromSeconds(1));
        role.RevokeSessions();
        Assert.That(() => aws.EncryptAsync(key, credentials: after), Refused("AccessDeniedException"), "once more");
    }

    [Test]
    public async Task A_revocation_outlives_a_new_policy_of_the_role()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var (key, role) = (aws.Account.CreateKey(East1), Role(aws, policy: null));
        var session = await AssumeAsync(aws, role);
        aws.Time.Advance(TimeSpan.FromSeconds(1));
        role.RevokeSessions();

        role.Policy = Allow("kms:*", "*");

        Assert.That(() => aws.EncryptAsync(key, credentials: session), Refused("AccessDeniedException"));
        Assert.That(await IdentityAsync(aws, session), Does.EndWith(":assumed-role/byok/scalr"), "the session itself is still known");
    }

    // The session begins at the hour; an access key has no issue time at all.
    [TestCase("DateLessThan", "hour", false, false)]
    [TestCase("DateLessThan", "later", true, false)]
    [TestCase("DateLessThanEquals", "hour", true, false)]
    [TestCase("DateGreaterThan", "hour", false, false)]
    [TestCase("DateGreaterThan", "earlier", true, false)]
    [TestCase("DateGreaterThanEquals", "hour", true, false)]
    [TestCase("DateEquals", "hour", true, false)]
    [TestCase("DateEquals", "later", false, false)]
    [TestCase("DateNotEquals", "later", true, true)]
    [TestCase("DateNotEquals", "hour", false, true)]
    [TestCase("DateLessThanIfExists", "earlier", false, true)]
    public async Task Conditions_on_the_issue_time(string condition, string when, bool session, bool accessKey)
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var key = aws.Account.CreateKey(East1);
        aws.Time.SetUtcNow(new DateTimeOffset(2030, 1, 31, 12, 0, 0, TimeSpan.Zero));
        var date = when switch { "earlier" => "2030-01-31T13:59:59.5+02:00", "later" => "2030-02-01", _ => "1896091200" };
        var policy = $$"""
            { "Statement": { "Effect": "Allow", "Action": "kms:*", "Resource": "*",
              "Condition": { "{{condition}}": { "aws:TokenIssueTime": "{{date}}" } } } }
            """;
        var credentials = await AssumeAsync(aws, Role(aws, policy));
        var user = Of(aws.Account.CreateUser("worker", policy).CreateAccessKey());

        await Assert.ThatAsync(
            () => aws.EncryptAsync(key, credentials: credentials), session ? Throws.Nothing : Refused("AccessDeniedException"));
        await Assert.ThatAsync(
            () => aws.EncryptAsync(key, credentials: user), accessKey ? Throws.Nothing : Refused("AccessDeniedException"));
    }

    [TestCase("yesterday")]
    [TestCase("2030-13-01")]
    [TestCase("31.01.2030")]
    [TestCase("true")]
    public async Task A_condition_without_a_date_is_refused(string text)
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var policy = $$"""
            { "Statement": { "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": { "DateLessThan": { "aws:TokenIssueTime": "{{text}}" } } } }
            """;

        Assert.That(
            () => aws.Account.CreateUser("worker", policy), Throws.InstanceOf<FormatException>().With.Message.Contains("takes dates"));
    }

    private static LocalRole Role(LocalAwsFixture aws, string? policy) =>
        aws.Account.CreateRole("byok", TrustPolicies.Account(aws.Account.Id), policy);

    private static async Task<AWSCredentials> AssumeAsync(LocalAwsFixture aws, LocalRole role)
    {
        using var sts = aws.Sts();
        return Of((await sts.AssumeRoleAsync(new AssumeRoleRequest { RoleArn = role.Arn, RoleSessionName = "scalr" })).Credentials);
    }

    private static async Task<string> IdentityAsync(LocalAwsFixture aws, AWSCredentials credentials)
    {
        using var sts = aws.Sts(credentials);
        return (await sts.GetCallerIdentityAsync(new())).Arn;
    }
}
