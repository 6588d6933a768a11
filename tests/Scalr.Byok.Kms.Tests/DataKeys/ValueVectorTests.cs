using System.Text;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.DataKeys;

/// <summary>
/// The bytes of a value are those that ARCHITECTURE.md shows, which were computed by another implementation (Python, from the text alone).
/// </summary>
internal sealed class ValueVectorTests
{
    private static readonly byte[] Nonce = [.. Enumerable.Range(0x40, 24).Select(i => (byte)i)];

    /// <summary>Values that the library wrote before it wrote values in series.</summary>
    private static readonly string[] OldValues =
    [
        "011e64872f98783eb9c54e94ac3df49437305b25431c709b8f9cd3b53aa3b089a715610602da1972fe79d181040df5107258d2317f9ba42fe01ca8",
        "011e64872f98783eec372e98c9370929485b19c9addd74a837850334fb583488ca746a532055a5828469728b4b85267eea8dce2f1d04230289615c",
    ];

    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    [Test]
    public void Value_of_a_tenant_bound_to_its_place() =>
        AssertIs("acme", "db password"u8, ByokAssociatedData.For("variables", "value", "42"), example: 0);

    [Test]
    public void Nothing_of_nobody() => AssertIs("", default, ByokAssociatedData.None, example: 1);

    [Test]
    public void Values_that_were_written_before_series_open()
    {
        using var key = Open("");

        foreach (var value in OldValues)
        {
            Assert.That(
                key.DecryptText(Convert.FromHexString(value), ByokAssociatedData.For("variables", "value", "42")),
                Is.EqualTo("db password"));
        }
    }

    private static ByokDataKey Open(string tenant)
    {
        using var secret = DataKey.CopyFrom(Key);
        return new ByokDataKey(default, ValueCipher.Derive(secret, Encoding.UTF8.GetBytes(tenant)), open: null);
    }

    private static void AssertIs(string tenant, ReadOnlySpan<byte> value, ByokAssociatedData place, int example)
    {
        var rows = File.ReadAllLines(Repository.Path("ARCHITECTURE.md"))
            .Where(line => line.StartsWith("| `01` |", StringComparison.Ordinal)).Skip(1).ToList();
        Assert.That(rows, Has.Count.EqualTo(2));
        var expected = rows[example].Replace("|", "", StringComparison.Ordinal).Replace("`", "", StringComparison.Ordinal).Replace(
            " ", "", StringComparison.Ordinal);
        using var key = Open(tenant);

        Assert.That(
            Convert.ToHexStringLower(PlainXaes.SealValue(Key, tenant, Nonce, value, place.ToArray())),
            Is.EqualTo(expected),
            "the plain implementation");
        Assert.That(key.Decrypt(Convert.FromHexString(expected), place), Is.EqualTo(value.ToArray()));
        Assert.That(PlainXaes.OpenValue(Key, tenant, key.Encrypt(value, place), place.ToArray()), Is.EqualTo(value.ToArray()));
    }
}
