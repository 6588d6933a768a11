using System.Diagnostics;
using System.Numerics;

namespace Scalr.Byok.Kms.Keys;

/// <summary>
/// Parses a key ARN in UTF-16 or UTF-8 in one pass and without allocations. An error is returned as a value.
/// <code>
/// arn : partition : kms : Region : account : key/id        exactly six parts
/// </code>
/// The most helpful error is reported first, so an alias and another service are reported before the parts in their order.
/// </summary>
internal static class KmsKeyArnReader
{
    public const int AccountLength = 12;
    private const int PartCount = 6;
    private const string AliasPrefix = "alias/";
    private const string KeyPrefix = "key/";

    public static KmsKeyArnError Read<T>(ReadOnlySpan<T> text, out KmsKeyArn arn) where T : unmanaged, IBinaryInteger<T>
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
        var count = Split(text, parts);
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

    private static KmsKeyArnError ReadParts<T>(
        ReadOnlySpan<T> text, ReadOnlySpan<Range> parts, out KmsKeyArn arn) where T : unmanaged, IBinaryInteger<T>
    {
        Debug.Assert(parts.Length == PartCount, "The caller has counted the parts.");
        arn = default;
        if (!AwsPartitions.TryParse(text[parts[1]], out var partition))
        {
            return new(KmsKeyArnFault.Partition, parts[1]);
        }

        if (!AwsRegion.TryParse(text[parts[3]], out var region) || region.Partition != partition)
        {
            return new(KmsKeyArnFault.Region, parts[3], partition);
        }

        if (!TryReadAccount(text[parts[4]], out var account))
        {
            return new(KmsKeyArnFault.Account, parts[4]);
        }

        if (!text[parts[5]].Begins(KeyPrefix))
        {
            return new(KmsKeyArnFault.Resource, parts[5]);
        }

        var idPart = (parts[5].Start.Value + KeyPrefix.Length)..;
        var id = text[idPart];
        if (!KmsKeyId.TryParse(id, ignoreCase: false, out var keyId))
        {
            return new(WrongKeyId(id), idPart);
        }

        arn = new KmsKeyArn(region, account, keyId);
        return default;
    }

    /// <summary>Splits at the first five colons; the last part keeps all others. Returns the number of parts.</summary>
    private static int Split<T>(ReadOnlySpan<T> text, Span<Range> parts) where T : unmanaged, IBinaryInteger<T>
    {
        var start = 0;
        for (var i = 0; i < parts.Length - 1; i++)
        {
            var length = text[start..].IndexOf(T.CreateTruncating(':'));
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

        foreach (var unit in text)
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

        var id = text.Begins(KeyPrefix) ? text[KeyPrefix.Length..] : text;
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
        foreach (var unit in text)
        {
            if (!IsSpace(unit))
            {
                return false;
            }
        }

        return true;
    }

    // A byte above ASCII is part of a UTF-8 character, not the Latin-1 space with the same number.
    private static bool IsSpace<T>(T unit) where T : unmanaged, IBinaryInteger<T>
        => char.IsWhiteSpace(unit.ToChar()) && (typeof(T) != typeof(byte) || unit.ToChar() < 128);
}
