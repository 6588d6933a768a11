using System.Security.Cryptography;
using System.Text;
using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms.Tests.DataKeys;

/// <summary>The published test vectors of XAES-256-GCM: https://c2sp.org/XAES-256-GCM, "Test vectors".</summary>
[Category("Slow")]
internal sealed class XaesVectorTests
{
    [TestCase(0x01, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271", TestName = "most significant bit of L is 0")]
    [TestCase(
        0x03,
        "c2sp.org/XAES-256-GCM",
        "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d",
        TestName = "most significant bit of L is 1")]
    public void Encrypt_and_decrypt_as_the_specification_says(byte keyByte, string associatedData, string expected)
    {
        byte[] key = [.. Enumerable.Repeat(keyByte, 32)];
        var (plaintext, additional) = ("XAES-256-GCM"u8.ToArray(), Encoding.ASCII.GetBytes(associatedData));

        Assert.That(Convert.ToHexStringLower(Seal(key, "ABCDEFGHIJKLMNOPQRSTUVWX"u8, plaintext, additional)), Is.EqualTo(expected));
    }

    [TestCase(0x01, "c8612c9ed53fe43e8e005b828a1631a0bbcb6ab2f46514ec4f439fcfd0fa969b")]
    [TestCase(0x03, "e9c621d4cdd9b11b00a6427ad7e559aeedd66b3857646677748f8ca796cb3fd8")]
    public void Derived_key_is_the_specifications(byte keyByte, string expected)
    {
        using var key = DataKey.CopyFrom([.. Enumerable.Repeat(keyByte, 32)]);
        using var subkeys = new XaesSubkeys(key);
        var derived = new byte[32];

        subkeys.Derive("ABCDEFGHIJKL"u8, derived);
        subkeys.Derive("ABCDEFGHIJKL"u8, derived); // it leaves no trace of the first time

        Assert.That(Convert.ToHexStringLower(derived), Is.EqualTo(expected));
    }

    /// <param name="iterations">A million are run where <c>BYOK_XAES_MILLION=1</c> asks for them.</param>
    /// <param name="randomBytes">How much of the random generator's output they use.</param>
    /// <param name="expected">The hash of all ciphertexts.</param>
    [TestCase(10_000, 4_000_000, "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939")]
    [TestCase(1_000_000, 400_000_000, "2163ae1445985a30b60585ee67daa55674df06901b890593e824b8a7c885ab15")]
    public void Accumulated_randomized_tests_give_the_specifications_hash(int iterations, int randomBytes, string expected)
    {
        if (!Shake128.IsSupported)
        {
            Assert.Ignore("The platform has no SHAKE-128 (OpenSSL 1.1.1 or later, or Windows 11).");
        }

        if (iterations > 10_000 && Environment.GetEnvironmentVariable("BYOK_XAES_MILLION") != "1")
        {
            Assert.Ignore("Set BYOK_XAES_MILLION=1 to run a million.");
        }

        var random = Shake128.HashData([], randomBytes);
        var used = 0;
        using var hash = new Shake128();
        for (var i = 0; i < iterations; i++)
        {
            var (key, nonce) = (Next(32), Next(24));
            var plaintext = Next(Next(1)[0]);
            hash.AppendData(Seal(key, nonce, plaintext, Next(Next(1)[0])));
        }

        Assert.That(Convert.ToHexStringLower(random.AsSpan(0, 16)), Is.EqualTo("7f9c2ba4e88f827d616045507605853e"));
        Assert.That(Convert.ToHexStringLower(hash.GetHashAndReset(32)), Is.EqualTo(expected));

        byte[] Next(int count) => random[used..(used += count)];
    }

    /// <summary>
    /// Ciphertext and tag as the plain implementation makes them. The library opens them, and the plain implementation opens the library's.
    /// </summary>
    private static byte[] Seal(byte[] key, ReadOnlySpan<byte> nonce, byte[] plaintext, byte[] associatedData)
    {
        using Xaes256Gcm xaes = new(DataKey.CopyFrom(key));
        var ciphertext = PlainXaes.Seal(key, nonce, plaintext, associatedData);
        var opened = new byte[plaintext.Length];
        if (!xaes.TryDecrypt(nonce, ciphertext.AsSpan(..^16), ciphertext.AsSpan(^16..), opened, associatedData)
            || !opened.AsSpan().SequenceEqual(plaintext))
        {
            Assert.Fail("What the plain implementation encrypted does not open.");
        }

        Span<byte> drawn = stackalloc byte[Xaes256Gcm.NonceLength];
        var written = new byte[ciphertext.Length];
        xaes.Encrypt(now: 0, drawn, plaintext, written.AsSpan(..^16), written.AsSpan(^16..), associatedData);
        if (!PlainXaes.Open(key, drawn, written, associatedData).AsSpan().SequenceEqual(plaintext))
        {
            Assert.Fail("What the library encrypted does not open.");
        }

        return ciphertext;
    }
}
