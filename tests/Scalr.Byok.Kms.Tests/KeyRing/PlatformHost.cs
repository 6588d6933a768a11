using LocalAws;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>A host with a platform key in its own account, used with the host's own identity, and with tenants.</summary>
internal sealed class PlatformHost : IAsyncDisposable
{
    public const string Section = "Platform";

    private PlatformHost(ByokWorld world)
    {
        World = world;
        Key = world.Aws.Account(ByokWorld.HostAccount).CreateKey(ByokWorld.Region, multiRegion: true);
        world.HostUser.Policy = Policies.Permissions("*", "kms:Encrypt", "kms:Decrypt", "kms:DescribeKey", "sts:AssumeRole");
        Tenants = new TenantHost(world, with: AddKey());
        Store["platform"] = ByokKeySettings.Platform;
        Store["other"] = ByokKeySettings.Platform;
        Store["acme"] = world.Settings("AccessKeys");
    }

    public ByokWorld World { get; }

    public LocalKey Key { get; }

    public TenantHost Tenants { get; private set; }

    public TenantStore Store => Tenants.Store;

    /// <summary>Of whom AWS was asked what, in order: principal, operation, key.</summary>
    public IEnumerable<(string? Principal, string Operation, string? Key)> Requests =>
        World.Aws.Log.Requests.Select(request => (request.Principal, request.Operation, request.Key));

    public static async Task<PlatformHost> StartAsync() => new(await ByokWorld.StartAsync());

    public ValueTask<IByokKeyRing> GetAsync(string tenant) => Tenants.GetAsync(tenant);

    /// <summary>The host starts again, with the same store and other options.</summary>
    public void Restart(Action<ByokOptions>? options = null, Action<IByokBuilder>? with = null)
    {
        var old = Store;
        Tenants = new TenantHost(World, options, with ?? AddKey());
        foreach (var (tenant, answer) in old.Answers)
        {
            Store.Answers[tenant] = answer;
        }
    }

    /// <summary>Adds the platform key from a configuration section.</summary>
    public Action<IByokBuilder> AddKey(params (string Setting, string? Value)[] settings)
    {
        var values = new Dictionary<string, string?>
        {
            [$"{Section}:KeyArn"] = Key.Arn,
            [$"{Section}:Credentials:Type"] = "Host",
        };
        foreach (var (setting, value) in settings)
        {
            values[$"{Section}:{setting}"] = value;
        }

        var configuration = new ConfigurationBuilder().AddInMemoryCollection(values).Build();
        return byok => byok.AddPlatformKey(configuration.GetSection(Section));
    }

    public ValueTask DisposeAsync() => World.DisposeAsync();
}
