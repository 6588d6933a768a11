using System.Security.Cryptography;

namespace Scalr.Byok.Kms.Fleet;

/// <summary>The version of one tenant's settings, which <c>Invalidate</c> changes in the host's cache.</summary>
/// <remarks>
/// A version is random and has no order. A version that differs from the known one makes an instance read the store again, nothing else. So
/// a replayed version costs a read, and a version that is missing is found when the settings expire.
/// </remarks>
internal sealed class FleetTenant
{
    private static readonly EntryKind[] Kinds = [EntryKind.Version];

    private readonly FleetSharing _fleet;
    private readonly FleetSharing.Slot[] _slots;

    public FleetTenant(FleetSharing fleet, FleetSharing.Slot[] slots)
    {
        _fleet = fleet;
        _slots = slots;
    }

    /// <summary>Reads the versions.</summary>
    /// <returns>One for each secret, null where there is none. Null if the cache did not answer.</returns>
    public async Task<Guid?[]?> ReadAsync() => await _fleet.ReadAsync(_slots, Kinds).ConfigureAwait(false) is { } entries
        ? Array.ConvertAll(entries, entry => entry?.Value)
        : null;

    /// <summary>Writes a new version. Tries even shortly after a failure of the cache.</summary>
    /// <returns>Whether the cache confirmed it.</returns>
    public Task<bool> PublishAsync() => _fleet.WriteAsync(
        _slots,
        EntryKind.Version,
        _fleet.New(time: 0, value: new Guid(RandomNumberGenerator.GetBytes(16))),
        _fleet.MaxAge,
        isUrgent: true);
}
