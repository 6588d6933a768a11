using System.Buffers;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>Text as the UTF-8 that is encrypted for it. Text that is not valid Unicode has none.</summary>
internal static class ValueText
{
    /// <summary>How many bytes a text takes.</summary>
    public static int Measure(ReadOnlySpan<char> text) => Encoding.UTF8.GetByteCount(text);

    /// <summary>Writes a text into as many bytes as it takes.</summary>
    /// <exception cref="ArgumentException">It is not valid Unicode. The bytes are erased.</exception>
    public static void Write(ReadOnlySpan<char> text, Span<byte> bytes, string parameterName)
    {
        if (Utf8.FromUtf16(text, bytes, out _, out var written, replaceInvalidSequences: false) != OperationStatus.Done)
        {
            CryptographicOperations.ZeroMemory(bytes);
            throw new ArgumentException("The text is not valid Unicode: it has half a surrogate pair.", parameterName);
        }

        Debug.Assert(written == bytes.Length, "the text fits exactly");
    }

    /// <summary>The text of these bytes; false if they are not UTF-8.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out string text)
    {
        var isText = Utf8.IsValid(bytes);
        text = isText ? Encoding.UTF8.GetString(bytes) : "";
        return isText;
    }
}
