using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Soak;

/// <summary>
/// A host with one ring that caches, tries again and breaks circuits as by default, save that nothing happens in the background: so the
/// clock is its calls' alone.
/// </summary>
internal sealed class BadDay : IAsyncDisposable
{
    public static readonly ByokResilienceOptions Defaults = new();

    private readonly ByokWorld _world;
    private readonly ServiceProvider _services;

    public BadDay(ByokWorld world, string type, Action<ByokOptions>? options = null, params string[] replicaRegions)
    {
        _world = world;
        var services = world.Services(o =>
        {
            (o.DataKeyCache, o.Resilience) = (new(), new());
            options?.Invoke(o);
            o.ConfirmationInterval = o.DataKeyCache.MaxAge > TimeSpan.Zero ? o.DataKeyCache.MaxAge : TimeSpan.FromHours(1);
        });
        var settings = world.Settings(type);
        services.AddScalrByok().AddKeyRing(
            ring => (ring.KeyArn, ring.Credentials, ring.ReplicaRegions) = (settings.KeyArn, settings.Credentials, replicaRegions));
        _services = services.BuildServiceProvider();
        Ring = _services.GetRequiredService<IByokKeyRing>();
    }

    public IByokKeyRing Ring { get; }

    /// <summary>Encrypts within the total time limit.</summary>
    public Task<byte[]> EncryptAsync(byte[] plaintext, string purpose = "bad days") =>
        PassAsync(Ring.EncryptAsync(plaintext, new Dictionary<string, string> { ["purpose"] = purpose }));

    /// <summary>Decrypts within the total time limit.</summary>
    public Task<byte[]> DecryptAsync(byte[] message) => PassAsync(Ring.DecryptAsync(message));

    /// <summary>Lets time pass, and ends what has expired.</summary>
    public async Task AdvanceAsync(TimeSpan time)
    {
        _world.Time.Advance(time);
        await ByokWorld.UntilAsync(() => _world.Clock.Expired(Defaults.AttemptTimeout) == 0, "an attempt did not end");
    }

    /// <summary>Ends the day: no timer is left, and no socket.</summary>
    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await ByokWorld.UntilAsync(() => _world.Clock.Alive == 0, "timers are left");
        await ByokWorld.UntilAsync(() => _world.Aws.Connections.Open == 0, "sockets are left");
    }

    private Task<byte[]> PassAsync(ValueTask<byte[]> call) =>
        HangingCalls.PassAsync(_world, call.AsTask(), Defaults.AttemptTimeout, Defaults.TotalTimeout);
}
