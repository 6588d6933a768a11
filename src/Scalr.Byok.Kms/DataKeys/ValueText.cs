using System.Buffers;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>Converts texts to the UTF-8 bytes that are encrypted. Rejects text that is not valid Unicode.</summary>
internal static class ValueText
{
    /// <summary>The number of UTF-8 bytes of a text.</summary>
    public static int Measure(ReadOnlySpan<char> text) => Encoding.UTF8.GetByteCount(text);

    /// <summary>Writes a text as UTF-8 into a span of exactly its length.</summary>
    /// <exception cref="ArgumentException">The text is not valid Unicode. The bytes are erased.</exception>
    public static void Write(ReadOnlySpan<char> text, Span<byte> bytes, string parameterName)
    {
        if (Utf8.FromUtf16(text, bytes, out _, out var written, replaceInvalidSequences: false) != OperationStatus.Done)
        {
            CryptographicOperations.ZeroMemory(bytes);
            throw new ArgumentException("The text is not valid Unicode: it contains an unpaired surrogate.", parameterName);
        }

        Debug.Assert(written == bytes.Length, "the text fits exactly");
    }

    /// <summary>Reads bytes as text; false if they are not UTF-8.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out string text)
    {
        var isText = Utf8.IsValid(bytes);
        text = isText ? Encoding.UTF8.GetString(bytes) : "";
        return isText;
    }
}
