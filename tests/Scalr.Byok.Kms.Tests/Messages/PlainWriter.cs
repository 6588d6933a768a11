using System.Security.Cryptography;
using System.Text;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>
/// A second writer of the format that shares no code with the library's: for messages that the library reads but never writes, signed
/// ones and ones of a single block, and for messages that no one should write.
/// </summary>
internal sealed record PlainWriter
{
    /// <summary>The key that signs all messages, unless another is given.</summary>
    public static readonly ECDsa DefaultSigner = ECDsa.Create(ECCurve.NamedCurves.nistP384);

    /// <summary>A key that signs nothing unless it is told to.</summary>
    public static readonly ECDsa OtherSigner = ECDsa.Create(ECCurve.NamedCurves.nistP384);

    /// <summary>The layout that the library writes.</summary>
    public static readonly PlainWriter Framed = new() { Name = "0478 framed" };

    /// <summary>The layout that AWS's SDKs write.</summary>
    public static readonly PlainWriter Signed = new() { Name = "0578 framed", Signs = true, PublicKey = Compressed(DefaultSigner) };

    /// <summary>Every layout that is read.</summary>
    public static readonly PlainWriter[] Layouts =
        [
            Framed,
            Framed with { Name = "0478 one block", IsFramed = false },
            Signed,
            Signed with { Name = "0578 one block", IsFramed = false },
        ];

    public string Name { get; init; } = "";

    public bool Signs { get; init; }

    public bool IsFramed { get; init; } = true;

    public int FrameLength { get; init; } = Sample.FrameLength;

    /// <summary>What the header says of it; null for the truth.</summary>
    public long? ClaimedFrameLength { get; init; }

    /// <summary>Whether a plaintext that divides evenly ends with an empty frame, as AWS's SDK for JavaScript writes it.</summary>
    public bool EndsEmpty { get; init; }

    /// <summary>Something added to every IV of the body: other writers need not count from 1.</summary>
    public byte IVOffset { get; init; }

    public byte[] DataKey { get; init; } = Sample.DataKeyBytes;

    public string KeyArn { get; init; } = Encoding.UTF8.GetString(Sample.WrappedKey.ProviderInfo.Span);

    /// <summary>The data key as KMS wrapped it.</summary>
    public byte[] Ciphertext { get; init; } = Sample.WrappedKey.Ciphertext.ToArray();

    public ECDsa Signer { get; init; } = DefaultSigner;

    /// <summary>The public key in the encryption context; null leaves it out.</summary>
    public string? PublicKey { get; init; }

    /// <summary>What follows the body of a message that signs, made from all before it.</summary>
    public Func<ECDsa, byte[], byte[]> Footer { get; init; } = (signer, signed) =>
        Counted(signer.SignData(signed, HashAlgorithmName.SHA384, DSASignatureFormat.Rfc3279DerSequence));

    /// <summary>A key as it stands in an encryption context: compressed, in base64.</summary>
    public static string Compressed(ECDsa signer)
    {
        var point = signer.ExportParameters(includePrivateParameters: false).Q;
        return Convert.ToBase64String([(byte)(2 + (point.Y![^1] & 1)), .. point.X!]);
    }

    public static byte[] Counted(byte[] field) => [.. Number(field.Length, 2), .. field];

    public PlainMessage Write(byte[] plaintext)
    {
        byte[] suite = Signs ? [0x05, 0x78] : [0x04, 0x78];
        using AesGcm aes = new(Derive([.. suite, .. "DERIVEKEY"u8]), 16);
        byte[] pairs = PublicKey is { } key
            ? [.. Number(2, 2), .. Pair("aws-crypto-public-key", key), .. Pair("purpose", "example")]
            : [.. Number(1, 2), .. Pair("purpose", "example")];
        byte[] authenticated =
        [
            0x02, .. suite, .. Sample.MessageId, .. Counted(pairs),
            0, 1, .. Counted("aws-kms"u8.ToArray()), .. Counted(Encoding.UTF8.GetBytes(KeyArn)), .. Counted(Ciphertext),
            (byte)(IsFramed ? 2 : 1), .. Number(IsFramed ? ClaimedFrameLength ?? FrameLength : 0, 4), .. Derive("COMMITKEY"u8.ToArray()),
        ];
        byte[] header = [.. authenticated, .. Seal(aes, new byte[12], [], authenticated)];
        byte[][] frames = IsFramed ? [.. Frames(aes, plaintext)] : [Block(aes, plaintext)];
        return new PlainMessage(
            header, frames, Signs ? Footer(Signer, PlainMessage.Join([header, .. frames])) : [], plaintext, FrameLength);
    }

    /// <summary>A frame that is not the last.</summary>
    public byte[] RegularFrame(byte[] contentKey, uint sequence, byte[] content)
    {
        using AesGcm aes = new(contentKey, 16);
        return RegularFrame(aes, sequence, content);
    }

    public override string ToString() => Name;

    internal static byte[] Number(long value, int bytes)
    {
        var number = new byte[bytes];
        for (var place = bytes - 1; place >= 0; place--, value >>= 8)
        {
            number[place] = unchecked((byte)value);
        }

        return number;
    }

    private static byte[] Pair(string key, string value) =>
        [.. Counted(Encoding.UTF8.GetBytes(key)), .. Counted(Encoding.UTF8.GetBytes(value))];

    private static byte[] Seal(AesGcm aes, byte[] iv, byte[] plaintext, byte[] associatedData)
    {
        var content = new byte[plaintext.Length];
        var tag = new byte[16];
        aes.Encrypt(iv, plaintext, content, tag, associatedData);
        return [.. content, .. tag];
    }

    private byte[] RegularFrame(AesGcm aes, uint sequence, byte[] content)
    {
        var associatedData = PlainReader.FrameData(Sample.MessageId, "Frame", sequence, (ulong)content.Length);
        return [.. Number(sequence, 4), .. IV(sequence), .. Seal(aes, IV(sequence), content, associatedData)];
    }

    private IEnumerable<byte[]> Frames(AesGcm aes, byte[] plaintext)
    {
        uint sequence = 1;
        var start = 0;
        for (; plaintext.Length - start > (EndsEmpty ? FrameLength - 1 : FrameLength); start += FrameLength)
        {
            yield return RegularFrame(aes, sequence++, plaintext[start..(start + FrameLength)]);
        }

        var rest = plaintext[start..];
        var associatedData = PlainReader.FrameData(Sample.MessageId, "Final Frame", sequence, (ulong)rest.Length);
        var content = Seal(aes, IV(sequence), rest, associatedData);
        yield return [0xff, 0xff, 0xff, 0xff, .. Number(sequence, 4), .. IV(sequence), .. Number(rest.Length, 4), .. content];
    }

    private byte[] Block(AesGcm aes, byte[] plaintext)
    {
        var associatedData = PlainReader.FrameData(Sample.MessageId, "Single Block", 1, (ulong)plaintext.Length);
        return [.. IV(1), .. Number(plaintext.Length, 8), .. Seal(aes, IV(1), plaintext, associatedData)];
    }

    private byte[] IV(uint sequence) => [IVOffset, .. new byte[7], .. Number(sequence, 4)];

    private byte[] Derive(byte[] info) => HKDF.DeriveKey(HashAlgorithmName.SHA512, DataKey, 32, Sample.MessageId, info);
}
