namespace Scalr.Byok.Kms.Tests.Interop;

/// <summary>A ring's verbs, by either way.</summary>
internal static class KeyRingWays
{
    public static async Task<byte[]> EncryptAsync(
        this IByokKeyRing ring, Way way, byte[] plaintext, IReadOnlyDictionary<string, string>? context = null) =>
        way == Way.Memory
            ? await ring.EncryptAsync(plaintext, context)
            : await ThroughAsync(plaintext, (input, output) => ring.EncryptAsync(input, output, context));

    public static async Task<byte[]> DecryptAsync(
        this IByokKeyRing ring, Way way, byte[] message, IReadOnlyDictionary<string, string>? context = null) =>
        way == Way.Memory
            ? await ring.DecryptAsync(message, context)
            : await ThroughAsync(message, (input, output) => ring.DecryptAsync(input, output, context));

    public static async Task<byte[]> ReencryptAsync(this IByokKeyRing ring, Way way, byte[] message) =>
        way == Way.Memory
            ? await ring.ReencryptAsync(message)
            : await ThroughAsync(
                message, async (input, output) => Assert.That(await ring.ReencryptAsync(input, output), Is.True));

    private static async Task<byte[]> ThroughAsync(byte[] bytes, Func<Stream, Stream, Task> verb)
    {
        using var input = new MemoryStream(bytes, writable: false);
        using var output = new MemoryStream();
        await verb(input, output);
        return output.ToArray();
    }
}
