using System.Buffers;
using System.Security.Cryptography;

namespace Scalr.Byok.Kms.Messages;

/// <summary>Memory for plaintext between two parts of this library: erased before it is returned to the shared pool.</summary>
internal sealed class ErasingPool : MemoryPool<byte>
{
    private const int DefaultLength = 4096;

    public static readonly ErasingPool Instance = new();

    private ErasingPool()
    {
    }

    // So that the pipe takes all memory from here, also for the longest frame.
    public override int MaxBufferSize => Array.MaxLength;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => new Owner(minBufferSize < 0 ? DefaultLength : minBufferSize);

    protected override void Dispose(bool disposing)
    {
    }

    private sealed class Owner : IMemoryOwner<byte>
    {
        private byte[]? _bytes;

        public Owner(int length)
        {
            _bytes = ArrayPool<byte>.Shared.Rent(length);

            // No more than was asked for. So the rest of the array needs no erasure.
            Memory = _bytes.AsMemory(0, length);
        }

        public Memory<byte> Memory { get; private set; }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _bytes, null) is { } bytes)
            {
                CryptographicOperations.ZeroMemory(Memory.Span);
                Memory = default;
                ArrayPool<byte>.Shared.Return(bytes);
            }
        }
    }
}
