using System.Globalization;
using System.Numerics;
using System.Text;

namespace Scalr.Byok.Kms.Keys;

/// <summary>Quotes text from outside in a message: limited, on one line, in printable ASCII.</summary>
internal static class Quotation
{
    /// <summary>The longest quotation of a text. Every valid part of an ARN is shorter.</summary>
    public const int MaxLength = 64;

    public static string Of<T>(ReadOnlySpan<T> text) where T : unmanaged, IBinaryInteger<T>
    {
        StringBuilder quoted = new();
        quoted.Append('\'');
        foreach (var unit in text[..Math.Min(text.Length, MaxLength)])
        {
            Append(quoted, unit);
        }

        quoted.Append('\'');
        return text.Length <= MaxLength
            ? quoted.ToString()
            : quoted.Append(CultureInfo.InvariantCulture, $"... ({Count<T>(text.Length)})").ToString();
    }

    /// <summary>A length in the text's own unit.</summary>
    public static string Count<T>(int length) where T : unmanaged, IBinaryInteger<T>
    {
        var unit = typeof(T) == typeof(byte) ? "byte" : "character";
        return string.Create(CultureInfo.InvariantCulture, $"{length} {unit}{(length == 1 ? "" : "s")}");
    }

    private static void Append<T>(StringBuilder quoted, T unit) where T : unmanaged, IBinaryInteger<T>
    {
        var c = unit.ToChar();
        if (c is >= ' ' and <= '~' and not '\'' and not '\\')
        {
            quoted.Append(c);
        }
        else if (typeof(T) == typeof(byte))
        {
            quoted.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}");
        }
        else
        {
            quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
        }
    }
}
