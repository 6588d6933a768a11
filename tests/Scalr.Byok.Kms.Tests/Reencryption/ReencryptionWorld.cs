using System.Diagnostics.CodeAnalysis;
using System.Text;
using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Reencryption;

/// <summary>A customer who changes keys, with rows under any of them.</summary>
internal sealed class ReencryptionWorld : IAsyncDisposable
{
    public static readonly Dictionary<string, string> SharedContext = new() { ["table"] = "rows" };

    /// <summary>
    /// So long that no request reaches it on a clock that a test moves: a thread that the machine holds up may hold a request up while the
    /// clock moves on.
    /// </summary>
    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromMinutes(30);

    private readonly KeyChange _change;
    private readonly bool _caches;
    private byte[] _oldDataKey = [];
    private byte[] _newDataKey = [];

    private ReencryptionWorld(KeyChange change, bool caches)
    {
        _change = change;
        _caches = caches;
        Restart();
    }

    public ByokWorld World => _change.World;

    public LocalKey OldKey => _change.OldKey;

    public LocalKey NewKey => _change.NewKey;

    /// <summary>The ring before the change.</summary>
    public IByokKeyRing Old { get; private set; }

    /// <summary>The ring during the change: the new key, and the old one among PreviousKeys.</summary>
    public IByokKeyRing New { get; private set; }

    /// <param name="caches">Whether the rings cache data keys. If not, each use of a message asks AWS KMS.</param>
    public static async Task<ReencryptionWorld> StartAsync(bool caches = true)
    {
        var world = new ReencryptionWorld(await KeyChange.StartAsync(), caches);
        using var oldKey = await world.Old.CreateDataKeyAsync();
        using var newKey = await world.New.CreateDataKeyAsync();
        world._oldDataKey = oldKey.EncryptedKey.ToArray();
        world._newDataKey = newKey.EncryptedKey.ToArray();
        return world;
    }

    public static string Text(int id) => $"plaintext of row {id}";

    public static Dictionary<string, string> OwnContext(int id) => new() { ["row"] = $"{id}" };

    public ReencryptionKey Key(Under under) => under switch
    {
        Under.OldRing => ReencryptionKey.Ring(Old),
        Under.NewRing => ReencryptionKey.Ring(New),
        Under.OldDataKey => ReencryptionKey.DataKeys(async stop => new(await Old.OpenDataKeyAsync(_oldDataKey, null, stop))),
        Under.NewDataKey => ReencryptionKey.DataKeys(async stop => new(await New.OpenDataKeyAsync(_newDataKey, null, stop))),
        _ => ReencryptionKey.None,
    };

    /// <summary>The rings of another process, which has no data key in its memory.</summary>
    [MemberNotNull(nameof(Old), nameof(New))]
    public void Restart()
    {
        var maxAge = _caches ? TimeSpan.FromMinutes(5) : TimeSpan.Zero;
        Old = World.Ring(
            new ByokKeySettings { KeyArn = OldKey.Arn, Credentials = _change.OldCredentials },
            options =>
            {
                options.AllowedRegions = [OldKey.Region];
                Set(options);
            });
        New = _change.Ring(Set);

        void Set(ByokOptions options)
        {
            options.DataKeyCache.MaxAge = maxAge;
            options.Resilience.MaxRetryAttempts = 3;
            options.Resilience.AttemptTimeout = AttemptTimeout;
            options.Resilience.TotalTimeout = 2 * AttemptTimeout;
        }
    }

    /// <summary>Rows 1 to a number, all under one key.</summary>
    public async Task<MemorySource> FillAsync(int count, Under under, bool ownContexts = false)
    {
        var source = new MemorySource();
        source.Context = ownContexts ? OwnContext : source.Context;
        for (var id = 1; id <= count; id++)
        {
            await WriteAsync(source, id, under, Text(id));
        }

        World.Aws.Log.Clear();
        return source;
    }

    public async Task WriteAsync(MemorySource source, int id, Under under, string text)
    {
        var plaintext = Encoding.UTF8.GetBytes(text);
        switch (under)
        {
            case Under.OldRing or Under.NewRing:
                var ring = under == Under.OldRing ? Old : New;
                source[id] = (ReencryptionForm.Message, await ring.EncryptAsync(plaintext, source.Context(id)));
                break;
            case Under.OldDataKey or Under.NewDataKey:
                using (var key = await OpenAsync(under))
                {
                    source[id] = (ReencryptionForm.Value, key.Encrypt(plaintext, MemorySource.Place(id)));
                }

                break;
            default:
                source[id] = (ReencryptionForm.Plaintext, plaintext);
                break;
        }
    }

    /// <summary>What a reader of the host reads, who has all keys and knows the form.</summary>
    public async Task<string> ReadAsync(MemorySource source, int id)
    {
        var (form, bytes) = source[id];
        switch (form)
        {
            case ReencryptionForm.Message:
                return await New.DecryptTextAsync(bytes, source.Context(id));
            case ReencryptionForm.Value:
                var oldKey = await OpenAsync(Under.OldDataKey);
                using (var keys = new ByokDataKeySet(await OpenAsync(Under.NewDataKey), oldKey))
                {
                    return keys.DecryptText(bytes, MemorySource.Place(id));
                }

            default:
                return Encoding.UTF8.GetString(bytes);
        }
    }

    /// <summary>Every row has its text.</summary>
    public async Task DemandAllTextsAsync(MemorySource source, Func<int, string>? text = null)
    {
        foreach (var id in source.Ids)
        {
            Assert.That(await ReadAsync(source, id), Is.EqualTo((text ?? Text)(id)), $"row {id}");
        }
    }

    /// <summary>Runs to the end, with small batches.</summary>
    public async Task<List<ReencryptionProgress>> RunAsync(
        MemorySource source,
        ReencryptionKey from,
        ReencryptionKey to,
        Action<ReencryptionOptions>? change = null,
        Action<ReencryptionProgress>? onProgress = null,
        CancellationToken cancellationToken = default)
    {
        var options = new ReencryptionOptions { TimeProvider = World.Clock, BatchSize = 4, MaxDegreeOfParallelism = 3 };
        change?.Invoke(options);
        List<ReencryptionProgress> all = [];
        await foreach (var progress in ByokReencryption.RunAsync(source, from, to, options, cancellationToken))
        {
            all.Add(progress);
            onProgress?.Invoke(progress);
        }

        return all;
    }

    /// <summary>Moves the clock on while the run waits and no request is under way.</summary>
    public async Task<T> PassTimeAsync<T>(Task<T> run)
    {
        await ByokWorld.StepUntilAsync(
            () =>
            {
                if (World.Clock.Pauses > 0 && World.Clock.LimitsUpTo(AttemptTimeout) == 0)
                {
                    World.Time.Advance(TimeSpan.FromMilliseconds(250));
                }

                return run.IsCompleted;
            },
            "the run did not end");
        return await run;
    }

    public ValueTask DisposeAsync() => _change.DisposeAsync();

    private async Task<ByokDataKey> OpenAsync(Under under) => under == Under.OldDataKey
        ? await Old.OpenDataKeyAsync(_oldDataKey)
        : await New.OpenDataKeyAsync(_newDataKey);
}
