using System.Text;
using Amazon.Runtime;
using LocalAws;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.Conventions;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Diagnostics;

/// <summary>A run in which much fails: neither metrics nor activities tell a secret, nor whose it is.</summary>
[NonParallelizable]
[TestFixtureSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))]
internal sealed class TelemetrySecrecyTests
{
    private const string Tenant = "tenant-acme-90871";
    private const string Plaintext = "plaintext-77d1c0";
    private const string ContextName = "context-name-5512";
    private const string ContextValue = "context-value-8d11f";

    private static readonly Dictionary<string, string> Context = new() { [ContextName] = ContextValue };

    private readonly string _type;
    private ByokWorld _world = null!;

    public TelemetrySecrecyTests(string type) => _type = type;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task Neither_metrics_nor_activities_tell_a_secret_or_whose_it_is()
    {
        using var record = new TelemetryRecord();
        var services = _world.Services(o =>
        {
            (o.DataKeyCache.MaxAge, o.ConfirmationInterval) = (TimeSpan.FromMinutes(5), TimeSpan.FromSeconds(60));
            o.Resilience.BreakerMinimumThroughput = 30;
        });
        _world.TrustAllSubjects();
        services.AddScalrByok().AddKeyRing(
            Tenant, settings => (settings.KeyArn, settings.Credentials) = (_world.Key.Arn, _world.Settings(_type).Credentials));
        var provider = _world.Build(services);
        var ring = provider.GetRequiredKeyedService<IByokKeyRing>(Tenant);
        var plaintext = Encoding.UTF8.GetBytes(Plaintext);

        var message = await ring.EncryptAsync(plaintext, Context);
        await ring.DecryptAsync(message, Context);
        await ring.ReencryptAsync(message);
        await ring.ProbeAsync();
        await provider.GetRequiredService<IByokVerifier>().VerifyAsync(_world.Settings(_type), tenant: null);
        await TryAsync(() => ring.DecryptAsync(message, new Dictionary<string, string> { ["a"] = ContextValue }).AsTask());
        await TryAsync(() => ring.DecryptAsync(message.AsMemory(..^1), Context).AsTask());
        foreach (var fault in Faults())
        {
            _world.Aws.Faults.Clear();
            _world.Aws.Faults.Add(fault);
            await TryAsync(() =>
                ring.EncryptAsync(plaintext, new Dictionary<string, string>(Context) { ["n"] = fault.GetHashCode().ToString() }).AsTask());
            await TryAsync(() => provider.GetRequiredService<IByokVerifier>().VerifyAsync(_world.Settings(_type), tenant: null));
            await ring.ProbeAsync();
        }

        _world.Aws.Faults.Clear();
        _world.Key.Disable();
        _world.Time.Advance(TimeSpan.FromSeconds(61));
        await TryAsync(() => ring.EncryptAsync(plaintext, Context).AsTask());

        string[] telltales =
        [
            .. _world.Secrets.ToArray(),
            Tenant,
            Plaintext,
            ContextName,
            ContextValue,
            "arn:",
            _world.Key.Arn.Split('/')[1],
            ByokWorld.CustomerAccount,
            ByokWorld.HostAccount,
            _world.AccessKey.AccessKeyId, _world.HostKey.AccessKeyId, "scalr-byok", ByokWorld.Audience, ByokWorld.Subject,
        ];
        var texts = record.Texts.ToList();
        Assert.That(record.Activities, Has.Count.GreaterThan(50), "activities to look into");
        Assert.That(texts, Has.Count.GreaterThan(300), "texts to look into");
        Assert.That(Secrets.FindIn(texts, telltales), Is.Empty);
    }

    [Test]
    public async Task Attributes_of_metrics_have_values_that_are_known_beforehand()
    {
        using var record = new TelemetryRecord(traces: false);
        _world.Aws.Faults.Add(Fault.Error("A" + Guid.NewGuid().ToString("N"), 400, "words"));
        await TryAsync(() => _world.Ring(_type).EncryptAsync(new byte[1]).AsTask());
        _world.Aws.Faults.Clear();
        _world.Aws.Faults.Add(Fault.Error("A" + Guid.NewGuid().ToString("N"), 500));
        await TryAsync(() => _world.Ring(_type).EncryptAsync(new byte[1]).AsTask());

        Assert.That(
            record.Of("scalr.byok.aws.attempt.duration").Select(one => string.Join(" ", one.Attributes.Split(' ')[2..])),
            Is.EqualTo(TelemetryRecord.Each("ByokServiceException other", "ByokServiceException outage")));
    }

    private IEnumerable<Fault> Faults()
    {
        // What AWS says about a signature holds the whole canonical request; others quote the value that they dislike.
        var echo = $"'{ContextValue} {_world.Key.Arn} {string.Join(" ", _world.Secrets.ToArray())}'";
        foreach (var code in (string[])[
            "InvalidSignatureException",
            "SignatureDoesNotMatch",
            "ValidationException",
            "AccessDeniedException",
            "ThrottlingException",
            "SomethingNew",
            "ExpiredTokenException",
        ])
        {
            yield return Fault.Error(code, 400, echo);
        }

        yield return Fault.Error("InternalFailure", 500, echo);
        yield return Fault.Body(403, "text/html", $"<html>{echo}</html>");
        yield return Fault.Body(200, "text/html", $"<html>{echo}</html>");
        yield return Fault.Body(200, "application/x-amz-json-1.1", $$"""{"KeyId":"{{echo}}"}""");
        yield return Fault.Drop();
    }

    private static async Task TryAsync(Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (Exception e) when (e is ByokException or ArgumentException or AmazonServiceException)
        {
            // Whatever it was, telemetry saw it.
        }
    }
}
