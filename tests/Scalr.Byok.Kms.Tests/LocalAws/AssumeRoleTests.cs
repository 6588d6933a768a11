using System.Net;
using Amazon.SecurityToken.Model;
using LocalAws;
using NUnit.Framework.Constraints;
using static Scalr.Byok.Kms.Tests.LocalAwsTests.LocalAwsFixture;

namespace Scalr.Byok.Kms.Tests.LocalAwsTests;

public sealed class AssumeRoleTests
{
    private const string HostAccount = "615271354814";
    private const string ExternalId = "an-external-id";

    [Test]
    public async Task AssumeRole_lets_the_host_in_with_the_right_external_id()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var key = aws.Account.CreateKey(East1);
        var role = aws.Account.CreateRole("byok", TrustPolicies.Account(HostAccount, ExternalId), Allow("kms:Encrypt", key.Arn));
        using var sts = aws.Sts(Of(Host(aws, Allow("sts:AssumeRole", "*"))));

        var answer = await sts.AssumeRoleAsync(Request(role.Arn, ExternalId));

        using var session = aws.Sts(Of(answer.Credentials));
        var identity = await session.GetCallerIdentityAsync(new());
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.AssumedRoleUser.Arn, Is.EqualTo("arn:aws:sts::111122223333:assumed-role/byok/scalr"));
            Assert.That(identity.Arn, Is.EqualTo(answer.AssumedRoleUser.Arn));
            Assert.That(identity.Account, Is.EqualTo("111122223333"));
            Assert.That(identity.UserId, Is.EqualTo(answer.AssumedRoleUser.AssumedRoleId));
            Assert.That(answer.Credentials.AccessKeyId, Does.StartWith("ASIA"));
            Assert.That(
                answer.Credentials.Expiration?.ToUniversalTime(),
                Is.EqualTo(aws.Time.GetUtcNow().UtcDateTime.AddHours(1)).Within(TimeSpan.FromMilliseconds(1)));
            Assert.That(() => aws.EncryptAsync(key, credentials: Of(answer.Credentials)), Throws.Nothing);
        }
    }

    [Test]
    public async Task AssumeRole_gives_one_answer_to_every_distrust()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var role = aws.Account.CreateRole("byok", TrustPolicies.Account(HostAccount, ExternalId)).Arn;
        var foreign = aws.Account.CreateRole("foreign", TrustPolicies.Account("999999999999")).Arn;
        using var host = aws.Sts(Of(Host(aws, Allow("sts:AssumeRole", "*"))));
        using var powerless = aws.Sts(Of(aws.Server.Account(HostAccount).CreateUser("powerless").CreateAccessKey()));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => host.AssumeRoleAsync(Request(role, "another-id")), Denied(role));
            Assert.That(() => host.AssumeRoleAsync(Request(role, null)), Denied(role));
            Assert.That(() => host.AssumeRoleAsync(Request(role, ExternalId.ToUpperInvariant())), Denied(role));
            Assert.That(() => host.AssumeRoleAsync(Request(foreign, null)), Denied(foreign));
            Assert.That(() => host.AssumeRoleAsync(Request(role + "2", ExternalId)), Denied(role + "2"));
            Assert.That(() => powerless.AssumeRoleAsync(Request(role, ExternalId)), Refused("AccessDenied"));
        }
    }

    [Test]
    public async Task AssumeRole_obeys_an_explicit_denial_on_either_side()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var role = aws.Account.CreateRole("byok", TrustPolicies.Account(HostAccount));
        var host = aws.Server.Account(HostAccount).CreateUser("host", Allow("*", "*"));
        using var sts = aws.Sts(Of(host.CreateAccessKey()));
        Assert.That(() => sts.AssumeRoleAsync(Request(role.Arn)), Throws.Nothing);

        host.Policy =
            """{ "Statement": [ { "Effect": "Allow", "Action": "*", "Resource": "*" }, { "Effect": "Deny", "Action": "sts:*", "Resource": "*" } ] }""";
        Assert.That(() => sts.AssumeRoleAsync(Request(role.Arn)), Refused("AccessDenied"));
        host.Policy = Allow("*", "*");
        role.TrustPolicy = """
            { "Statement": [
                { "Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole" },
                { "Effect": "Deny", "Principal": { "AWS": "615271354814" }, "Action": "sts:AssumeRole" } ] }
            """;
        Assert.That(() => sts.AssumeRoleAsync(Request(role.Arn)), Refused("AccessDenied"));
    }

    [TestCase("arn:aws:iam::111122223333:user/worker", true)]
    [TestCase("*", true)]
    [TestCase("arn:aws:iam::111122223333:root", false)]
    [TestCase("111122223333", false)]
    [TestCase("arn:aws:iam::111122223333:user/other", false)]
    public async Task AssumeRole_inside_an_account_needs_no_permission_for_whom_the_role_names(string principal, bool allowed)
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var role = aws.Account.CreateRole("byok", TrustPolicies.Principal(principal));
        using var sts = aws.Sts(Of(aws.Account.CreateUser("worker").CreateAccessKey()));

        Assert.That(() => sts.AssumeRoleAsync(Request(role.Arn)), allowed ? Throws.Nothing : Refused("AccessDenied"));
    }

    [Test]
    public async Task AssumeRole_by_a_session_goes_by_its_role_and_lasts_an_hour_at_most()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var first = aws.Account.CreateRole("first", TrustPolicies.Account(aws.Account.Id), Allow("sts:AssumeRole", "*"));
        var second = aws.Account.CreateRole("second", TrustPolicies.Principal(first.Arn), maxSessionDuration: TimeSpan.FromHours(12));
        using var admin = aws.Sts();
        using var session = aws.Sts(Of((await admin.AssumeRoleAsync(Request(first.Arn))).Credentials));

        Assert.That(() => admin.AssumeRoleAsync(Request(second.Arn)), Refused("AccessDenied"));
        Assert.That(() => session.AssumeRoleAsync(Request(second.Arn, seconds: 3600)), Throws.Nothing);
        Assert.That(() => session.AssumeRoleAsync(Request(second.Arn, seconds: 3601)), Refused("ValidationError"));
    }

    [TestCase(899, false)]
    [TestCase(900, true)]
    [TestCase(7200, true)]
    [TestCase(7201, false)]
    [TestCase(43201, false)]
    public async Task AssumeRole_keeps_the_session_within_the_role_s_maximum(int seconds, bool valid)
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var role = aws.Account.CreateRole("byok", TrustPolicies.Account(aws.Account.Id), maxSessionDuration: TimeSpan.FromHours(2));
        using var sts = aws.Sts();

        Assert.That(() => sts.AssumeRoleAsync(Request(role.Arn, seconds: seconds)), valid ? Throws.Nothing : Refused("ValidationError"));
    }

    [TestCase("x", "ok")]
    [TestCase("with space", "ok")]
    [TestCase("", "ok")]
    [TestCase("ok", "x")]
    [TestCase("ok", "with space")]
    [TestCase("ok", "trailing\n")]
    [TestCase("öö", "ok")]
    public async Task AssumeRole_checks_the_form_of_its_parameters(string sessionName, string externalId)
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var role = aws.Account.CreateRole("byok", TrustPolicies.Account(aws.Account.Id));
        using var sts = aws.Sts();

        Assert.That(
            () => sts.AssumeRoleAsync(new AssumeRoleRequest { RoleArn = role.Arn, RoleSessionName = sessionName, ExternalId = externalId }),
            Refused("ValidationError"));
    }

    [Test]
    public async Task AssumeRole_limits_the_length_of_session_name_and_external_id()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var role = aws.Account.CreateRole("byok", TrustPolicies.Account(aws.Account.Id));
        using var sts = aws.Sts();

        AssumeRoleRequest With(int name, int externalId) =>
            new() { RoleArn = role.Arn, RoleSessionName = new string('n', name), ExternalId = new string('e', externalId) };
        Assert.That(() => sts.AssumeRoleAsync(With(64, 1224)), Throws.Nothing);
        Assert.That(() => sts.AssumeRoleAsync(With(65, 1224)), Refused("ValidationError"));
        Assert.That(() => sts.AssumeRoleAsync(With(64, 1225)), Refused("ValidationError"));
    }

    [Test]
    public async Task A_session_policy_narrows_the_role_and_never_widens_it()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var key = aws.Account.CreateKey(East1);
        var blob = await aws.EncryptAsync(key);
        var role = aws.Account.CreateRole(
            "byok",
            TrustPolicies.Account(aws.Account.Id),
            """{ "Statement": { "Effect": "Allow", "Action": ["kms:Encrypt", "kms:DescribeKey"], "Resource": "*" } }""");
        using var sts = aws.Sts();

        var narrowed = Of((await sts.AssumeRoleAsync(Request(role.Arn, policy: Allow("kms:Encrypt", "*")))).Credentials);
        var widened = Of((await sts.AssumeRoleAsync(Request(role.Arn, policy: Allow("*", "*")))).Credentials);

        using var narrow = aws.Kms(narrowed);
        using var wide = aws.Kms(widened);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => aws.EncryptAsync(key, credentials: narrowed), Throws.Nothing);
            Assert.That(() => narrow.DescribeKeyAsync(key.Arn), Refused("AccessDeniedException"));
            Assert.That(() => wide.DescribeKeyAsync(key.Arn), Throws.Nothing);
            Assert.That(() => wide.DecryptAsync(new() { CiphertextBlob = blob }), Refused("AccessDeniedException"));
        }
    }

    [Test]
    public async Task A_session_policy_that_cannot_be_read_or_is_too_long_is_refused()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var role = aws.Account.CreateRole("byok", TrustPolicies.Account(aws.Account.Id));
        using var sts = aws.Sts();

        Assert.That(() => sts.AssumeRoleAsync(Request(role.Arn, policy: "{}")), Refused("MalformedPolicyDocument"));
        Assert.That(
            () => sts.AssumeRoleAsync(Request(role.Arn, policy: Allow("kms:Encrypt", new string('x', 2048)))),
            Refused("PackedPolicyTooLarge"));
    }

    [Test]
    public async Task A_permission_taken_from_a_role_is_taken_from_its_running_sessions()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var key = aws.Account.CreateKey(East1);
        var role = aws.Account.CreateRole("byok", TrustPolicies.Account(aws.Account.Id), Allow("kms:*", "*"));
        using var sts = aws.Sts();
        var session = Of((await sts.AssumeRoleAsync(Request(role.Arn))).Credentials);
        Assert.That(() => aws.EncryptAsync(key, credentials: session), Throws.Nothing);

        role.Policy = null;

        Assert.That(
            () => aws.EncryptAsync(key, credentials: session),
            Refused("AccessDeniedException").With.Message.Contains("assumed-role/byok/scalr"));
    }

    private static LocalAccessKey Host(LocalAwsFixture aws, string policy) =>
        aws.Server.Account(HostAccount).CreateUser("host", policy).CreateAccessKey();

    private static AssumeRoleRequest Request(string roleArn, string? externalId = null, int? seconds = null, string? policy = null) =>
        new() { RoleArn = roleArn, RoleSessionName = "scalr", ExternalId = externalId, DurationSeconds = seconds, Policy = policy };

    private static EqualConstraint<HttpStatusCode> Denied(string roleArn) => Refused("AccessDenied")
        .With.Message.EqualTo(
            $"User: arn:aws:iam::{HostAccount}:user/host is not authorized to perform: sts:AssumeRole on resource: {roleArn}")
        .And.Property("StatusCode").EqualTo(HttpStatusCode.Forbidden);
}
