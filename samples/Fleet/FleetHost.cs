using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Scalr.Byok.Kms;
using StackExchange.Redis;

namespace Fleet;

/// <summary>What each instance of the host registers.</summary>
public static class FleetHost
{
    /// <summary>Adds Redis, the library, and the tenants.</summary>
    /// <remarks>
    /// All instances have the same configuration: section <c>Byok</c> with <c>Byok:Fleet:Secrets</c>, section <c>Redis</c>, and
    /// <c>Tenants</c>.
    /// </remarks>
    public static IByokBuilder AddFleet(this IHostApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var configuration = builder.Configuration;
        builder.Services.AddStackExchangeRedisCache(cache =>
        {
            var redis = ConfigurationOptions.Parse(configuration["Redis:Configuration"]!);
            redis.AbortOnConnectFail = false; // the host also starts while Redis is away
            redis.BacklogPolicy = BacklogPolicy.FailFast; // the library does not wait for Redis, so no command should wait either
            redis.AsyncTimeout = 1_000;
            cache.ConfigurationOptions = redis;
            cache.InstanceName = configuration["Redis:InstanceName"];
        });
        var byok = builder.Services.AddScalrByok(configuration.GetSection("Byok")).AddTenantKeyRings<TenantFolder>();
        var fleet = configuration.GetSection("Byok:Fleet");
        return fleet.Exists() ? byok.ShareConfirmations(fleet) : byok; // a real host always shares
    }
}
