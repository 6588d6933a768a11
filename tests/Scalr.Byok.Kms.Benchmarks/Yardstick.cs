using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Benchmarks;

/// <summary>
/// What the same work costs with the platform's primitives alone: the same chunks, the same associated data, no format around them.
/// </summary>
internal sealed class Yardstick : IDisposable
{
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private readonly byte[] _tag = new byte[16];
    private readonly byte[] _iv = new byte[12];
    private readonly byte[] _associatedData = new byte[72];
    private readonly byte[] _header = new byte[512];
    private readonly AesGcm _aes;

    public Yardstick() => _aes = new AesGcm(_key, 16);

    /// <summary>A data key as a cache would give it, and what goes with it.</summary>
    public static DataKey DataKey { get; } = DataKey.Generate();

    public static MessageTemplate Template(int frameLength) => new(
        EncryptionContext.Create(new Dictionary<string, string> { ["tenant"] = "acme", ["purpose"] = "benchmark" }, "pairs"),
        [new EncryptedDataKey(
            EncryptedDataKey.AwsKms,
            "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"u8.ToArray(),
            new byte[184])],
        frameLength);

    public static MessageOptions Options(int threads) => MessageOptions.From(new ByokOptions { MaxDegreeOfParallelism = threads });

    /// <summary>A copy of the bytes that begins at this place in a page of memory, and stays there.</summary>
    public static Memory<byte> Place(byte[] bytes, int at)
    {
        const int page = 4096;
        var room = GC.AllocateArray<byte>(bytes.Length + (2 * page), pinned: true);
        var start = (int)(Marshal.UnsafeAddrOfPinnedArrayElement(room, 0) % page);
        var placed = room.AsMemory(page - start + at, bytes.Length);
        bytes.CopyTo(placed);
        return placed;
    }

    /// <summary>AES-256-GCM over chunks.</summary>
    public void Encrypt(ReadOnlySpan<byte> plaintext, Span<byte> ciphertext, int chunk)
    {
        for (uint i = 1; !plaintext.IsEmpty; i++)
        {
            var length = Math.Min(chunk, plaintext.Length);
            Number(i, length);
            _aes.Encrypt(_iv, plaintext[..length], ciphertext[..length], _tag, _associatedData);
            plaintext = plaintext[length..];
            ciphertext = ciphertext[length..];
        }
    }

    /// <summary>AES-256-GCM over chunks, each with its tag behind it, as <see cref="Seal"/> lays them out.</summary>
    public void Decrypt(ReadOnlySpan<byte> ciphertext, Span<byte> plaintext, int chunk)
    {
        for (uint i = 1; !plaintext.IsEmpty; i++)
        {
            var length = Math.Min(chunk, plaintext.Length);
            Number(i, length);
            _aes.Decrypt(_iv, ciphertext[..length], ciphertext.Slice(length, 16), plaintext[..length], _associatedData);
            plaintext = plaintext[length..];
            ciphertext = ciphertext[(length + 16)..];
        }
    }

    /// <summary>Something for <see cref="Decrypt"/>.</summary>
    public byte[] Seal(ReadOnlySpan<byte> plaintext, int chunk)
    {
        var sealedChunks = new byte[plaintext.Length + (16 * ((plaintext.Length + chunk - 1) / chunk))];
        Span<byte> rest = sealedChunks;
        for (uint i = 1; !plaintext.IsEmpty; i++)
        {
            var length = Math.Min(chunk, plaintext.Length);
            Number(i, length);
            _aes.Encrypt(_iv, plaintext[..length], rest[..length], rest.Slice(length, 16), _associatedData);
            plaintext = plaintext[length..];
            rest = rest[(length + 16)..];
        }

        return sealedChunks;
    }

    /// <summary>
    /// What one small message cannot do without: 32 random bytes, three HMAC-SHA512, one cipher, the header's tag, one frame.
    /// </summary>
    public byte[] EncryptSmall(ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> header, int messageLength)
    {
        var message = GC.AllocateUninitializedArray<byte>(messageLength);
        Span<byte> id = stackalloc byte[32];
        Span<byte> hash = stackalloc byte[64];
        RandomNumberGenerator.Fill(id);
        HMACSHA512.HashData(id, _key, hash);
        HMACSHA512.HashData(hash, "COMMITKEY\u0001"u8, hash);
        HMACSHA512.HashData(hash, "..DERIVEKEY\u0001"u8, hash);
        using AesGcm aes = new(hash[..32], 16);
        aes.Encrypt(_iv, default, default, _tag, header);
        aes.Encrypt(_iv, plaintext, message.AsSpan(0, plaintext.Length), _tag, _associatedData);
        return message;
    }

    /// <summary>The same for decryption, without the random bytes; the tags are those of <paramref name="small"/>.</summary>
    public byte[] DecryptSmall(Small small, ReadOnlySpan<byte> header)
    {
        Span<byte> hash = stackalloc byte[64];
        HMACSHA512.HashData(small.Id, _key, hash);
        HMACSHA512.HashData(hash, "COMMITKEY\u0001"u8, hash);
        HMACSHA512.HashData(hash, "..DERIVEKEY\u0001"u8, hash);
        using AesGcm aes = new(small.Key, 16);
        aes.Decrypt(_iv, default, small.HeaderTag, default, header);
        var plaintext = GC.AllocateUninitializedArray<byte>(small.Ciphertext.Length);
        aes.Decrypt(_iv, small.Ciphertext, small.Tag, plaintext, _associatedData);
        return plaintext;
    }

    /// <summary>Something for <see cref="DecryptSmall"/>.</summary>
    public Small SealSmall(ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> header)
    {
        Small small = new(new byte[32], new byte[32], new byte[16], new byte[plaintext.Length], new byte[16]);
        using AesGcm aes = new(small.Key, 16);
        aes.Encrypt(_iv, default, default, small.HeaderTag, header);
        aes.Encrypt(_iv, plaintext, small.Ciphertext, small.Tag, _associatedData);
        return small;
    }

    /// <summary>
    /// AES-256-GCM over chunks on several threads, and what a message cannot do without besides: 32 random bytes, three HMAC-SHA512, a
    /// cipher for each thread, the header's tag.
    /// </summary>
    public void EncryptAll(ReadOnlyMemory<byte> plaintext, Memory<byte> ciphertext, int chunk, int threads) =>
        RunAll(plaintext.Length, chunk, threads, decrypts: false, (aes, place, iv, tag, data) =>
            aes.Encrypt(iv, plaintext[place].Span, ciphertext[place].Span, tag, data));

    /// <summary>
    /// The same for decryption, without the random bytes. The tags are behind their chunks, as <see cref="Seal"/> lays them out.
    /// </summary>
    public void DecryptAll(ReadOnlyMemory<byte> ciphertext, Memory<byte> plaintext, int chunk, int threads) =>
        RunAll(plaintext.Length, chunk, threads, decrypts: true, (aes, place, iv, _, data) =>
        {
            var sealedChunk = ciphertext.Span[(place.Start.Value + (16 * (place.Start.Value / chunk)))..];
            var content = plaintext[place].Span;
            aes.Decrypt(iv, sealedChunk[..content.Length], sealedChunk.Slice(content.Length, 16), content, data);
        });

    /// <summary>
    /// The least that encryption between streams costs on one thread: each chunk is read, encrypted in place and written. With the
    /// primitives of a message.
    /// </summary>
    public void EncryptBetween(Stream source, Stream destination, Memory<byte> buffer)
    {
        using var aes = Begin(decrypts: false);
        var chunk = buffer[..^16];
        for (uint i = 1; source.ReadAtLeast(chunk.Span, chunk.Length, throwOnEndOfStream: false) is > 0 and var length; i++)
        {
            Number(i, length);
            aes.Encrypt(_iv, chunk.Span[..length], chunk.Span[..length], _tag, _associatedData);
            destination.Write(chunk.Span[..length]);
        }
    }

    /// <summary>The same for decryption. The tags are behind their chunks, as <see cref="Seal"/> lays them out.</summary>
    public void DecryptBetween(Stream source, Stream destination, Memory<byte> buffer, int plaintextLength)
    {
        using var aes = Begin(decrypts: true);
        for (uint i = 1; plaintextLength > 0; i++)
        {
            var length = Math.Min(buffer.Length - 16, plaintextLength);
            source.ReadExactly(buffer.Span[..(length + 16)]);
            Number(i, length);
            var content = buffer.Span[..length];
            aes.Decrypt(_iv, content, buffer.Span.Slice(length, 16), content, _associatedData);
            destination.Write(content);
            plaintextLength -= length;
        }
    }

    /// <summary>
    /// The least that encryption of small blocks costs on one thread: the blocks of each chunk are copied to the destination, and the
    /// chunk is encrypted there. With the primitives of a message.
    /// </summary>
    public void EncryptBlocks(ReadOnlySequence<byte> plaintext, Span<byte> ciphertext, int chunk)
    {
        using var aes = Begin(decrypts: false);
        var (i, filled) = (1u, 0);
        foreach (var block in plaintext)
        {
            block.Span.CopyTo(ciphertext[filled..]);
            filled += block.Length;
            if (filled == chunk)
            {
                Number(i++, chunk);
                aes.Encrypt(_iv, ciphertext[..chunk], ciphertext[..chunk], _tag, _associatedData);
                ciphertext = ciphertext[chunk..];
                filled = 0;
            }
        }
    }

    /// <summary>The same for decryption. The tags are behind their chunks, as <see cref="Seal"/> lays them out.</summary>
    public void DecryptBlocks(ReadOnlySequence<byte> ciphertext, Span<byte> plaintext, int chunk)
    {
        using var aes = Begin(decrypts: true);
        var next = ciphertext.Start;
        ReadOnlySpan<byte> rest = default;
        for (uint i = 1; !plaintext.IsEmpty; i++)
        {
            var content = plaintext[..Math.Min(chunk, plaintext.Length)];
            Copy(content, ref rest);
            Copy(_tag, ref rest);
            Number(i, content.Length);
            aes.Decrypt(_iv, content, _tag, content, _associatedData);
            plaintext = plaintext[content.Length..];
        }

        void Copy(Span<byte> place, ref ReadOnlySpan<byte> rest)
        {
            while (!place.IsEmpty)
            {
                if (rest.IsEmpty)
                {
                    ciphertext.TryGet(ref next, out var block);
                    rest = block.Span;
                }

                var length = Math.Min(rest.Length, place.Length);
                rest[..length].CopyTo(place);
                place = place[length..];
                rest = rest[length..];
            }
        }
    }

    public void Dispose() => _aes.Dispose();

    private AesGcm Begin(bool decrypts)
    {
        Span<byte> id = stackalloc byte[32];
        Span<byte> hash = stackalloc byte[64];
        Span<byte> tag = stackalloc byte[16];
        Span<byte> iv = stackalloc byte[12];
        if (!decrypts)
        {
            RandomNumberGenerator.Fill(id);
        }

        HMACSHA512.HashData(id, _key, hash);
        HMACSHA512.HashData(hash, "COMMITKEY\u0001"u8, hash);
        HMACSHA512.HashData(hash, "..DERIVEKEY\u0001"u8, hash);
        AesGcm aes = new(_key, 16);
        aes.Encrypt(iv, default, default, tag, _header);
        return aes;
    }

    private void RunAll(int length, int chunk, int threads, bool decrypts, Chunk work)
    {
        using var aes = Begin(decrypts);
        var chunks = (length + chunk - 1) / chunk;
        if (threads == 1)
        {
            for (var i = 0; i < chunks; i++)
            {
                Work(aes, i);
            }

            return;
        }

        Parallel.For(
            0,
            chunks,
            new ParallelOptions { MaxDegreeOfParallelism = threads },
            () => new AesGcm(_key, 16),
            (i, _, own) =>
            {
                Work(own, i);
                return own;
            },
            own => own.Dispose());

        void Work(AesGcm cipher, int i)
        {
            Span<byte> iv = stackalloc byte[12];
            Span<byte> tag = stackalloc byte[16];
            Span<byte> data = stackalloc byte[72];
            var start = i * chunk;
            var end = Math.Min(length, start + chunk);
            BinaryPrimitives.WriteInt32BigEndian(iv[8..], i + 1);
            BinaryPrimitives.WriteInt32BigEndian(data[60..], i + 1);
            BinaryPrimitives.WriteInt64BigEndian(data[64..], end - start);
            work(cipher, start..end, iv, tag, data);
        }
    }

    // A repeated IV is harmless here: nothing of this is ever kept.
    private void Number(uint number, int length)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_iv.AsSpan(8), number);
        BinaryPrimitives.WriteUInt32BigEndian(_associatedData.AsSpan(60), number);
        BinaryPrimitives.WriteUInt64BigEndian(_associatedData.AsSpan(64), (ulong)length);
    }

    /// <summary>The work on one chunk.</summary>
    private delegate void Chunk(AesGcm aes, Range place, ReadOnlySpan<byte> iv, Span<byte> tag, ReadOnlySpan<byte> associatedData);

    /// <summary>A sealed header and a sealed frame.</summary>
    internal sealed record Small(byte[] Id, byte[] Key, byte[] HeaderTag, byte[] Ciphertext, byte[] Tag);
}
