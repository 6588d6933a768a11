using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>Compares key settings in all fields, secrets included. Holds only a hash of them.</summary>
internal readonly struct SettingsIdentity : IEquatable<SettingsIdentity>
{
    // The hash. Not as two UInt128: .NET compiles no method ahead of time that uses a structure with such a field.
    private readonly ulong _first;
    private readonly ulong _second;
    private readonly ulong _third;
    private readonly ulong _fourth;

    private SettingsIdentity(ReadOnlySpan<byte> hash)
    {
        _first = BinaryPrimitives.ReadUInt64BigEndian(hash);
        _second = BinaryPrimitives.ReadUInt64BigEndian(hash[8..]);
        _third = BinaryPrimitives.ReadUInt64BigEndian(hash[16..]);
        _fourth = BinaryPrimitives.ReadUInt64BigEndian(hash[24..]);
    }

    /// <summary>The identity of validated settings.</summary>
    public static SettingsIdentity Of(ByokKeySettings settings)
    {
        // Not of their JSON: the serializer's start takes longer than the rest of a ring's creation.
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(hash, settings.KeyArn, settings.Credentials);
        Add(hash, settings.ReplicaRegions?.Count ?? 0);
        foreach (var region in settings.ReplicaRegions ?? [])
        {
            Add(hash, region);
        }

        Add(hash, settings.PreviousKeys?.Count ?? 0);
        foreach (var key in settings.PreviousKeys ?? [])
        {
            Add(hash, key?.KeyArn, key?.Credentials);
        }

        return new(hash.GetHashAndReset());
    }

    public bool Equals(SettingsIdentity other)
        => _first == other._first && _second == other._second && _third == other._third && _fourth == other._fourth;

    public override bool Equals(object? obj) => obj is SettingsIdentity other && Equals(other);

    public override int GetHashCode() => unchecked((int)_first);

    private static void Add(IncrementalHash hash, string? keyArn, ByokCredentialSettings? credentials)
    {
        Add(hash, keyArn);
        Add(hash, credentials?.Type);
        Add(hash, credentials?.AccessKeyId);
        Add(hash, credentials?.SecretAccessKey);
        Add(hash, credentials?.RoleArn);
        Add(hash, credentials?.ExternalId);
        Add(hash, credentials?.Audience);
    }

    private static void Add(IncrementalHash hash, string? text)
    {
        // The length first, so that no two lists of texts have the same bytes. No text has the length -1.
        Add(hash, text?.Length ?? -1);
        hash.AppendData(MemoryMarshal.AsBytes(text.AsSpan()));
    }

    private static void Add(IncrementalHash hash, int number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(bytes, number);
        hash.AppendData(bytes);
    }
}
