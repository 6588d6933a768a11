using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using static Scalr.Byok.Kms.Tests.Keys.KeyArnSamples;

namespace Scalr.Byok.Kms.Tests.Settings;

/// <summary>Settings and options on the way a host gives them, through the container, and what is said about them.</summary>
internal static class Validated
{
    public const string RoleArn = "arn:aws:iam::111122223333:role/scalr-byok";
    public const string HostAccount = "999988887777";
    public const string AccessKeyId = "AKIAIOSFODNN7EXAMPLE";
    public const string Secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    public const string ExternalId = "external-id-4Zk8Qw7";

    public static ByokCredentialSettings AccessKeys => ByokCredentialSettings.AccessKeys(AccessKeyId, Secret);

    public static ByokCredentialSettings AssumeRole => ByokCredentialSettings.AssumeRole(RoleArn, ExternalId);

    public static ByokCredentialSettings Oidc => ByokCredentialSettings.Oidc(RoleArn, "scalr_kms");

    /// <summary>What is said about good AccessKeys settings after a change; empty if nothing.</summary>
    public static string[] KeySettings(
        Action<ByokKeySettings>? change = null, Action<ByokOptions>? options = null, bool tokens = true, Action<IByokBuilder>? with = null)
    {
        var builder = new ServiceCollection().AddScalrByok(o =>
        {
            o.HostAccountId = HostAccount;
            options?.Invoke(o);
        }).AddKeyRing(settings =>
        {
            settings.KeyArn = MultiRegion;
            settings.Credentials = AccessKeys;
            change?.Invoke(settings);
        });
        if (tokens)
        {
            builder.AddOidcTokens((_, _) => new ValueTask<string>("token"));
        }

        with?.Invoke(builder);
        using var provider = builder.Services.BuildServiceProvider();
        return Failures(() => provider.GetRequiredService<IOptionsMonitor<ByokKeySettings>>().CurrentValue, out _);
    }

    /// <summary>The options as the library sees them, and what is said about them.</summary>
    public static (ByokOptions? Options, string[] Complaints) Options(Func<IServiceCollection, IByokBuilder> add)
    {
        using var provider = add(new ServiceCollection()).Services.BuildServiceProvider();
        var complaints = Failures(() => provider.GetRequiredService<IOptions<ByokOptions>>().Value, out var options);
        return (options, complaints);
    }

    public static IConfigurationRoot Json(string json) =>
        new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json))).Build();

    private static string[] Failures<T>(Func<T> read, out T? value)
    {
        try
        {
            value = read();
            return [];
        }
        catch (OptionsValidationException refused)
        {
            value = default;
            return [.. refused.Failures];
        }
    }
}
