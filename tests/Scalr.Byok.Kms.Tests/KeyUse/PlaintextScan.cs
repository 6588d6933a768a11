using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>Searches the memory of this process for plaintext data keys (Linux).</summary>
/// <remarks>
/// It knows the keys under a mask, so that its own copies are not found, and looks where arrays begin: at multiples of 8 bytes.
/// It also searches memory that the garbage collector has freed and not used again.
/// </remarks>
internal static class PlaintextScan
{
    private const int BlockLength = 1 << 20;

    /// <summary>The bits of a word that are looked at first: nearly no word has those of a key.</summary>
    private const ulong Low = (1 << 18) - 1;

    /// <summary>How many copies of the keys are in memory.</summary>
    public static int Count(IReadOnlyCollection<byte[]> maskedKeys)
    {
        var byStart = maskedKeys.ToLookup(key => BinaryPrimitives.ReadUInt64LittleEndian(key));
        var starts = byStart.Select(group => group.Key).ToHashSet();
        var mayBegin = new bool[Low + 1];
        foreach (var start in starts)
        {
            mayBegin[start & Low] = true;
        }

        var words = GC.AllocateArray<ulong>((BlockLength + ModelAws.DataKeyLength) / sizeof(ulong), pinned: true);
        var block = MemoryMarshal.AsBytes(words.AsSpan());
        var own = (long)Marshal.UnsafeAddrOfPinnedArrayElement(words, 0);
        Span<byte> mask = stackalloc byte[ModelAws.DataKeyLength];
        mask.Clear();
        ModelAws.Mask(mask);
        var firstMask = BinaryPrimitives.ReadUInt64LittleEndian(mask);

        // The platform's search for one word is many times faster than the one below for many.
        ulong? only = starts.Count == 1 ? starts.Single() ^ firstMask : null;
        var count = 0;
        using var memory = File.OpenHandle("/proc/self/mem");
        foreach (var (start, end) in Regions())
        {
            for (var at = start; at < end; at += BlockLength)
            {
                var length = Read(memory, block[..(int)Math.Min(block.Length, end - at)], at);
                var last = Math.Min(length, BlockLength) / sizeof(ulong);
                for (var i = 0; i < last; i++)
                {
                    if (only is { } wanted)
                    {
                        var found = words.AsSpan(i, last - i).IndexOf(wanted);
                        i = found < 0 ? last - 1 : i + found;
                    }

                    var word = words[i] ^ firstMask;
                    if (mayBegin[word & Low] && starts.Contains(word))
                    {
                        var offset = i * sizeof(ulong);
                        if (offset + ModelAws.DataKeyLength <= length && !IsInside(at + offset, own, block.Length))
                        {
                            count += CountOf(byStart[word], block.Slice(offset, ModelAws.DataKeyLength));
                        }
                    }
                }
            }
        }

        CryptographicOperations.ZeroMemory(block);
        return count;
    }

    /// <summary>Whether an address is where the search itself reads to.</summary>
    private static bool IsInside(long address, long start, int length) => address >= start && address < start + length;

    private static int CountOf(IEnumerable<byte[]> masked, ReadOnlySpan<byte> bytes)
    {
        var count = 0;
        foreach (var key in masked)
        {
            count += IsKey(key, bytes) ? 1 : 0;
        }

        return count;
    }

    private static bool IsKey(byte[] masked, ReadOnlySpan<byte> bytes)
    {
        Span<byte> copy = stackalloc byte[ModelAws.DataKeyLength];
        bytes.CopyTo(copy);
        ModelAws.Mask(copy);
        return copy.SequenceEqual(masked);
    }

    private static int Read(Microsoft.Win32.SafeHandles.SafeFileHandle memory, Span<byte> into, long at)
    {
        try
        {
            return RandomAccess.Read(memory, into, at);
        }
        catch (Exception e) when (e is IOException or ArgumentException or UnauthorizedAccessException)
        {
            return 0; // a page that cannot be read, such as one that was freed meanwhile
        }
    }

    /// <summary>The private memory that can be written to.</summary>
    private static List<(long Start, long End)> Regions() =>
    [
        .. from line in File.ReadAllLines("/proc/self/maps")
           let parts = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
           where parts[1].StartsWith("rw", StringComparison.Ordinal) && parts[1][3] == 'p'
           let range = parts[0].Split('-')
           let start = ulong.Parse(range[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture)
           let end = ulong.Parse(range[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture)
           where end <= long.MaxValue
           select ((long)start, (long)end),
    ];
}
