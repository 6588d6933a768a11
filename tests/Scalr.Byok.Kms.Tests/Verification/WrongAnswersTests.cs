using LocalAws;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokVerificationOutcome;
using Check = Scalr.Byok.Kms.ByokVerificationCheck;

namespace Scalr.Byok.Kms.Tests.Verification;

/// <summary>An AWS KMS that refuses its own ciphertext or gives another plaintext back: an endpoint that is none of AWS's.</summary>
internal sealed class WrongAnswersTests
{
    private Connection _connection = null!;

    [SetUp]
    public async Task StartAsync() => _connection = await Connection.StartAsync(ByokCredentialSettings.AccessKeysType);

    [TearDown]
    public async Task StopAsync() => await _connection.DisposeAsync();

    [TestCase("us-east-1", Check.Decrypt, "")]
    [TestCase("us-east-2", Check.Replica, "Replica in Region us-east-2: ")]
    public async Task A_ciphertext_that_is_refused_fails(string region, Check check, string about)
    {
        _connection.World.Aws.Faults.Add(Fault.Error("InvalidCiphertextException") with { Operation = "Decrypt", Region = region });

        var step = (await _connection.NotPassedAsync(null, [check])).Single();

        Assert.That((step.Outcome, step.Message), Is.EqualTo((Failed, about + "kms:Decrypt rejects what kms:Encrypt has just encrypted.")));
        Assert.That((step.Operation, step.Reason), Is.EqualTo(("kms:Decrypt", default(ByokKeyUnavailableReason?))));
        Assert.That(step.Remedy, Is.EqualTo("Check that the replica belongs to the key, and the endpoint that the host uses for AWS KMS."));
    }

    [TestCase("us-east-1", Check.Decrypt, "")]
    [TestCase("us-east-2", Check.Replica, "Replica in Region us-east-2: ")]
    public async Task Another_plaintext_fails(string region, Check check, string about)
    {
        var arn = region == ByokWorld.Region ? _connection.World.Key.Arn : _connection.ReplicaKey.Arn;
        var answer = Fault.Body(
            200, "application/x-amz-json-1.1", $$"""{"KeyId":"{{arn}}","Plaintext":"{{Convert.ToBase64String(new byte[32])}}"}""");
        _connection.World.Aws.Faults.Add(answer with { Operation = "Decrypt", Region = region });

        var step = (await _connection.NotPassedAsync(null, [check])).Single();

        Assert.That((step.Outcome, step.Message), Is.EqualTo((Failed, about + "kms:Decrypt did not return what was encrypted.")));
        Assert.That((step.Operation, step.Policy), Is.EqualTo(("kms:Decrypt", default(string))));
        Assert.That(step.Remedy, Does.StartWith("Check the endpoint that the host uses for AWS KMS"));
    }

    [Test]
    public async Task An_answer_of_another_key_fails()
    {
        var answer = Fault.Body(200, "application/x-amz-json-1.1", $$"""{"KeyMetadata":{"Arn":"{{_connection.OldKey.Arn}}"} }""");
        _connection.World.Aws.Faults.Add(answer with { Operation = "DescribeKey", Region = ByokWorld.Region });

        var step = await _connection.StoppedAtAsync(Check.DescribeKey);

        Assert.That(
            step.Message,
            Is.EqualTo($"AWS KMS answered kms:DescribeKey for another key than {_connection.World.Key.Arn}. The answer was not used."));
    }
}
