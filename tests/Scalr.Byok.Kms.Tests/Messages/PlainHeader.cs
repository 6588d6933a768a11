using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>
/// A header as <see cref="PlainReader"/> takes it apart, to be changed and written again under its content key: a second writer that
/// shares no code with the library's. Good for messages that the library does not write, and for what it should have written.
/// </summary>
internal sealed record PlainHeader
{
    /// <summary>Version and algorithm suite.</summary>
    public required byte[] Start { get; init; }

    public required byte[] MessageId { get; init; }

    /// <summary>The encryption context with its length, as it stands.</summary>
    public required byte[] Context { get; init; }

    public required IReadOnlyList<PlainKey> Keys { get; init; }

    public required byte ContentType { get; init; }

    public required uint FrameLength { get; init; }

    public required byte[] Commitment { get; init; }

    /// <summary>As it was read; <see cref="Write"/> makes another.</summary>
    public required byte[] Tag { get; init; }

    /// <summary>Where the body began when it was read.</summary>
    public required int Length { get; init; }

    /// <summary>All that the tag authenticates.</summary>
    public byte[] Authenticated =>
    [
        .. Start, .. MessageId, .. Context, .. Number16(Keys.Count), .. Keys.SelectMany(key => key.Write()),
        ContentType, .. Number32(FrameLength), .. Commitment,
    ];

    public Dictionary<string, string> Pairs
    {
        get
        {
            Dictionary<string, string> pairs = [];
            PlainReader reader = new(Context);
            for (var count = reader.TakeNumber(2) == 0 ? 0 : (int)reader.TakeNumber(2); count > 0; count--)
            {
                var key = reader.TakeText((int)reader.TakeNumber(2));
                pairs.Add(key, reader.TakeText((int)reader.TakeNumber(2)));
            }

            return pairs;
        }
    }

    public static PlainHeader Read(byte[] message)
    {
        PlainReader reader = new(message);
        var start = reader.Take(3);
        var messageId = reader.Take(32);
        int contextLength = BinaryPrimitives.ReadUInt16BigEndian(message.AsSpan(reader.Position));
        var context = reader.Take(2 + contextLength);
        var keys = new PlainKey[reader.TakeNumber(2)];
        for (var i = 0; i < keys.Length; i++)
        {
            var provider = reader.TakeText((int)reader.TakeNumber(2));
            var info = reader.TakeText((int)reader.TakeNumber(2));
            keys[i] = new PlainKey(provider, info, reader.Take((int)reader.TakeNumber(2)));
        }

        return new PlainHeader
        {
            Start = start,
            MessageId = messageId,
            Context = context,
            Keys = keys,
            ContentType = reader.Take(1)[0],
            FrameLength = (uint)reader.TakeNumber(4),
            Commitment = reader.Take(32),
            Tag = reader.Take(16),
            Length = reader.Position,
        };
    }

    /// <summary>A context section with the pairs in the given order, which is the caller's business.</summary>
    public static byte[] WriteContext(params (string Key, string Value)[] pairs)
    {
        byte[] written =
            [.. pairs.SelectMany(pair => new[] { pair.Key, pair.Value }).SelectMany(text => Counted(Encoding.UTF8.GetBytes(text)))];
        return [.. Number16(2 + written.Length), .. Number16(pairs.Length), .. written];
    }

    /// <summary>The whole header, with a tag under the content key.</summary>
    public byte[] Write(byte[] contentKey)
    {
        using AesGcm aes = new(contentKey, 16);
        var tag = new byte[16];
        var authenticated = Authenticated;
        aes.Encrypt(new byte[12], Array.Empty<byte>(), Array.Empty<byte>(), tag, authenticated);
        return [.. authenticated, .. tag];
    }

    internal static byte[] Counted(byte[] field) => [.. Number16(field.Length), .. field];

    private static byte[] Number16(int value) => [(byte)(value >> 8), (byte)(value & 0xff)];

    private static byte[] Number32(uint value)
    {
        var number = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(number, value);
        return number;
    }
}

/// <summary>An encrypted data key of a <see cref="PlainHeader"/>.</summary>
internal sealed record PlainKey(string Provider, string Info, byte[] Blob)
{
    public byte[] Write() =>
        [
            .. PlainHeader.Counted(Encoding.UTF8.GetBytes(Provider)),
            .. PlainHeader.Counted(Encoding.UTF8.GetBytes(Info)),
            .. PlainHeader.Counted(Blob),
        ];
}
