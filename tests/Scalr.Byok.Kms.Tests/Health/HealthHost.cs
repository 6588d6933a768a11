using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Moq;
using Scalr.Byok.Kms.Health;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Health;

/// <summary>A host with key rings and the real service that runs its health checks.</summary>
internal sealed class HealthHost
{
    private readonly ByokWorld _world;
    private ServiceProvider? _provider;

    public HealthHost(ByokWorld world, Action<ByokOptions>? options = null)
    {
        _world = world;
        Services = world.Services(options);
        Services.AddLogging();
    }

    public ServiceCollection Services { get; }

    public ServiceProvider Provider => _provider ??= _world.Build(Services);

    /// <summary>A key ring, with good settings but for the change.</summary>
    public HealthHost Add(string name, string type = "AccessKeys", Action<ByokKeySettings>? change = null)
    {
        var settings = _world.Settings(type);
        change?.Invoke(settings);
        void Configure(ByokKeySettings ring)
        {
            ring.KeyArn = settings.KeyArn;
            ring.Credentials = settings.Credentials;
            ring.ReplicaRegions = settings.ReplicaRegions;
        }

        _ = name.Length == 0 ? Services.AddScalrByok().AddKeyRing(Configure) : Services.AddScalrByok().AddKeyRing(name, Configure);
        return this;
    }

    /// <summary>A key ring that answers as the test says.</summary>
    public HealthHost AddMock(string name, Func<Task<ByokKeyHealth>> probe)
    {
        var ring = new Mock<IByokKeyRing>();
        ring.Setup(r => r.KeyArn).Returns(KmsKeyArn.Parse(_world.Key.Arn));
        ring.Setup(r => r.ProbeAsync(It.IsAny<CancellationToken>())).Returns(probe);
        Services.AddSingleton(new KeyRingRegistration(name));
        Services.AddKeyedSingleton(name, ring.Object);
        return this;
    }

    public HealthHost Check(Action<ByokHealthCheckOptions>? configure = null, HealthStatus? failureStatus = null)
    {
        Services.AddHealthChecks().AddByokKeyRings(failureStatus: failureStatus, configure: configure);
        return this;
    }

    public async Task<HealthReportEntry> RunAsync(CancellationToken cancellationToken = default) =>
        (await Provider.GetRequiredService<HealthCheckService>().CheckHealthAsync(cancellationToken)).Entries["byok"];

    /// <summary>A health of the world's key, as a mocked ring may tell it.</summary>
    public ByokKeyHealth Health(HealthStatus status = HealthStatus.Healthy, params IReadOnlyList<ByokKeyFinding> findings) =>
        new() { KeyArn = KmsKeyArn.Parse(_world.Key.Arn), Status = status, Findings = findings };

    public static ByokKeyFinding Finding(
        string code, ByokKeyFindingSeverity severity, ByokKeyFindingOwner owner = ByokKeyFindingOwner.Customer) =>
        new(code, severity, owner, $"{code} happened.", "Do something.");
}
