using System.Diagnostics;
using System.Numerics;

namespace Scalr.Byok.Kms.Keys;

/// <summary>
/// Reads a key ARN from UTF-16 or UTF-8 in one pass over the text and without allocating; what is wrong comes back as a value.
/// <code>
/// arn : partition : kms : Region : account : key/id        exactly six parts
/// </code>
/// The mistake that explains most is reported first, so the alias and the foreign service come before the parts in their order.
/// </summary>
internal static class KmsKeyArnReader
{
    public const int AccountLength = 12;
    private const int PartCount = 6;
    private const string AliasPrefix = "alias/";
    private const string KeyPrefix = "key/";

    public static KmsKeyArnComplaint Read<T>(ReadOnlySpan<T> text, out KmsKeyArn arn) where T : unmanaged, IBinaryInteger<T>
    {
        arn = default;
        if (text.IsEmpty)
        {
            return new(KmsKeyArnFault.Empty, ..);
        }

        if (IsSpace(text[0]) || IsSpace(text[^1]))
        {
            return new(IsBlank(text) ? KmsKeyArnFault.Blank : KmsKeyArnFault.SurroundingSpace, ..);
        }

        if (!text.Begins(AsciiText.Arn))
        {
            return new(WithoutPrefix(text), ..);
        }

        Span<Range> parts = stackalloc Range[PartCount];
        int count = Split(text, parts);
        if (count > 2 && !text[parts[2]].Is("kms"))
        {
            return new(KmsKeyArnFault.Service, parts[2]);
        }

        if (count < PartCount)
        {
            return new(KmsKeyArnFault.TooFewParts, ..);
        }

        if (text[parts[5]].Begins(AliasPrefix))
        {
            return new(KmsKeyArnFault.AliasArn, parts[5]);
        }

        return ReadParts(text, parts, out arn);
    }

    private static KmsKeyArnComplaint ReadParts<T>(ReadOnlySpan<T> text, ReadOnlySpan<Range> parts, out KmsKeyArn arn) where T : unmanaged, IBinaryInteger<T>
    {
        Debug.Assert(parts.Length == PartCount, "The caller has counted the parts.");
        arn = default;
        if (!AwsPartitions.TryParse(text[parts[1]], out AwsPartition partition))
        {
            return new(KmsKeyArnFault.Partition, parts[1]);
        }

        if (!AwsRegion.TryParse(text[parts[3]], out AwsRegion region) || region.Partition != partition)
        {
            return new(KmsKeyArnFault.Region, parts[3], partition);
        }

        if (!TryReadAccount(text[parts[4]], out long account))
        {
            return new(KmsKeyArnFault.Account, parts[4]);
        }

        if (!text[parts[5]].Begins(KeyPrefix))
        {
            return new(KmsKeyArnFault.Resource, parts[5]);
        }

        Range idPart = (parts[5].Start.Value + KeyPrefix.Length)..;
        ReadOnlySpan<T> id = text[idPart];
        if (!KmsKeyId.TryParse(id, ignoreCase: false, out KmsKeyId keyId))
        {
            return new(WrongKeyId(id), idPart);
        }

        arn = new KmsKeyArn(region, account, keyId);
        return default;
    }

    /// <summary>Cuts at the first five colons; the last part keeps all others. Returns the number of parts.</summary>
    private static int Split<T>(ReadOnlySpan<T> text, Span<Range> parts) where T : unmanaged, IBinaryInteger<T>
    {
        int start = 0;
        for (int i = 0; i < parts.Length - 1; i++)
        {
            int length = text[start..].IndexOf(T.CreateTruncating(':'));
            if (length < 0)
            {
                parts[i] = start..text.Length;
                return i + 1;
            }

            parts[i] = start..(start + length);
            start += length + 1;
        }

        parts[^1] = start..text.Length;
        return parts.Length;
    }

    private static bool TryReadAccount<T>(ReadOnlySpan<T> text, out long account) where T : unmanaged, IBinaryInteger<T>
    {
        account = 0;
        if (text.Length != AccountLength)
        {
            return false;
        }

        foreach (T unit in text)
        {
            if (!unit.IsDigit())
            {
                return false;
            }

            account = (account * 10) + (unit.ToChar() - '0');
        }

        return true;
    }

    private static KmsKeyArnFault WithoutPrefix<T>(ReadOnlySpan<T> text) where T : unmanaged, IBinaryInteger<T>
    {
        if (text.Begins(AliasPrefix))
        {
            return KmsKeyArnFault.AliasName;
        }

        ReadOnlySpan<T> id = text.Begins(KeyPrefix) ? text[KeyPrefix.Length..] : text;
        return KmsKeyId.TryParse(id, ignoreCase: true, out _) || KmsKeyId.BeginsMultiRegion(id, ignoreCase: true)
            ? KmsKeyArnFault.KeyIdAlone
            : KmsKeyArnFault.NotAnArn;
    }

    private static KmsKeyArnFault WrongKeyId<T>(ReadOnlySpan<T> id) where T : unmanaged, IBinaryInteger<T>
    {
        if (id.Length > KmsKeyId.Length && KmsKeyId.TryParse(id[..KmsKeyId.Length], ignoreCase: true, out _))
        {
            switch (id[KmsKeyId.Length].ToChar())
            {
                case '/':
                    return KmsKeyArnFault.TrailingPath;
                case ':':
                    return KmsKeyArnFault.TooManyParts;
            }
        }

        if (KmsKeyId.TryParse(id, ignoreCase: true, out _))
        {
            return KmsKeyArnFault.UpperCaseKeyId;
        }

        return KmsKeyId.BeginsMultiRegion(id, ignoreCase: true) ? KmsKeyArnFault.MultiRegionKeyId : KmsKeyArnFault.KeyId;
    }

    private static bool IsBlank<T>(ReadOnlySpan<T> text) where T : unmanaged, IBinaryInteger<T>
    {
        foreach (T unit in text)
        {
            if (!IsSpace(unit))
            {
                return false;
            }
        }

        return true;
    }

    // A byte beyond ASCII is a piece of a UTF-8 character, not the Latin-1 space of the same number.
    private static bool IsSpace<T>(T unit) where T : unmanaged, IBinaryInteger<T>
        => char.IsWhiteSpace(unit.ToChar()) && (typeof(T) != typeof(byte) || unit.ToChar() < 128);
}
