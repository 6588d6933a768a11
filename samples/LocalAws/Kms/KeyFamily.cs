using System.Security.Cryptography;

namespace LocalAws.Kms;

/// <summary>
/// What a multi-Region key and its replicas share: the key id, the material, and one lock, because deleting a primary depends on its
/// replicas. A single-Region key is a family of one.
/// </summary>
internal sealed class KeyFamily
{
    private readonly List<LocalKey> _members = [];
    private readonly byte[] _material = RandomNumberGenerator.GetBytes(32);

    public KeyFamily(KeyKind kind)
    {
        Kind = kind;
        KeyId = kind.MultiRegion ? "mrk-" + RandomNumberGenerator.GetHexString(32, lowercase: true) : Guid.NewGuid().ToString();
        MaterialId = Convert.ToHexStringLower(SHA256.HashData(_material));
    }

    public Lock Gate { get; } = new();

    public KeyKind Kind { get; }

    public string KeyId { get; }

    public string MaterialId { get; }

    /// <summary>The 256-bit master key. It never leaves the process.</summary>
    public ReadOnlySpan<byte> Material => _material;

    /// <summary>The primary key comes first.</summary>
    public IReadOnlyList<LocalKey> Members => _members;

    public void Add(LocalKey member) => _members.Add(member);
}
