using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.KeyRing;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>A host with one ring of <c>AddKeyRing</c> in a <see cref="ByokWorld"/>. Its configuration changes while it runs.</summary>
internal sealed class LiveHost
{
    public const string Section = "Customers:Acme";

    private readonly string _name;

    /// <param name="world">AWS and the customer.</param>
    /// <param name="settings">The settings at the start.</param>
    /// <param name="options">Changes the host's options.</param>
    /// <param name="with">Adds more services.</param>
    /// <param name="name">The ring's name; empty for a ring without one.</param>
    public LiveHost(
        ByokWorld world,
        ByokKeySettings settings,
        Action<ByokOptions>? options = null,
        Action<IByokBuilder>? with = null,
        string name = "acme")
    {
        _name = name;
        Configuration = new ConfigurationBuilder().AddInMemoryCollection(Values(settings)).Build();
        var services = world.Services(options);
        var (builder, section) = (services.AddScalrByok(), Configuration.GetSection(Section));
        _ = name.Length == 0 ? builder.AddKeyRing(section) : builder.AddKeyRing(name, section);
        with?.Invoke(builder);
        Services = world.Build(services);
        Services.GetRequiredService<Microsoft.Extensions.Options.IStartupValidator>().Validate();
    }

    public IConfigurationRoot Configuration { get; }

    public ServiceProvider Services { get; }

    public IByokKeyRing Ring =>
        _name.Length == 0 ? Services.GetRequiredService<IByokKeyRing>() : Services.GetRequiredKeyedService<IByokKeyRing>(_name);

    /// <summary>The ring of the present settings.</summary>
    public ByokKeyRing Inner => TenantHost.Inner(Ring);

    /// <summary>Changes settings and reloads the configuration.</summary>
    public void Change(params (string Setting, string? Value)[] changes)
    {
        foreach (var (setting, value) in changes)
        {
            Configuration[$"{Section}:{setting}"] = value;
        }

        Configuration.Reload();
    }

    /// <summary>Replaces all settings and reloads the configuration.</summary>
    public void Change(ByokKeySettings settings)
    {
        foreach (var (path, _) in Configuration.AsEnumerable().Where(pair => pair.Value is not null).ToList())
        {
            Configuration[path] = null;
        }

        foreach (var (path, value) in Values(settings))
        {
            Configuration[path] = value;
        }

        Configuration.Reload();
    }

    private static Dictionary<string, string?> Values(ByokKeySettings settings)
    {
        var values = new Dictionary<string, string?> { [$"{Section}:KeyArn"] = settings.KeyArn, ["Other:Setting"] = "1" };
        Add(values, $"{Section}:Credentials", settings.Credentials);
        for (var i = 0; i < settings.PreviousKeys.Count; i++)
        {
            values[$"{Section}:PreviousKeys:{i}:KeyArn"] = settings.PreviousKeys[i].KeyArn;
            Add(values, $"{Section}:PreviousKeys:{i}:Credentials", settings.PreviousKeys[i].Credentials);
        }

        return values;
    }

    private static void Add(Dictionary<string, string?> values, string path, ByokCredentialSettings credentials)
    {
        foreach (var property in typeof(ByokCredentialSettings).GetProperties())
        {
            if (property.GetValue(credentials) is string value)
            {
                values[$"{path}:{property.Name}"] = value;
            }
        }
    }
}
