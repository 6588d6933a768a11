using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Fleet;

/// <summary>
/// What this instance shares with the other instances of the host (<c>ShareConfirmations</c>), through the host's cache. Safe for
/// concurrent use.
/// </summary>
internal sealed class FleetSharing : IDisposable
{
    private readonly CancellationTokenSource _disposed = new();
    private readonly FleetSecret[] _secrets;
    private readonly Guid _instance = new(RandomNumberGenerator.GetBytes(16));
    private readonly ILogger _logger;
    private int _forged;

    /// <param name="fleet">Validated options.</param>
    /// <param name="options">The operator's options.</param>
    /// <param name="cache">The host's cache.</param>
    /// <param name="time">AWS's time.</param>
    /// <param name="logger">The log.</param>
    public FleetSharing(ByokFleetOptions fleet, ByokOptions options, IDistributedCache cache, AwsTime time, ILogger logger)
    {
        _secrets = [.. fleet.Secrets.Select(static secret => new FleetSecret(Convert.FromBase64String(secret)))];
        _logger = logger;
        Tolerance = fleet.ClockTolerance.Ticks;
        Interval = options.ConfirmationInterval;
        MaxAge = options.DataKeyCache.MaxAge > TimeSpan.Zero ? options.DataKeyCache.MaxAge : Interval;
        Time = time;
        Cache = new FleetCache(cache, time.Clock, Interval, logger, _disposed.Token);
        Work = new SharedWork(_disposed.Token);

        // By its name, because the library does not reference that package.
        if (cache.GetType().Name == "MemoryDistributedCache")
        {
            logger.FleetCacheIsLocal();
        }
    }

    /// <summary>What is being written in the background.</summary>
    public SharedWork Work { get; }

    public FleetCache Cache { get; }

    public AwsTime Time { get; }

    /// <summary>Added to the age of each entry, in ticks.</summary>
    public long Tolerance { get; }

    public TimeSpan Interval { get; }

    /// <summary>The lifetime of entries and of a tenant's settings.</summary>
    public TimeSpan MaxAge { get; }

    /// <summary>The entries of one wrapping key.</summary>
    /// <param name="identity">
    /// All that decides what AWS answers: the owner, credentials, the host's identity, Regions and options. Not the same for two tenants.
    /// </param>
    public FleetKey KeyOf(params ReadOnlySpan<string?> identity) => new(this, SlotsOf("key", identity));

    /// <summary>The version of one tenant's settings.</summary>
    /// <param name="tenant">The canonical name of the tenant.</param>
    public FleetTenant TenantOf(string tenant) => new(this, SlotsOf("tenant", tenant));

    /// <summary>An entry of this instance.</summary>
    public FleetEntry New(long time, byte actions = 0, int region = 0, ByokKeyUnavailableReason reason = default, Guid value = default) =>
        new(time, actions, (byte)region, reason, _instance, value);

    public bool IsOwn(in FleetEntry entry) => entry.Instance == _instance;

    /// <summary>Whether an entry is neither stale nor from the future.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="latest">The latest time that AWS's clock may show now.</param>
    /// <param name="lifetime">The age from which it is stale.</param>
    // Compared before anything is subtracted: a faulty instance may write any number.
    public bool IsRecent(in FleetEntry entry, long latest, TimeSpan lifetime) =>
        entry.Time <= latest + Tolerance && entry.Time > latest - lifetime.Ticks;

    /// <summary>Reads entries of some kinds, under all secrets.</summary>
    /// <returns>
    /// By secret, then by kind: the entry, or null if there is no authentic one. Null if the cache did not answer.
    /// </returns>
    public async Task<FleetEntry?[]?> ReadAsync(Slot[] slots, EntryKind[] kinds)
    {
        var names = new string[slots.Length * kinds.Length];
        for (var i = 0; i < names.Length; i++)
        {
            names[i] = NameOf(kinds[i % kinds.Length], slots[i / kinds.Length]);
        }

        if (await Cache.GetAsync(names).ConfigureAwait(false) is not { } found)
        {
            return null;
        }

        var entries = new FleetEntry?[names.Length];
        for (var i = 0; i < names.Length; i++)
        {
            var slot = slots[i / kinds.Length];
            if (found[i] is not { } bytes)
            {
                continue;
            }

            if (slot.Secret.TryOpen(kinds[i % kinds.Length], slot.Id, bytes, out var entry))
            {
                entries[i] = entry;
            }
            else if (Interlocked.Exchange(ref _forged, 1) == 0)
            {
                // Once per process: a hostile cache must not fill the log.
                _logger.FleetEntryForged();
            }
        }

        return entries;
    }

    /// <summary>Writes an entry under the first secret.</summary>
    public Task<bool> WriteAsync(Slot[] slots, EntryKind kind, FleetEntry entry, TimeSpan lifetime, bool isUrgent = false) =>
        Cache.SetAsync(NameOf(kind, slots[0]), slots[0].Secret.Seal(kind, slots[0].Id, entry), lifetime, isUrgent);

    /// <summary>Writes an entry in the background.</summary>
    public void Write(Slot[] slots, EntryKind kind, FleetEntry entry, TimeSpan lifetime)
    {
        if (!_disposed.IsCancellationRequested)
        {
            _ = Work.Start(() => WriteAsync(slots, kind, entry, lifetime));
        }
    }

    public void Dispose()
    {
        _disposed.Cancel();
        Cache.Dispose();
    }

    /// <summary>The bytes of a list of texts. Different lists have different bytes.</summary>
    internal static byte[] Encode(string purpose, ReadOnlySpan<string?> texts)
    {
        string?[] all = [purpose, .. texts];

        // One array, so that no copy is left behind: the caller erases it.
        var bytes = new byte[all.Sum(static text => sizeof(int) + Encoding.UTF8.GetByteCount(text ?? ""))];
        var rest = bytes.AsSpan();
        foreach (var text in all)
        {
            // The length in front separates the texts. No text has the length -1, which stands for null.
            var length = Encoding.UTF8.GetBytes(text, rest[sizeof(int)..]);
            BinaryPrimitives.WriteInt32BigEndian(rest, text is null ? -1 : length);
            rest = rest[(sizeof(int) + length)..];
        }

        return bytes;
    }

    /// <summary>A place for entries about something else.</summary>
    /// <param name="purpose">What the entries are about.</param>
    /// <param name="identity">What they belong to.</param>
    public Slot[] SlotsOf(string purpose, params ReadOnlySpan<string?> identity) => SlotsOf(Encode(purpose, identity));

    private Slot[] SlotsOf(byte[] identity)
    {
        // The identity contains the secret access key of a customer.
        var slots = Array.ConvertAll(_secrets, secret => new Slot(secret, secret.SlotOf(identity)));
        CryptographicOperations.ZeroMemory(identity);
        return slots;
    }

    private static string NameOf(EntryKind kind, Slot slot) => $"byok:1:{(int)kind}:{Convert.ToHexString(slot.Id)}";

    /// <summary>The place of a wrapping key's or a tenant's entries under one secret.</summary>
    internal sealed record Slot(FleetSecret Secret, byte[] Id);
}
