using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>The public key in the encryption context of a signed message.</summary>
internal sealed class SignatureKeyTests
{
    private static readonly BigInteger Prime = Number(
        Convert.FromHexString("fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff"));

    private static readonly BigInteger B = Number(
        Convert.FromHexString("b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef"));

    private static string Good => PlainWriter.Signed.PublicKey!;

    private static byte[] Point => Convert.FromBase64String(Good);

    private static IEnumerable<TestCaseData> WrongKeys()
    {
        var whole = PlainWriter.DefaultSigner.ExportParameters(false).Q;
        using var small = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var onCurve = Abscissas(isOnCurve: true).First();
        yield return Case("nothing", "");
        yield return Case("no base64", new string('!', 68));
        yield return Case("base64 without its padding", Good.TrimEnd('='));
        yield return Case("base64 with a blank behind it", Good + " ");
        yield return Case("base64 with a blank in it", Good[..60] + " " + Good[60..67]);
        yield return Case(
            "base64 for URLs", Convert.ToBase64String([2, .. Enumerable.Repeat((byte)0xfb, 48)]).Replace('+', '-').Replace('/', '_'));
        yield return Case("hexadecimal digits", Convert.ToHexString(Point));
        yield return Case("the point at infinity", Convert.ToBase64String([0]));
        yield return Case("the point at infinity, in full length", Convert.ToBase64String(new byte[49]));
        yield return Case("an uncompressed point", Convert.ToBase64String([4, .. whole.X!, .. whole.Y!]));
        yield return Case("a hybrid point", Convert.ToBase64String([6, .. whole.X!, .. whole.Y!]));
        yield return Case("an uncompressed point, cut", Convert.ToBase64String([4, .. whole.X!]));
        yield return Case("a point without its parity", Convert.ToBase64String(whole.X!));
        yield return Case("a point with another first byte", Convert.ToBase64String([5, .. whole.X!]));
        yield return Case("a point of P-256", PlainWriter.Compressed(small));
        yield return Case("a point and a byte", Convert.ToBase64String([.. Point, 0]));
        yield return Case("a point less a byte", Convert.ToBase64String(Point[..^1]));
        yield return Case("x of no point", Convert.ToBase64String([2, .. Bytes(Abscissas(isOnCurve: false).First(), 48)]));
        yield return Case("x of no point, odd", Convert.ToBase64String([3, .. Bytes(Abscissas(isOnCurve: false).First(), 48)]));
        yield return Case("x + p", Convert.ToBase64String([2, .. Bytes(onCurve + Prime, 48)]));
        yield return Case("x = p", Convert.ToBase64String([2, .. Bytes(Prime, 48)]));
        yield return Case("the largest x", Convert.ToBase64String([2, .. Enumerable.Repeat((byte)0xff, 48)]));

        static TestCaseData Case(string what, string value) => new TestCaseData(value).SetArgDisplayNames(what);
    }

    [TestCaseSource(nameof(WrongKeys))]
    public async Task Read_says_that_a_public_key_is_none(string value) =>
        await AssertRefusedAsync(PlainWriter.Signed with { PublicKey = value }, HeaderErrors.SignatureKeyMalformed);

    [Test]
    public async Task Read_says_that_a_public_key_is_missing() =>
        await AssertRefusedAsync(PlainWriter.Signed with { PublicKey = null }, HeaderErrors.SignatureKeyMissing);

    [Test]
    public async Task Read_says_that_a_public_key_has_no_place_in_a_message_that_does_not_sign() =>
        await AssertRefusedAsync(PlainWriter.Framed with { PublicKey = Good }, HeaderErrors.ContextHoldsPublicKey);

    [Test]
    public async Task Read_refuses_the_signature_under_the_point_on_the_other_side(
        [ValueSource(typeof(Reading), nameof(Reading.All))] Reading reading)
    {
        var writer = PlainWriter.Signed with { PublicKey = Convert.ToBase64String([(byte)(Point[0] ^ 1), .. Point[1..]]) };
        var message = writer.Write(Sample.Plaintext);

        Assert.That(Complaint(message.Bytes), Is.Null, "it is a point");
        await reading.AssertRefusedAsync(message.Bytes, message, "another parity", new ByokDecryptionException().Message);
    }

    [Test]
    public async Task Read_refuses_the_signature_under_another_key([ValueSource(typeof(Reading), nameof(Reading.All))] Reading reading)
    {
        var message = (PlainWriter.Signed with { PublicKey = PlainWriter.Compressed(PlainWriter.OtherSigner) }).Write(
            Sample.Plaintext);

        await reading.AssertRefusedAsync(message.Bytes, message, "another key", new ByokDecryptionException().Message);
    }

    [Test]
    public void Verifies_what_any_key_signed()
    {
        // On, until each kind of point has occurred: of both parities, and with a coordinate that begins with a zero byte.
        HashSet<string> wanted = ["even", "odd", "short x", "short y"];
        while (wanted.Count > 0)
        {
            using var signer = ECDsa.Create(ECCurve.NamedCurves.nistP384);
            var point = signer.ExportParameters(false).Q;
            string[] kinds =
                [(point.Y![^1] & 1) == 0 ? "even" : "odd", point.X![0] == 0 ? "short x" : "", point.Y[0] == 0 ? "short y" : ""];
            if (kinds.Any(wanted.Remove))
            {
                var hash = SHA384.HashData(point.X);
                Assert.That(SignatureKey.TryParse(Encoding.ASCII.GetBytes(PlainWriter.Compressed(signer)), out var key), Is.True);
                Assert.That(key!.Verifies(hash, signer.SignHash(hash, DSASignatureFormat.Rfc3279DerSequence)), Is.True);
                Assert.That(key.Verifies(SHA384.HashData([]), signer.SignHash(hash, DSASignatureFormat.Rfc3279DerSequence)), Is.False);
            }
        }
    }

    private static async Task AssertRefusedAsync(PlainWriter writer, string complaint)
    {
        var message = writer.Write(Sample.Plaintext).Bytes;
        SinkStream sink = new();

        Assert.That(Complaint(message), Is.EqualTo(complaint));
        await Assert.ThatAsync(
            () => Streamed.DecryptAsync(new SourceStream(message), sink, Streamed.Options(1)),
            Throws.TypeOf<ByokDecryptionException>().With.Message.EqualTo(complaint));
        Assert.That(sink.Content.Length, Is.Zero);
    }

    private static string? Complaint(byte[] message) =>
        MessageHeader.TryRead(message, Sample.Options, out _, out var complaint) ? null : complaint;

    private static IEnumerable<BigInteger> Abscissas(bool isOnCurve)
    {
        for (BigInteger x = 1; ; x++)
        {
            // Euler's criterion: a square that is not 0 has the ((p - 1) / 2)th power 1.
            if (BigInteger.ModPow(((x * x * x) - (3 * x) + B) % Prime, (Prime - 1) / 2, Prime).IsOne == isOnCurve)
            {
                yield return x;
            }
        }
    }

    private static BigInteger Number(byte[] bytes) => new(bytes, isUnsigned: true, isBigEndian: true);

    private static byte[] Bytes(BigInteger number, int count)
    {
        var bytes = number.ToByteArray(isUnsigned: true, isBigEndian: true);
        return [.. new byte[count - bytes.Length], .. bytes];
    }
}
