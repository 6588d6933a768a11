using LocalAws;
using Microsoft.Extensions.Time.Testing;
using Scalr.Byok.Kms.Tests.KeyUse;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Events;

/// <summary>One or more instances of a host, each with an observer and its own ring of the same customer, on one clock.</summary>
internal sealed class EventWorld : IAsyncDisposable
{
    public static readonly TimeSpan HoldTime = TimeSpan.FromSeconds(30);
    public static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan QueryInterval = TimeSpan.FromMinutes(15);

    private readonly List<Instance> _instances = [];

    private EventWorld(ByokWorld world) => World = world;

    public ByokWorld World { get; }

    public LocalAwsServer Aws => World.Aws;

    public int Queries => Aws.Log.Count("DescribeKey");

    /// <summary>
    /// Starts at noon UTC, at the beginning of a window of starts, so that no test runs across the end of a window or a day by chance.
    /// </summary>
    public static async Task<EventWorld> StartAsync()
    {
        var noon = new DateTimeOffset(DateTime.UtcNow.Date.AddHours(12), TimeSpan.Zero);
        return new EventWorld(await ByokWorld.StartAsync(new FakeTimeProvider(noon)));
    }

    /// <summary>Another instance of the host, whose ring is in use.</summary>
    public async Task<Instance> AddAsync(
        string type = "AccessKeys",
        Action<ByokOptions>? options = null,
        Action<ByokKeySettings>? settings = null,
        Action<IByokBuilder>? with = null)
    {
        var observer = new RecordingObserver(World.Time);
        var own = World.Settings(type);
        settings?.Invoke(own);
        var ring = World.Ring(
            own,
            o =>
            {
                KeyUseWorld.Configure(o);

                // The longest: steps of this clock do not wait for observers, whose threads may be late.
                o.KeyEvents.ObserverTimeout = TimeSpan.FromHours(1);
                options?.Invoke(o);
            },
            builder =>
            {
                builder.AddKeyObserver(observer);
                with?.Invoke(builder);
            });
        var instance = new Instance(ring, observer, await ring.EncryptAsync("text"u8.ToArray()));
        await instance.UseAsync();
        _instances.Add(instance);
        return instance;
    }

    /// <summary>Lets time pass in steps of a second, in which each instance uses its ring.</summary>
    public async Task UseAsync(TimeSpan time, TimeSpan? step = null)
    {
        for (var left = time; left > TimeSpan.Zero; left -= step ?? Second)
        {
            await PassAsync(step ?? Second);
            foreach (var instance in _instances)
            {
                await instance.UseAsync();
            }

            await KeyUseWorld.SettleAsync(World);
        }
    }

    /// <summary>Lets time pass without uses.</summary>
    public async Task PassAsync(TimeSpan time)
    {
        await KeyUseWorld.SettleAsync(World);
        World.Time.Advance(time);
        await KeyUseWorld.SettleAsync(World);
    }

    public void BreakKms() => Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Service = "kms" });

    /// <summary>What the customer's identity may do, of whatever type it is.</summary>
    public void Permit(string? policy) => World.User.Policy = World.AssumedRole.Policy = World.OidcRole.Policy = policy;

    public ValueTask DisposeAsync()
    {
        Aws.Faults.Clear();
        return World.DisposeAsync();
    }

    /// <summary>One instance of the host.</summary>
    internal sealed record Instance(IByokKeyRing Ring, RecordingObserver Observer, byte[] Message)
    {
        /// <summary>Decrypts; a failure is returned.</summary>
        public async Task<ByokException?> UseAsync()
        {
            try
            {
                await Ring.DecryptAsync(Message);
                return null;
            }
            catch (ByokException e)
            {
                return e;
            }
        }
    }
}
