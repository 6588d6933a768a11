using System.Buffers;
using System.Security.Cryptography;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>Memory of the caller that receives one result, as a buffer writer.</summary>
/// <param name="memory">The memory.</param>
/// <param name="parameterName">The caller's parameter, for exceptions.</param>
internal sealed class CallerBuffer(Memory<byte> memory, string parameterName) : IBufferWriter<byte>
{
    private int _asked;

    /// <summary>The length of the result, in bytes.</summary>
    public int Written { get; private set; }

    /// <summary>The part of the caller's memory that receives a result.</summary>
    /// <param name="memory">The caller's memory.</param>
    /// <param name="length">The length of the result.</param>
    /// <param name="source">What the result is made from.</param>
    /// <param name="parameterName">The caller's parameter, for exceptions.</param>
    /// <exception cref="ArgumentException">The memory is too short, or overlaps the source.</exception>
    public static Span<byte> Take(Span<byte> memory, int length, ReadOnlySpan<byte> source, string parameterName)
    {
        ThrowIfShort(memory.Length, length, parameterName);
        ThrowIfOverlaps(memory, source, parameterName);
        return memory[..length];
    }

    /// <exception cref="ArgumentException">The memory is too short.</exception>
    public static void ThrowIfShort(int length, long needed, string parameterName)
    {
        if (length < needed)
        {
            throw new ArgumentException($"The result needs {needed} bytes, and the buffer has {length}.", parameterName);
        }
    }

    /// <exception cref="ArgumentException">The memory overlaps the source.</exception>
    public static void ThrowIfOverlaps(ReadOnlySpan<byte> memory, ReadOnlySpan<byte> source, string parameterName)
    {
        // The result would overwrite what it is made from, and a failure would erase that.
        if (memory.Overlaps(source))
        {
            throw new ArgumentException("The buffer overlaps the bytes that are read.", parameterName);
        }
    }

    public void Advance(int count) => Written = count;

    /// <exception cref="ArgumentException">The memory is too short.</exception>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        ThrowIfShort(memory.Length, sizeHint, parameterName);
        _asked = Math.Max(_asked, sizeHint);
        return memory;
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <summary>Erases what a failed call may have written.</summary>
    public void Erase() => CryptographicOperations.ZeroMemory(memory.Span[.._asked]);
}
