using System.Net;
using System.Net.Sockets;
using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Kms;

/// <summary>
/// Answers that AWS never gave: cut, empty, from a proxy, or none at all. Whatever AWS was asked, no one is blamed for it.
/// </summary>
[TestFixtureSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))]
internal sealed class BrokenAnswersTests
{
    private const string Html = "<html><body>S3cret page</body></html>";
    private const string TooLong = "failed: AWS answered with more than 1 MiB. Try again later. The key itself is not the cause.";
    private const int MiB = 1 << 20;

    private readonly string _type;
    private ByokWorld _world = null!;

    public BrokenAnswersTests(string type) => _type = type;

    public static IEnumerable<TestCaseData> Answers()
    {
        yield return Answer("empty 403", Fault.Body(403, "text/plain", ""), isTransient: true, "HTTP 403 without a readable error");
        yield return Answer("HTML 403", Fault.Body(403, "text/html", Html), isTransient: true, "HTTP 403 without a readable error");
        yield return Answer("empty 502", Fault.Body(502, "text/plain", ""), isTransient: true, "HTTP 502 without a readable error");
        yield return Answer("HTML 502", Fault.Body(502, "text/html", Html), isTransient: true, "HTTP 502 without a readable error");
        yield return Answer("empty 200", Fault.Body(200, "application/x-amz-json-1.1", ""), isTransient: true, "");
        yield return Answer("HTML 200", Fault.Body(200, "text/html", Html), isTransient: true, "");
        yield return Answer("half a 200", Fault.Body(200, "application/x-amz-json-1.1", """{"KeyId":"S3cret"""), isTransient: true, "");
        yield return Answer("200 without members", Fault.Body(200, "application/x-amz-json-1.1", "{}"), isTransient: true, "");
        yield return Answer("long 200", Fault.LongBody(200, "text/html", Html, 2 * MiB), isTransient: true, TooLong);
        yield return Answer("long 403", Fault.LongBody(403, "text/html", Html, 2 * MiB), isTransient: true, TooLong);
        yield return Answer("chunked 403", Fault.LongBody(403, "text/html", Html, 2 * MiB, isChunked: true), isTransient: true, TooLong);
        yield return Answer("chunked 502", Fault.LongBody(502, "text/html", Html, 2 * MiB, isChunked: true), isTransient: true, TooLong);
        yield return Answer("a redirect", Fault.Body(307, "text/html", Html), isTransient: true, "answered");
        yield return Answer("a reset", Fault.Drop(), isTransient: true, "failed because AWS could not be reached: 127.0.0.1:");
        yield return Answer("a cut body", Fault.CutBody(), isTransient: true, "");
    }

    [OneTimeSetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [SetUp]
    public void Reset() => _world.Aws.Faults.Clear();

    [TearDown]
    public void CheckCalls() => _world.DemandAllowedCalls();

    [OneTimeTearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [TestCaseSource(nameof(Answers))]
    public async Task Broken_answers_are_an_outage_not_a_revocation(Fault fault, bool isTransient, string words)
    {
        foreach (var operation in Operations())
        {
            _world.Aws.Faults.Clear();
            var ring = _world.Ring(_type);
            var message = operation == "Decrypt" ? await ring.EncryptAsync(new byte[1]) : null;
            _world.Aws.Faults.Add(fault with { Operation = operation });
            var before = _world.Aws.Log.Count(operation);

            var thrown = await Assert.ThrowsAsync<ByokServiceException>(
                async () => _ = message is null ? await ring.EncryptAsync(new byte[1]) : await ring.DecryptAsync(message), operation);

            Assert.That(thrown!.IsTransient, Is.EqualTo(isTransient), $"{operation}: {thrown}");
            Assert.That(thrown.Message, Does.Contain(words), operation);
            Assert.That(thrown.Operation, Does.EndWith(":" + operation));
            Assert.That(thrown.ToString(), Does.Not.Contain("S3cret"), operation);
            Assert.That(_world.Aws.Log.Count(operation) - before, Is.EqualTo(1), "the AWS SDK's own retries are off");
        }
    }

    [Test]
    public async Task A_server_that_refuses_connections_is_an_outage()
    {
        var endpoint = NobodyListens();
        var ring = _world.Ring(
            _type, options: o => o.Endpoints.Kms[ByokEndpoints.AnyRegion] = o.Endpoints.Sts[ByokEndpoints.AnyRegion] = endpoint);

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[1]));

        Assert.That(thrown!.IsTransient, Is.True);
        Assert.That(thrown.Operation, Does.EndWith(":" + Operations().First()));
        Assert.That(thrown.Message, Does.Contain(
            $"failed because AWS could not be reached: 127.0.0.1:{endpoint.Port}, connection refused. This address is configured by the "
            + "host's operator, in the option Endpoints. "
            + "Try again later. The key itself is not the cause."));
        Assert.That(thrown.InnerException, Is.TypeOf<HttpRequestException>());
    }

    private static TestCaseData Answer(string name, Fault fault, bool isTransient, string words) =>
        new TestCaseData(fault, isTransient, words).SetArgDisplayNames(name);

    private static Uri NobodyListens()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return new Uri($"http://{listener.LocalEndpoint}");
    }

    private IEnumerable<string> Operations() => _type switch
    {
        ByokCredentialSettings.AssumeRoleType => ["AssumeRole", "Encrypt", "Decrypt"],
        ByokCredentialSettings.OidcType => ["AssumeRoleWithWebIdentity", "Encrypt", "Decrypt"],
        _ => ["Encrypt", "Decrypt"],
    };
}
