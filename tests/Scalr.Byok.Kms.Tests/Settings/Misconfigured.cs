using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.Tests.Keys.KeyArnSamples;

namespace Scalr.Byok.Kms.Tests.Settings;

/// <summary>A host whose configuration is good but for some changes, and what its start says about it.</summary>
internal static class Misconfigured
{
    private static readonly Dictionary<string, string?> Good = new()
    {
        ["Byok:AllowedRegions:0"] = "us-east-1",
        ["Byok:AllowedRegions:1"] = "us-east-2",
        ["Byok:HostAccountId"] = Validated.HostAccount,
        ["Customers:Acme:KeyArn"] = MultiRegion,
        ["Customers:Acme:Credentials:Type"] = "AccessKeys",
        ["Customers:Acme:Credentials:AccessKeyId"] = Validated.AccessKeyId,
        ["Customers:Acme:Credentials:SecretAccessKey"] = Validated.Secret,
    };

    /// <summary>What the start says.</summary>
    /// <param name="changes">Each is <c>path=value</c>, or <c>-path</c> for what is removed, with all below it.</param>
    public static string[] Start(params string[] changes)
    {
        using var provider = Host(Configuration(changes), new CapturedLogs());
        return Start(provider);
    }

    /// <summary>The warnings that the start logs.</summary>
    public static string[] Warnings(params string[] changes)
    {
        var logs = new CapturedLogs();
        using var provider = Host(Configuration(changes), logs);
        Start(provider);
        Start(provider);
        _ = provider.GetRequiredService<IOptions<ByokOptions>>().Value;
        return Warnings(logs);
    }

    public static string[] Warnings(CapturedLogs logs) =>
        [.. logs.Entries.Where(entry => entry.StartsWith("Warning", StringComparison.Ordinal))
            .Select(entry => entry[(entry.IndexOf(": ", StringComparison.Ordinal) + 2)..entry.IndexOf(" [", StringComparison.Ordinal)])];

    /// <summary>The options and the ring's settings that a host gets.</summary>
    public static (ByokOptions Options, ByokKeySettings Ring) Read(params string[] changes)
    {
        using var provider = Host(Configuration(changes), new CapturedLogs());
        return (provider.GetRequiredService<IOptions<ByokOptions>>().Value, provider.GetRequiredService<IOptionsMonitor<ByokKeySettings>>()
            .Get("acme"));
    }

    public static IConfigurationRoot Configuration(params string[] changes)
    {
        var values = new Dictionary<string, string?>(Good);
        foreach (var change in changes)
        {
            if (change[0] == '-')
            {
                foreach (var path in values.Keys.Where(
                    path => path == change[1..] || path.StartsWith(change[1..] + ':', StringComparison.Ordinal)).ToList())
                {
                    values.Remove(path);
                }
            }
            else
            {
                values[change[..change.IndexOf('=', StringComparison.Ordinal)]] =
                    change[(change.IndexOf('=', StringComparison.Ordinal) + 1)..];
            }
        }

        return new ConfigurationBuilder().AddInMemoryCollection(values).Build();
    }

    public static ServiceProvider Host(IConfiguration configuration, CapturedLogs logs)
    {
        var services = new ServiceCollection();
        services.AddSingleton<ILoggerFactory>(logs);
        services.AddScalrByok(configuration.GetSection("Byok")).AddKeyRing("acme", configuration.GetSection("Customers:Acme"))
            .AddOidcTokens((_, _) => new ValueTask<string>("token"));
        return services.BuildServiceProvider();
    }

    /// <summary>What is wrong, in one exception of the one type there may be.</summary>
    public static string[] Start(ServiceProvider provider)
    {
        try
        {
            provider.GetRequiredService<IStartupValidator>().Validate();
            return [];
        }
        catch (OptionsValidationException wrong)
        {
            return [.. wrong.Failures];
        }
    }
}
