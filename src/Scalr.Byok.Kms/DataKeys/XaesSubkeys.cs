using System.Security.Cryptography;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>The keys that XAES-256-GCM derives from one key for each nonce: AES-CMAC of a counter and half the nonce. One thread at a time.</summary>
/// <remarks>Such an input is one whole block, so its CMAC is the encryption of the block combined with the CMAC's first subkey, which is the same for all nonces.</remarks>
internal sealed class XaesSubkeys : IDisposable
{
    private const int BlockLength = 16;

    /// <summary>Where the nonce stands in a block: behind a 16-bit counter, the letter X and a zero.</summary>
    private const int NonceOffset = 4;

    private readonly ICryptoTransform _aes;

    /// <summary>Both blocks without their nonce, combined with the CMAC's subkey.</summary>
    private readonly byte[] _blocks = GC.AllocateArray<byte>(2 * BlockLength, pinned: true);
    private readonly byte[] _input = GC.AllocateArray<byte>(2 * BlockLength, pinned: true);
    private readonly byte[] _output = GC.AllocateArray<byte>(2 * BlockLength, pinned: true);

    /// <param name="key">The key.</param>
    /// <exception cref="ObjectDisposedException">The key is erased.</exception>
    public XaesSubkeys(DataKey key)
    {
        _aes = key.CreateBlockCipher();

        // The first subkey of CMAC is the encryption of zeros, doubled in the field of 2^128 elements.
        _aes.TransformBlock(_input, 0, BlockLength, _output, 0);
        int carry = -(_output[0] >> 7) & 0b10000111;
        for (int i = 0; i < BlockLength; i++)
        {
            int next = i + 1 < BlockLength ? _output[i + 1] >> 7 : 0;
            _blocks[i] = _blocks[BlockLength + i] = (byte)(((_output[i] << 1) | next) & 0xff);
        }

        _blocks[BlockLength - 1] ^= (byte)carry;
        _blocks[^1] ^= (byte)carry;
        CryptographicOperations.ZeroMemory(_output);
        for (int block = 0; block < 2; block++)
        {
            Span<byte> start = _blocks.AsSpan(block * BlockLength);
            start[1] ^= (byte)(block + 1);
            start[2] ^= (byte)'X';
        }
    }

    /// <summary>Derives the AES-256-GCM key for a nonce.</summary>
    /// <param name="nonce">The first 12 bytes of the nonce.</param>
    /// <param name="subkey">Receives 32 bytes, which the caller erases.</param>
    public void Derive(ReadOnlySpan<byte> nonce, Span<byte> subkey)
    {
        _blocks.CopyTo(_input, 0);
        for (int i = 0; i < nonce.Length; i++)
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
