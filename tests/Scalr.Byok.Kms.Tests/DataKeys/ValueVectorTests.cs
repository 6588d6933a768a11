using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.DataKeys;

/// <summary>The bytes of a value are those that ARCHITECTURE.md shows, which were computed by another implementation (Python, from the text alone).</summary>
internal sealed class ValueVectorTests
{
    private static readonly byte[] Nonce = [.. Enumerable.Range(0x40, 24).Select(i => (byte)i)];

    [Test]
    public void Value_of_a_tenant_bound_to_its_place() => AssertIs("acme"u8, "db password"u8, ByokAssociatedData.For("variables", "value", "42"), example: 0);

    [Test]
    public void Nothing_of_nobody() => AssertIs(default, default, default, example: 1);

    private static void AssertIs(ReadOnlySpan<byte> tenant, ReadOnlySpan<byte> value, ReadOnlySpan<byte> place, int example)
    {
        var rows = File.ReadAllLines(Repository.Path("ARCHITECTURE.md")).Where(line => line.StartsWith("| `01` |", StringComparison.Ordinal)).Skip(1).ToList();
        Assert.That(rows, Has.Count.EqualTo(2));
        var expected = rows[example].Replace("|", "", StringComparison.Ordinal).Replace("`", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal);
        using var secret = DataKey.CopyFrom([.. Enumerable.Range(0, 32).Select(i => (byte)i)]);
        using var cipher = ValueCipher.Derive(secret, tenant);
        using var key = new ByokDataKey(default, ValueCipher.Derive(secret, tenant), open: null);
        var encrypted = new byte[value.Length + ByokDataKey.Overhead];

        cipher.Encrypt(Nonce, value, place, encrypted);

        Assert.That(Convert.ToHexStringLower(encrypted), Is.EqualTo(expected));
        Assert.That(key.Decrypt(Convert.FromHexString(expected), place), Is.EqualTo(value.ToArray()));
    }
}
