using System.Security.Cryptography;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>
/// Derives the key of XAES-256-GCM for a nonce: AES-CMAC of a counter and the first half of the nonce. Not safe for concurrent use.
/// </summary>
/// <remarks>
/// Each input is one whole block. So its CMAC is the encryption of the block combined with the first CMAC subkey, which does not depend
/// on the nonce.
/// </remarks>
internal sealed class XaesSubkeys : IDisposable
{
    private const int BlockLength = 16;

    /// <summary>The offset of the nonce in a block: after a 16-bit counter, the letter X and a zero byte.</summary>
    private const int NonceOffset = 4;

    private readonly ICryptoTransform _aes;

    /// <summary>Both blocks without their nonce, combined with the first CMAC subkey.</summary>
    private readonly byte[] _blocks = GC.AllocateArray<byte>(2 * BlockLength, pinned: true);

    // Pinned, so the garbage collector leaves no copies. All three contain key material at times, and Dispose erases them.
    private readonly byte[] _input = GC.AllocateArray<byte>(2 * BlockLength, pinned: true);
    private readonly byte[] _output = GC.AllocateArray<byte>(2 * BlockLength, pinned: true);

    /// <param name="key">The key.</param>
    /// <exception cref="ObjectDisposedException">The key is erased.</exception>
    public XaesSubkeys(DataKey key)
    {
        _aes = key.CreateBlockCipher();

        // The first subkey of CMAC is the encryption of zeros, doubled in the field of 2^128 elements (NIST SP 800-38B, 6.1).
        _aes.TransformBlock(_input, 0, BlockLength, _output, 0);

        // The reduction constant of SP 800-38B for blocks of 128 bits. Without a branch, because the bit is secret.
        var carry = -(_output[0] >> 7) & 0b10000111;
        for (var i = 0; i < BlockLength; i++)
        {
            var next = i + 1 < BlockLength ? _output[i + 1] >> 7 : 0;
            _blocks[i] = _blocks[BlockLength + i] = (byte)(((_output[i] << 1) | next) & 0xff);
        }

        _blocks[BlockLength - 1] ^= (byte)carry;
        _blocks[^1] ^= (byte)carry;
        CryptographicOperations.ZeroMemory(_output);
        for (var block = 0; block < 2; block++)
        {
            var start = _blocks.AsSpan(block * BlockLength);

            // Counters 1 and 2, then the letter (c2sp.org/XAES-256-GCM). Derive adds the nonce.
            start[1] ^= (byte)(block + 1);
            start[2] ^= (byte)'X';
        }
    }

    /// <summary>Derives the AES-256-GCM key for a nonce.</summary>
    /// <param name="nonce">The first 12 bytes of the nonce.</param>
    /// <param name="subkey">Receives 32 bytes, which the caller erases.</param>
    public void Derive(ReadOnlySpan<byte> nonce, Span<byte> subkey)
    {
        // Into a second array, because the blocks serve the next nonce too.
        _blocks.CopyTo(_input, 0);
        for (var i = 0; i < nonce.Length; i++)
        {
            _input[NonceOffset + i] ^= nonce[i];
            _input[BlockLength + NonceOffset + i] ^= nonce[i];
        }

        _aes.TransformBlock(_input, 0, _input.Length, _output, 0);
        _output.CopyTo(subkey);
        CryptographicOperations.ZeroMemory(_output);
    }

    public void Dispose()
    {
        _aes.Dispose();
        CryptographicOperations.ZeroMemory(_blocks);
        CryptographicOperations.ZeroMemory(_input);
        CryptographicOperations.ZeroMemory(_output);
    }
}
