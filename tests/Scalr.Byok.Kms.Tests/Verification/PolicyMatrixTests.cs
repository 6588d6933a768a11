using System.Text.Json;
using System.Text.Json.Nodes;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokKeyUnavailableReason;
using static Scalr.Byok.Kms.ByokVerificationCheck;
using static Scalr.Byok.Kms.ByokVerificationOutcome;

namespace Scalr.Byok.Kms.Tests.Verification;

/// <summary>
/// The permission policy without each of its parts, one after the other: exactly the step that needs the part does not pass, and what that
/// step gives to paste corrects it.
/// </summary>
[TestFixtureSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))]
[Category("Slow")]
internal sealed class PolicyMatrixTests
{
    private readonly string _type;
    private Connection _connection = null!;

    public PolicyMatrixTests(string type) => _type = type;

    private string Principal => _connection.HasRole ? $"the role {_connection.Role.Arn}" : "the IAM user of the access key";

    [SetUp]
    public async Task StartAsync() => _connection = await Connection.StartAsync(_type);

    [TearDown]
    public async Task StopAsync() => await _connection.DisposeAsync();

    [Test]
    public async Task Without_DescribeKey_all_works_but_problems_are_not_seen_coming()
    {
        Without("Action", "kms:DescribeKey");

        var step = (await _connection.NotPassedAsync(null, [DescribeKey])).Single();

        Assert.That(step.Outcome, Is.EqualTo(Warning));
        Assert.That(step.Message, Is.EqualTo("The host cannot see problems of the key coming: kms:DescribeKey on it is not allowed."));
        await DeniedAsync(step, "kms:DescribeKey");
    }

    [Test]
    public async Task Without_Encrypt_nothing_behind_it_can_be_tried()
    {
        Without("Action", "kms:Encrypt");

        var step = await _connection.StoppedAtAsync(Encrypt);

        Assert.That(step.Message, Is.EqualTo("Access denied: kms:Encrypt on the key is not allowed."));
        await DeniedAsync(step, "kms:Encrypt");
    }

    [Test]
    public async Task Without_Decrypt_the_key_and_its_replica_fail()
    {
        Without("Action", "kms:Decrypt");

        var steps = await _connection.NotPassedAsync(null, [Decrypt, Replica]);

        Assert.That(steps[0].Message, Is.EqualTo("Access denied: kms:Decrypt on the key is not allowed."));
        Assert.That(steps[1].Message, Is.EqualTo("Replica in Region us-east-2: Access denied: kms:Decrypt on the key is not allowed."));
        Assert.That(steps.Select(step => step.Outcome), Is.All.EqualTo(Failed));
        await DeniedAsync(steps[1], "kms:Decrypt");
        Without("Action", "kms:Decrypt");
        await DeniedAsync(steps[0], "kms:Decrypt");
    }

    [Test]
    public async Task Without_the_key_nothing_works()
    {
        Without("Resource", _connection.World.Key.Arn);

        // DescribeKey alone is a warning, since encryption does not need it; so Encrypt is tried, and tells the truth.
        var steps = await _connection.NotPassedAsync(null, [DescribeKey, Encrypt], Decrypt, Replica);

        Assert.That(steps.Select(step => step.Outcome), Is.EqualTo((ByokVerificationOutcome[])[Warning, Failed]));
        await DeniedAsync(steps[1], "kms:Encrypt");
    }

    [Test]
    public async Task Without_the_replica_the_replica_alone_fails()
    {
        Without("Resource", _connection.ReplicaKey.Arn);

        var step = (await _connection.NotPassedAsync(null, [Replica])).Single();

        Assert.That(step.Outcome, Is.EqualTo(Failed));
        Assert.That(step.Region, Is.EqualTo("us-east-2"));
        await DeniedAsync(step, "kms:Decrypt");
    }

    [Test]
    public async Task Without_the_statement_nothing_works()
    {
        _connection.Permissions = """{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}""";

        var steps = await _connection.NotPassedAsync(null, [DescribeKey, Encrypt], Decrypt, Replica);

        Assert.That(steps.Select(step => step.Outcome), Is.EqualTo((ByokVerificationOutcome[])[Warning, Failed]));
        await DeniedAsync(steps[1], "kms:Encrypt");
    }

    [Test]
    public async Task Without_any_policy_nothing_works()
    {
        _connection.Permissions = null;

        var steps = await _connection.NotPassedAsync(null, [DescribeKey, Encrypt], Decrypt, Replica);

        await DeniedAsync(steps[0], "kms:DescribeKey");
    }

    [Test]
    public async Task DescribeKey_denied_on_the_replica_alone_is_a_warning_there()
    {
        _connection.Permissions = $$"""
            {"Version":"2012-10-17","Statement":[
             {"Effect":"Allow","Action":["kms:Encrypt","kms:Decrypt"],"Resource":"*"},
             {"Effect":"Allow","Action":"kms:DescribeKey","Resource":"{{_connection.World.Key.Arn}}"}]}
            """;

        var step = (await _connection.NotPassedAsync(null, [Replica])).Single();

        Assert.That(step.Outcome, Is.EqualTo(Warning));
        Assert.That(step.Message, Does.StartWith("Replica in Region us-east-2: The host cannot see problems of the key coming"));
        await DeniedAsync(step, "kms:DescribeKey");
    }

    [Test]
    public async Task Session_policies_let_a_session_do_no_more_than_the_customers_keys_need()
    {
        // The role is far too generous; the session is not, and still all passes.
        _connection.Permissions = """{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}""";

        await _connection.AllPassAsync();
    }

    /// <summary>What a denied step says, and that its policy is the right one and corrects it.</summary>
    private async Task DeniedAsync(ByokVerificationStep step, string action)
    {
        Assert.That((step.Reason, step.Operation), Is.EqualTo(((ByokKeyUnavailableReason?)AccessDenied, action)));
        Assert.That(step.RequestId, Is.Not.Empty);
        Assert.That(step.Remedy, Is.EqualTo(
            $"Attach this permission policy to {Principal}: it allows {action}. If it is already attached, check the key ARN: AWS KMS "
            + "denies access to a mistyped one with the same message. Then check that the key policy denies nothing."
            + (action == "kms:DescribeKey" ? ""
                : " If a policy has kms:EncryptionContext conditions, they must allow the encryption context that was tried.")));
        Assert.That(JsonNode.DeepEquals(JsonNode.Parse(step.Policy!), JsonNode.Parse(_connection.GoodPermissions)), step.Policy);

        _connection.Permissions = step.Policy;
        await _connection.AllPassAsync();
    }

    /// <summary>Attaches the good policy without one text of one of its lists.</summary>
    private void Without(string list, string text)
    {
        var policy = JsonNode.Parse(_connection.GoodPermissions)!;
        var texts = policy["Statement"]![0]![list]!.AsArray();
        Assert.That(
            texts.RemoveAll(item => item!.GetValueKind() == JsonValueKind.String && item.GetValue<string>() == text), Is.EqualTo(1));
        _connection.Permissions = policy.ToJsonString();
    }
}
