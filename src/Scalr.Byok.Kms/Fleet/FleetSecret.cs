using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Scalr.Byok.Kms.Fleet;

/// <summary>Names and authenticates entries with keys that are derived from one secret of the host.</summary>
/// <remarks>
/// An entry has 78 bytes: format version 1, kind 1, time 8, actions 1, Region 1, reason 1, zero 1, instance 16, value 16, tag 32. Numbers
/// are big-endian. The tag is HMAC-SHA-256 of the other bytes and the slot. So an entry opens only as what it was written for: under the
/// same secret, in the same slot, as the same kind.
/// </remarks>
internal sealed class FleetSecret
{
    public const int EntryLength = ContentLength + TagLength;
    public const int SlotLength = 32;

    private const byte Format = 1;
    private const int ContentLength = 46;
    private const int TagLength = 32;

    private readonly byte[] _slotKey;
    private readonly byte[] _entryKey;

    /// <param name="secret">The secret; copied.</param>
    public FleetSecret(ReadOnlySpan<byte> secret)
    {
        _slotKey = Derive(secret, "Scalr.Byok.Kms fleet slot 1"u8);
        _entryKey = Derive(secret, "Scalr.Byok.Kms fleet entry 1"u8);
    }

    /// <summary>The slot of a wrapping key or a tenant. Does not reveal the identity.</summary>
    /// <param name="identity">Unambiguous bytes (<see cref="FleetSharing.Encode"/>).</param>
    public byte[] SlotOf(ReadOnlySpan<byte> identity) => HMACSHA256.HashData(_slotKey, identity);

    /// <summary>The bytes of an entry.</summary>
    public byte[] Seal(EntryKind kind, ReadOnlySpan<byte> slot, in FleetEntry entry)
    {
        var bytes = new byte[EntryLength];
        bytes[0] = Format;
        bytes[1] = (byte)kind;
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(2), entry.Time);
        bytes[10] = entry.Actions;
        bytes[11] = entry.Region;
        bytes[12] = (byte)entry.Reason;
        entry.Instance.TryWriteBytes(bytes.AsSpan(14), bigEndian: true, out _);
        entry.Value.TryWriteBytes(bytes.AsSpan(30), bigEndian: true, out _);
        Tag(bytes.AsSpan(0, ContentLength), slot, bytes.AsSpan(ContentLength));
        return bytes;
    }

    /// <summary>Reads an entry. False for everything that <see cref="Seal"/> did not make for this kind and slot.</summary>
    public bool TryOpen(EntryKind kind, ReadOnlySpan<byte> slot, ReadOnlySpan<byte> found, out FleetEntry entry)
    {
        entry = default;

        // Trust boundary: the cache may contain anything. Nothing is parsed before length and tag are checked. Copied, because the cache
        // may use its array again meanwhile.
        Span<byte> tag = stackalloc byte[TagLength];
        Span<byte> bytes = stackalloc byte[EntryLength];
        if (found.Length != EntryLength)
        {
            return false;
        }

        found.CopyTo(bytes);

        Tag(bytes[..ContentLength], slot, tag);
        if (!CryptographicOperations.FixedTimeEquals(tag, bytes[ContentLength..]) || bytes[0] != Format || bytes[1] != (byte)kind)
        {
            return false;
        }

        entry = new FleetEntry(
            BinaryPrimitives.ReadInt64BigEndian(bytes[2..]),
            bytes[10],
            bytes[11],
            (ByokKeyUnavailableReason)bytes[12],
            new Guid(bytes.Slice(14, 16), bigEndian: true),
            new Guid(bytes.Slice(30, 16), bigEndian: true));
        return true;
    }

    /// <summary>The type's name: the keys are secret.</summary>
    public override string ToString() => nameof(FleetSecret);

    private void Tag(ReadOnlySpan<byte> content, ReadOnlySpan<byte> slot, Span<byte> tag)
    {
        // Both parts have fixed lengths, so their concatenation is unambiguous.
        Span<byte> all = stackalloc byte[ContentLength + SlotLength];
        content.CopyTo(all);
        slot.CopyTo(all[ContentLength..]);
        HMACSHA256.HashData(_entryKey, all, tag);
    }

    private static byte[] Derive(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> purpose)
    {
        var key = new byte[32];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, key, salt: default, purpose);
        return key;
    }
}
