using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Security.Cryptography;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// The public key of a signed message: a point of P-384, compressed (SEC 1, section 2.3.3: 02 or 03 for the parity of y, then x) and in
/// base64 in the encryption context. It is created for one message, and proves only that one writer wrote all of it.
/// </summary>
internal sealed class SignatureKey
{
    private const int CoordinateLength = 48;
    private const int CompressedLength = 1 + CoordinateLength;
    private const int EncodedLength = (CompressedLength + 2) / 3 * 4;

    // FIPS 186-4, D.1.2.4: y² = x³ - 3x + b modulo p.
    private static readonly BigInteger Prime =
        (BigInteger.One << 384) - (BigInteger.One << 128) - (BigInteger.One << 96) + (BigInteger.One << 32) - 1;

    private static readonly BigInteger B = new(
        Convert.FromHexString("b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef"),
        isUnsigned: true,
        isBigEndian: true);

    private readonly ECPoint _point;

    private SignatureKey(ECPoint point) => _point = point;

    /// <summary>Reads the key from a value of the encryption context; false if it is not a key.</summary>
    public static bool TryParse(ReadOnlySpan<byte> value, [NotNullWhen(true)] out SignatureKey? key)
    {
        key = null;
        Span<byte> compressed = stackalloc byte[CompressedLength + 2];
        if (value.Length != EncodedLength
            || Base64.DecodeFromUtf8(value, compressed, out var consumed, out var written) != OperationStatus.Done
            || consumed != value.Length
            || written != CompressedLength
            || compressed[0] is not (2 or 3))
        {
            return false;
        }

        ReadOnlySpan<byte> abscissa = compressed.Slice(1, CoordinateLength);
        if (!TryFindOrdinate(
            new BigInteger(abscissa, isUnsigned: true, isBigEndian: true), odd: compressed[0] == 3, out var ordinate))
        {
            return false;
        }

        var y = new byte[CoordinateLength];
        var bytes = ordinate.ToByteArray(isUnsigned: true, isBigEndian: true);
        bytes.CopyTo(y, CoordinateLength - bytes.Length);
        key = new SignatureKey(new ECPoint { X = abscissa.ToArray(), Y = y });
        return true;
    }

    /// <summary>Whether the signature, an ECDSA-Sig-Value in DER, is valid for a SHA-384 hash.</summary>
    public bool Verifies(ReadOnlySpan<byte> hash, ReadOnlySpan<byte> signature)
    {
        try
        {
            using var ecdsa = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP384, Q = _point });
            return ecdsa.VerifyHash(hash, signature, DSASignatureFormat.Rfc3279DerSequence);
        }
        catch (CryptographicException)
        {
            return false; // some platforms throw for bytes that are not a signature at all
        }
    }

    // p is 3 modulo 4, so a root, if there is one, is the ((p + 1) / 4)th power.
    private static bool TryFindOrdinate(BigInteger x, bool odd, out BigInteger y)
    {
        var square = (BigInteger.ModPow(x, 3, Prime) + (Prime - 3) * x + B) % Prime;
        y = BigInteger.ModPow(square, (Prime + 1) / 4, Prime);
        if (x >= Prime || y.IsZero || y * y % Prime != square)
        {
            return false;
        }

        y = y.IsEven == odd ? Prime - y : y;
        return true;
    }
}
