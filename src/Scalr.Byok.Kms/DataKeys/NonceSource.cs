using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>
/// Random bytes that must never repeat under one key: nonces of values and ids of messages. They come from the operating system itself.
/// Safe for concurrent use.
/// </summary>
/// <remarks>
/// On Linux, <see cref="RandomNumberGenerator"/> asks OpenSSL, whose generator is in the memory of this process and is seeded again after
/// some minutes. So two clones of a running machine (a restored snapshot) get the same bytes for a while. The generator of the kernel is
/// seeded again when the machine is cloned, if the hypervisor reports it (VM generation ID, Linux 5.18). It also needs less than half of
/// the time. On Windows and macOS, <see cref="RandomNumberGenerator"/> asks the operating system.
/// </remarks>
internal static class NonceSource
{
    /// <summary>Up to this length, getrandom is never interrupted and gives all bytes (getrandom(2)).</summary>
    public const int MaxKernelLength = 256;

    private const uint NonBlocking = 1; // GRND_NONBLOCK: soon after the boot, the kernel may have no random bytes yet

    private static bool _isAbsent = !OperatingSystem.IsLinux();

    /// <summary>Fills a buffer with new random bytes.</summary>
    public static void Fill(Span<byte> bytes)
    {
        if (!TryAskKernel(bytes))
        {
            RandomNumberGenerator.Fill(bytes);
        }
    }

    /// <summary>New random bytes.</summary>
    public static byte[] GetBytes(int length)
    {
        var bytes = new byte[length];
        Fill(bytes);
        return bytes;
    }

    /// <summary>Whether the kernel filled the whole buffer. Never so on other systems than Linux.</summary>
    internal static bool TryAskKernel(Span<byte> bytes)
    {
        if (bytes.Length > MaxKernelLength || Volatile.Read(ref _isAbsent))
        {
            return false;
        }

        try
        {
            // Negative after an error, for example where a sandbox forbids the call.
            return GetRandom(ref MemoryMarshal.GetReference(bytes), (nuint)bytes.Length, NonBlocking) == bytes.Length;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            Volatile.Write(ref _isAbsent, true); // a C library without the function: not asked again
            return false;
        }
    }

    [SuppressMessage("Interoperability", "SYSLIB1054", Justification = "Nothing needs marshalling, and the project allows no unsafe code.")]
    [DllImport("libc", EntryPoint = "getrandom", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint GetRandom(ref byte buffer, nuint length, uint flags);
}
