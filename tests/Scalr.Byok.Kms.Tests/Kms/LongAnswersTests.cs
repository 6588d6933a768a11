using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Kms;

/// <summary>
/// An answer of a gibibyte in the place of AWS's: whatever AWS was asked, the call fails having read 1 MiB of it at most.
/// </summary>
[TestFixtureSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))]
[NonParallelizable] // it counts what the whole process allocates
[Category("Slow")]
internal sealed class LongAnswersTests
{
    private const long GiB = 1L << 30;
    private const int MiB = 1 << 20;

    private readonly string _type;
    private ByokWorld _world = null!;

    public LongAnswersTests(string type) => _type = type;

    [OneTimeSetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public void CheckCalls() => _world.DemandAllowedCalls();

    [OneTimeTearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task An_answer_of_a_gibibyte_is_an_outage_and_fills_no_memory([Values(200, 403, 500)] int status, [Values] bool isChunked)
    {
        foreach (var operation in Operations())
        {
            await FailAsync(operation, status, isChunked, 2 * MiB); // code is compiled, pools are filled
            var allocated = GC.GetTotalAllocatedBytes(precise: true);
            await FailAsync(operation, status, isChunked, GiB);
            allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;

            TestContext.Out.WriteLine(
                $"{operation}, HTTP {status}{(isChunked ? ", chunked" : "")}: {allocated:N0} bytes allocated altogether.");
            Assert.That(allocated, Is.LessThan(8 * MiB), operation);
        }
    }

    private async Task FailAsync(string operation, int status, bool isChunked, long length)
    {
        _world.Aws.Faults.Clear();
        var ring = _world.Ring(_type);
        var message = operation == "Decrypt" ? await ring.EncryptAsync(new byte[1]) : null;
        var isSts = operation.StartsWith("Assume", StringComparison.Ordinal);
        var contentType = isSts ? "text/xml" : "application/x-amz-json-1.1";
        var prefix = isSts ? $"<{operation}Response><{operation}Result><PackedPolicySize>S3cret" : """{"KeyId":"S3cret""";
        _world.Aws.Faults.Add(Fault.LongBody(status, contentType, prefix, length, isChunked) with { Operation = operation });

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(
            async () => _ = message is null ? await ring.EncryptAsync(new byte[1]) : await ring.DecryptAsync(message), operation);

        Assert.That(thrown!.Message, Does.EndWith(
            $":{operation} for the key {_world.Key.Arn} failed: AWS answered with more than 1 MiB. Try again later. The key itself is "
            + "not the cause."));
        Assert.That((thrown.IsTransient, thrown.Operation), Is.EqualTo((true, (isSts ? "sts:" : "kms:") + operation)));
        Assert.That(thrown.ToString(), Does.Not.Contain("S3cret").And.Not.Contain("xxx"), operation);
    }

    private IEnumerable<string> Operations() => _type switch
    {
        ByokCredentialSettings.AssumeRoleType => ["AssumeRole", "Encrypt", "Decrypt"],
        ByokCredentialSettings.OidcType => ["AssumeRoleWithWebIdentity", "Encrypt", "Decrypt"],
        _ => ["Encrypt", "Decrypt"],
    };
}
