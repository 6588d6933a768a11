using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>What exists before every sequence: data keys and values under both keys, and messages under the previous one.</summary>
internal sealed class ModelArchive
{
    public static readonly string[] Contexts = ["A", "B", "C"];

    private static readonly Lazy<ModelArchive> Made = new(() => new ModelArchive());

    private ModelArchive()
    {
        ModelClock clock = new();
        Aws = new ModelAws(clock);
        for (var key = 0; key < 2; key++)
        {
            var (provider, ring) = CreateRing(ModelSetup.Plain, clock, Aws, previousIsCurrent: key == 1);
            using var _ = provider;
            for (var i = 0; i < Contexts.Length; i++)
            {
                using var dataKey = ring.CreateDataKeyAsync(ContextOf(Contexts[i])).AsTask().GetAwaiter().GetResult();
                DataKeys[key][i] = dataKey.EncryptedKey.ToArray();
                Values[key][i] = dataKey.Encrypt("the value"u8);
                if (key == 1)
                {
                    var message = ring.EncryptAsync("the value"u8.ToArray(), ContextOf(Contexts[i]));
                    PreviousMessages[i] = message.AsTask().GetAwaiter().GetResult();
                }
            }
        }
    }

    public static ModelArchive Instance => Made.Value;

    public ModelAws Aws { get; }

    /// <summary>By key and context.</summary>
    public byte[][][] DataKeys { get; } = [new byte[3][], new byte[3][]];

    public byte[][][] Values { get; } = [new byte[3][], new byte[3][]];

    public byte[][] PreviousMessages { get; } = new byte[3][];

    public static Dictionary<string, string> ContextOf(string name) => new() { ["record"] = name };

    /// <summary>A host with one ring, over the model of AWS.</summary>
    public static (ServiceProvider Provider, IByokKeyRing Ring) CreateRing(
        ModelSetup setup, TimeProvider clock, ModelAws aws, bool previousIsCurrent, Action<ByokOptions>? change = null)
    {
        ServiceCollection services = new();
        services.AddSingleton(clock);
        aws.AddTo(services);
        var settings = setup.Settings(previousIsCurrent);
        services.AddScalrByok(options =>
        {
            options.HostAccountId = ByokPolicies.ScalrAccountId;
            setup.Apply(options);
            change?.Invoke(options);
        }).AddKeyRing(ring =>
        {
            ring.KeyArn = settings.KeyArn;
            ring.Credentials = settings.Credentials;
            ring.ReplicaRegions = settings.ReplicaRegions;
            ring.PreviousKeys = settings.PreviousKeys;
        });
        var provider = services.BuildServiceProvider();
        return (provider, provider.GetRequiredService<IByokKeyRing>());
    }
}
