using System.Security.Cryptography;
using System.Text;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>Compares key settings in all fields, secrets included. Holds only a hash of them.</summary>
internal readonly struct SettingsIdentity : IEquatable<SettingsIdentity>
{
    private const char FirstOfHash = '\u2800';

    private readonly byte[]? _hash;

    private SettingsIdentity(byte[] hash) => _hash = hash;

    /// <summary>The identity of validated settings.</summary>
    public static SettingsIdentity Of(ByokKeySettings settings) => new(Hash(ByokKeySettingsJson.Write(settings, HashSecret)));

    public bool Equals(SettingsIdentity other) => _hash.AsSpan().SequenceEqual(other._hash);

    public override bool Equals(object? obj) => obj is SettingsIdentity other && Equals(other);

    public override int GetHashCode() => _hash is null ? 0 : BitConverter.ToInt32(_hash);

    /// <summary>The hash of a secret, in characters that no secret contains, so that it cannot equal a secret.</summary>
    private static string HashSecret(string secret) => string.Concat(Hash(secret).Select(static value => (char)(FirstOfHash + value)));

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
