using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>What may stand in the footer of a signed message, and what may not.</summary>
internal sealed class SignatureTests
{
    // The order of P-384's group (FIPS 186-4, D.1.2.4): with (r, s), (r, n - s) is a signature, too.
    private static readonly BigInteger Order = new(
        Convert.FromHexString("ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973"),
        isUnsigned: true,
        isBigEndian: true);

    private static readonly PlainMessage Message = PlainWriter.Signed.Write(Sample.Plaintext);

    private static byte[] Signature => Message.Footer[2..];

    private static IEnumerable<TestCaseData> WrongFooters()
    {
        (var r, var s) = Parts(Signature);
        var signed = Message.Bytes[..^Message.Footer.Length];
        yield return Case("nothing", []);
        yield return Case("half a length", [0]);
        yield return Case("a length of 0", [0, 0]);
        yield return Case("a length of 0 and the signature", [0, 0, .. Signature]);
        yield return Case("a length without a signature", Message.Footer[..2]);
        yield return Case("a length that is one too much", [.. PlainWriter.Number(Signature.Length + 1, 2), .. Signature]);
        yield return Case("a length that is one too little", [.. PlainWriter.Number(Signature.Length - 1, 2), .. Signature]);
        yield return Case("the longest length", [0xff, 0xff, .. Signature]);
        yield return Case("the longest footer", PlainWriter.Counted([.. Signature, .. new byte[65_535 - Signature.Length]]));
        yield return Case("the signature twice", [.. Message.Footer, .. Message.Footer]);
        yield return Case("no length", Signature);

        yield return Case("a signature by another key", Sign(PlainWriter.OtherSigner, signed));
        yield return Case("a signature of the header only", Sign(PlainWriter.DefaultSigner, Message.Header));
        yield return Case("a signature of the body only", Sign(PlainWriter.DefaultSigner, signed[Message.Header.Length..]));
        yield return Case("a signature of all but the last byte", Sign(PlainWriter.DefaultSigner, signed[..^1]));
        yield return Case("a signature of all but the first byte", Sign(PlainWriter.DefaultSigner, signed[1..]));
        yield return Case("a signature of nothing", Sign(PlainWriter.DefaultSigner, []));
        yield return Case("a signature of the plaintext", Sign(PlainWriter.DefaultSigner, Sample.Plaintext));
        yield return Case("a signature with SHA-256", PlainWriter.Counted(
            PlainWriter.DefaultSigner.SignData(signed, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)));

        yield return Case("r and s without DER", PlainWriter.Counted(
            PlainWriter.DefaultSigner.SignData(signed, HashAlgorithmName.SHA384, DSASignatureFormat.IeeeP1363FixedFieldConcatenation)));
        yield return Case("DER with a byte behind it", PlainWriter.Counted([.. Signature, 0]));
        yield return Case("DER with a byte behind s, inside", PlainWriter.Counted([0x30, (byte)(Signature[1] + 1), .. Signature[2..], 0]));
        yield return Case("DER with its length in two bytes", PlainWriter.Counted([0x30, 0x81, .. Signature[1..]]));
        yield return Case("DER with an indefinite length", PlainWriter.Counted([0x30, 0x80, .. Signature[2..], 0, 0]));
        yield return Case("DER with a zero too many before r", PlainWriter.Counted(
            [0x30, (byte)(Signature[1] + 1), 0x02, (byte)(Signature[3] + 1), 0, .. Signature[4..]]));
        yield return Case("DER of another type", PlainWriter.Counted([0x31, .. Signature[1..]]));
        yield return Case("r and s exchanged", Der(s, r));
        yield return Case("r = s = 0", Der(0, 0));
        yield return Case("r = 0", Der(0, s));
        yield return Case("s = 0", Der(r, 0));
        yield return Case("r + n", Der(r + Order, s));
        yield return Case("s + n", Der(r, s + Order));
        yield return Case("-s", Der(r, -s));
        yield return Case("r = s = n", Der(Order, Order));

        static TestCaseData Case(string what, byte[] footer) => new TestCaseData(footer).SetArgDisplayNames(what);

        static byte[] Sign(ECDsa signer, byte[] bytes) =>
            PlainWriter.Counted(signer.SignData(bytes, HashAlgorithmName.SHA384, DSASignatureFormat.Rfc3279DerSequence));
    }

    [TestCaseSource(nameof(WrongFooters))]
    public async Task Read_refuses_a_footer_that_is_not_the_signature_of_all_before_it(byte[] footer)
    {
        byte[] changed = [.. Message.Bytes[..^Message.Footer.Length], .. footer];

        foreach (var reading in Reading.All)
        {
            await reading.AssertRefusedAsync(changed, Message, $"{reading}", new ByokDecryptionException().Message);
        }
    }

    [Test]
    public async Task Read_accepts_a_signature_with_either_s([ValueSource(typeof(Reading), nameof(Reading.All))] Reading reading)
    {
        (var r, var s) = Parts(Signature);

        Assert.That(await reading.ReadAsync(With(Der(r, s))), Is.EqualTo(Sample.Plaintext));
        Assert.That(await reading.ReadAsync(With(Der(r, Order - s))), Is.EqualTo(Sample.Plaintext));

        static byte[] With(byte[] footer) => [.. Message.Bytes[..^Message.Footer.Length], .. footer];
    }

    [Test]
    [Category("Slow")]
    public async Task Read_refuses_a_signature_with_any_bit_changed()
    {
        var start = Message.Bytes.Length - Message.Footer.Length;
        // In Debug every fifth, which leaves no byte out.
        for (var bit = 0; bit < 8 * Message.Footer.Length; bit += Repetitions.Of(debug: 5, release: 1))
        {
            byte[] changed = [.. Message.Bytes];
            changed[start + (bit / 8)] ^= (byte)(1 << (bit % 8));

            await Reading.All[0].AssertRefusedAsync(changed, Message, $"bit {bit}");
        }
    }

    [Test]
    public async Task Read_refuses_the_body_of_another_message_of_the_same_writer(
        [ValueSource(typeof(Reading), nameof(Reading.All))] Reading reading)
    {
        // All tags are right and all frames in order, as any reader of the first message, who has the data key, could make them.
        var forged = PlainWriter.Signed.Write(Sample.Plaintext.Reverse().ToArray());

        await reading.AssertRefusedAsync(
            Message.With([.. Message.Frames[..^1], forged.Frames[^1]]), Message, "another last frame, of the same length");
    }

    private static (BigInteger R, BigInteger S) Parts(byte[] signature)
    {
        var sequence = new AsnReader(signature, AsnEncodingRules.DER).ReadSequence();
        return (sequence.ReadInteger(), sequence.ReadInteger());
    }

    private static byte[] Der(BigInteger r, BigInteger s)
    {
        AsnWriter writer = new(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(r);
            writer.WriteInteger(s);
        }

        return PlainWriter.Counted(writer.Encode());
    }
}
