using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Credentials;

/// <summary>AWS STS's answer is compared with the request: a session of another role, or of none, is not used.</summary>
[TestFixture("AssumeRole", "AssumeRole")]
[TestFixture("Oidc", "AssumeRoleWithWebIdentity")]
internal sealed class RoleAnswerTests
{
    private readonly string _type;
    private readonly string _operation;
    private ByokWorld _world = null!;

    public RoleAnswerTests(string type, string operation) => (_type, _operation) = (type, operation);

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [TestCase("arn:aws:sts::111122223333:assumed-role/another/Scalr.Byok.Kms")]
    [TestCase("arn:aws:sts::999922223333:assumed-role/{0}/Scalr.Byok.Kms")]
    [TestCase("arn:aws-cn:sts::111122223333:assumed-role/{0}/Scalr.Byok.Kms")]
    [TestCase("arn:aws:sts::111122223333:assumed-role/{0}/someone-else")]
    [TestCase("arn:aws:iam::111122223333:role/{0}")]
    [TestCase("")]
    [TestCase(null)]
    public async Task A_session_that_was_not_asked_for_is_not_used(string? arn)
    {
        var name = (_type == "Oidc" ? _world.OidcRole : _world.AssumedRole).Arn.Split('/')[^1];
        _world.Aws.Faults.Add(Answer(arn?.Replace("{0}", name, StringComparison.Ordinal)) with { Times = 1 });
        var ring = _world.Ring(_type);

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[1]));

        Assert.That((thrown!.IsTransient, thrown.Operation, thrown.Region), Is.EqualTo((true, $"sts:{_operation}", ByokWorld.Region)));
        Assert.That(thrown.Message, Is.EqualTo(
            $"AWS STS answered sts:{_operation} with a session of another role than the requested one. The session was not used. Try "
            + "again later."));
        Assert.That(_world.Aws.Log.Count("Encrypt"), Is.Zero);
        Assert.That(await ring.EncryptAsync(new byte[1]), Is.Not.Empty, "nothing is remembered of it");
        Assert.That(_world.Aws.Log.Count(_operation), Is.EqualTo(2));
    }

    [Test]
    public async Task A_roles_path_is_no_part_of_its_sessions_ARN()
    {
        _world.Aws.Faults.Add(Answer("arn:aws:sts::111122223333:assumed-role/byok/Scalr.Byok.Kms"));
        var ring = _world.Ring(_type, settings => settings.Credentials.RoleArn = "arn:aws:iam::111122223333:role/team/security/byok");

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[1]));

        Assert.That(thrown!.Operation, Is.EqualTo("kms:Encrypt"), "which does not know the session that this test made up");
    }

    [Test]
    public async Task A_session_that_has_ended_by_this_machines_clock_is_not_used_and_trying_again_does_not_help()
    {
        var role = (_type == "Oidc" ? _world.OidcRole : _world.AssumedRole).Arn.Split('/')[^1];
        _world.Aws.Faults.Add(Answer($"arn:aws:sts::111122223333:assumed-role/{role}/Scalr.Byok.Kms", hours: 0));

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await _world.Ring(_type).EncryptAsync(new byte[1]));

        Assert.That((thrown!.IsTransient, thrown.Operation, thrown.Region), Is.EqualTo((false, $"sts:{_operation}", ByokWorld.Region)));
        Assert.That(thrown.Message, Does.Contain("already expired by this machine's clock"));
        Assert.That(_world.Aws.Log.Count("Encrypt"), Is.Zero);
    }

    private Fault Answer(string? arn, int hours = 1)
    {
        var user = arn is null ? "" : $"<AssumedRoleUser><AssumedRoleId>AROA:x</AssumedRoleId><Arn>{arn}</Arn></AssumedRoleUser>";
        var body = $"""
            <{_operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{_operation}Result>
            <Credentials><AccessKeyId>ASIAMADEUP</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
            <Expiration>{_world.Time.GetUtcNow().UtcDateTime.AddHours(hours):yyyy-MM-ddTHH:mm:ssZ}</Expiration></Credentials>{user}
            </{_operation}Result></{_operation}Response>
            """;
        return Fault.Body(200, "text/xml", body) with { Operation = _operation };
    }
}
