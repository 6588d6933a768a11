using System.Buffers.Binary;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>
/// The attack on two AES-GCM tags under one key and IV ("forbidden attack", Joux 2006; NIST SP 800-38D, appendix A). Needs no key. Without
/// content, the sum of two tags is a polynomial of the authentication key, whose coefficients are the associated data. So the
/// authentication key is one of its roots.
/// </summary>
internal static class GcmForgery
{
    private const int FieldBits = 128;
    private const ulong Reduction = 0xe1UL << 56; // x^128 = x^7 + x^2 + x + 1

    // In GCM's order of bits, the first bit of the first byte is the coefficient of x^0.
    private static readonly UInt128 One = UInt128.One << (FieldBits - 1);

    /// <summary>The authentication keys under which both tags are possible.</summary>
    public static IReadOnlyList<UInt128> FindAuthenticationKeys(byte[] data, byte[] tag, byte[] otherData, byte[] otherTag)
    {
        var (one, two) = (Blocks(data), Blocks(otherData));
        var sum = new UInt128[Math.Max(one.Length, two.Length) + 1];
        for (var power = 1; power < sum.Length; power++)
        {
            sum[power] = (power <= one.Length ? one[^power] : 0) ^ (power <= two.Length ? two[^power] : 0);
        }

        sum[0] = Read(tag) ^ Read(otherTag);
        List<UInt128> roots = [];
        FindRoots(ProductOfRoots(Monic(sum)), roots, seed: 1);
        return roots;
    }

    /// <summary>Corrects the tag of a frame with one block of content, whose lowest bit in the first byte was flipped.</summary>
    public static void Correct(Span<byte> tag, UInt128 authenticationKey)
    {
        // The block of content comes before the block of lengths, so its power is 2.
        var flipped = UInt128.One << (FieldBits - 8);
        BinaryPrimitives.WriteUInt128BigEndian(
            tag, Read(tag) ^ Multiply(flipped, Multiply(authenticationKey, authenticationKey)));
    }

    /// <summary>The blocks of GHASH for associated data without content, the block of lengths last.</summary>
    private static UInt128[] Blocks(byte[] data)
    {
        var padded = new byte[(data.Length + 15) / 16 * 16];
        data.CopyTo(padded, 0);
        return [.. padded.Chunk(16).Select(block => Read(block)), (UInt128)(ulong)data.Length * 8 << 64];
    }

    private static UInt128 Read(ReadOnlySpan<byte> block) => BinaryPrimitives.ReadUInt128BigEndian(block);

    private static UInt128 Multiply(UInt128 x, UInt128 y)
    {
        // On two words without branches: UInt128 is several times slower.
        var (high, low) = ((ulong)(y >> 64), (ulong)(y & ulong.MaxValue));
        ulong productHigh = 0, productLow = 0;
        for (var half = 0; half < 2; half++)
        {
            var word = (ulong)(half == 0 ? x >> 64 : x & ulong.MaxValue);
            for (var bit = 0; bit < 64; bit++)
            {
                var mask = unchecked(0 - (word >> 63));
                productHigh ^= high & mask;
                productLow ^= low & mask;
                var carry = unchecked(0 - (low & 1));
                low = (low >> 1) | (high << 63);
                high = (high >> 1) ^ (Reduction & carry);
                word <<= 1;
            }
        }

        return new UInt128(productHigh, productLow);
    }

    private static UInt128 Invert(UInt128 x)
    {
        // x^(2^128 - 2)
        var inverse = One;
        for (var i = 1; i < FieldBits; i++)
        {
            x = Multiply(x, x);
            inverse = Multiply(inverse, x);
        }

        return inverse;
    }

    /// <summary>The greatest common divisor with x^(2^128) - x: the product of one factor for each root.</summary>
    private static UInt128[] ProductOfRoots(UInt128[] polynomial)
    {
        if (polynomial.Length < 2)
        {
            return [One];
        }

        UInt128[] power = [0, One];
        for (var i = 0; i < FieldBits; i++)
        {
            power = Remainder(Square(power), polynomial);
        }

        return CommonDivisor(polynomial, Add(power, [0, One]));
    }

    /// <summary>Splits the product by the trace of multiples of x (Berlekamp): half of the roots have trace 0 for each multiple.</summary>
    private static void FindRoots(UInt128[] product, List<UInt128> roots, int seed)
    {
        if (product.Length <= 1)
        {
            return;
        }

        if (product.Length == 2)
        {
            roots.Add(product[0]); // x + root
            return;
        }

        for (var bit = seed - 1; bit < FieldBits; bit++)
        {
            UInt128[] power = [0, UInt128.One << bit];
            var trace = power;
            for (var i = 1; i < FieldBits; i++)
            {
                power = Remainder(Square(power), product);
                trace = Add(trace, power);
            }

            var divisor = CommonDivisor(product, trace);
            if (divisor.Length > 1 && divisor.Length < product.Length)
            {
                FindRoots(divisor, roots, seed: bit + 2);
                FindRoots(Quotient(product, divisor), roots, seed: bit + 2);
                return;
            }
        }
    }

    private static UInt128[] Square(UInt128[] polynomial)
    {
        var square = new UInt128[Math.Max(1, (2 * polynomial.Length) - 1)];
        for (var i = 0; i < polynomial.Length; i++)
        {
            square[2 * i] = Multiply(polynomial[i], polynomial[i]);
        }

        return square;
    }

    private static UInt128[] Add(UInt128[] one, UInt128[] two)
    {
        var sum = new UInt128[Math.Max(one.Length, two.Length)];
        for (var i = 0; i < sum.Length; i++)
        {
            sum[i] = (i < one.Length ? one[i] : 0) ^ (i < two.Length ? two[i] : 0);
        }

        return Trim(sum);
    }

    private static UInt128[] CommonDivisor(UInt128[] one, UInt128[] two)
    {
        while (two.Length > 0)
        {
            two = Monic(two);
            (one, two) = (two, Remainder(one, two));
        }

        return Monic(one);
    }

    private static UInt128[] Remainder(UInt128[] dividend, UInt128[] monic) => Divide(dividend, monic).Remainder;

    private static UInt128[] Quotient(UInt128[] dividend, UInt128[] monic) => Divide(dividend, monic).Quotient;

    private static (UInt128[] Quotient, UInt128[] Remainder) Divide(UInt128[] dividend, UInt128[] monic)
    {
        UInt128[] rest = [.. dividend];
        var quotient = new UInt128[Math.Max(0, dividend.Length - monic.Length + 1)];
        for (var i = quotient.Length - 1; i >= 0; i--)
        {
            quotient[i] = rest[i + monic.Length - 1];
            for (var j = 0; quotient[i] != 0 && j < monic.Length; j++)
            {
                rest[i + j] ^= Multiply(quotient[i], monic[j]);
            }
        }

        return (Trim(quotient), Trim(rest));
    }

    private static UInt128[] Monic(UInt128[] polynomial)
    {
        polynomial = Trim(polynomial);
        if (polynomial.Length == 0 || polynomial[^1] == One)
        {
            return polynomial;
        }

        var inverse = Invert(polynomial[^1]);
        return Array.ConvertAll(polynomial, coefficient => Multiply(coefficient, inverse));
    }

    private static UInt128[] Trim(UInt128[] polynomial)
    {
        var length = polynomial.Length;
        while (length > 0 && polynomial[length - 1] == 0)
        {
            length--;
        }

        return polynomial[..length];
    }
}
