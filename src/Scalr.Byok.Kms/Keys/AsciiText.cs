using System.Numerics;

namespace Scalr.Byok.Kms.Keys;

/// <summary>Compares ASCII words with text in UTF-16 or UTF-8, so that one parser serves both.</summary>
internal static class AsciiText
{
    /// <summary>The start of every ARN.</summary>
    public const string Arn = "arn:";

    public static bool Is<T>(this ReadOnlySpan<T> text, string word) where T : unmanaged, IBinaryInteger<T>
        => text.Length == word.Length && text.Begins(word);

    public static bool Begins<T>(this ReadOnlySpan<T> text, string word) where T : unmanaged, IBinaryInteger<T>
    {
        if (text.Length < word.Length)
        {
            return false;
        }

        for (var i = 0; i < word.Length; i++)
        {
            if (text[i] != T.CreateTruncating(word[i]))
            {
                return false;
            }
        }

        return true;
    }

    public static bool IsDigit<T>(this T unit) where T : unmanaged, IBinaryInteger<T> => char.IsAsciiDigit(unit.ToChar());

    public static bool IsLowerCaseLetter<T>(this T unit) where T : unmanaged, IBinaryInteger<T> => char.IsAsciiLetterLower(unit.ToChar());

    /// <summary>The unit as a character: exact for UTF-16 and ASCII, and never ASCII for other bytes of UTF-8.</summary>
    public static char ToChar<T>(this T unit) where T : unmanaged, IBinaryInteger<T> => (char)ushort.CreateTruncating(unit);

    /// <summary>Writes an ASCII word and advances the destination.</summary>
    public static void Write<T>(ref Span<T> destination, scoped ReadOnlySpan<char> word) where T : unmanaged, IBinaryInteger<T>
    {
        for (var i = 0; i < word.Length; i++)
        {
            destination[i] = T.CreateTruncating(word[i]);
        }

        destination = destination[word.Length..];
    }
}
