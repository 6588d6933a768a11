namespace Scalr.Byok.Kms.Tests.Faults;

/// <summary>The calls of a key ring, by the names that test cases give them.</summary>
internal static class RingCalls
{
    /// <summary>The members that read a message.</summary>
    public static readonly string[] Readers =
        ["DecryptAsync", "DecryptAsync of a stream", "OpenDataKeyAsync", "ReencryptAsync", "ReencryptAsync of a stream"];

    /// <summary>Makes one call.</summary>
    /// <param name="ring">The ring.</param>
    /// <param name="member">The member, perhaps with " of a stream".</param>
    /// <param name="message">The message, for those that need one.</param>
    public static async Task MakeAsync(IByokKeyRing ring, string member, byte[] message)
    {
        switch (member)
        {
            case "EncryptAsync":
                await ring.EncryptAsync(new byte[1]);
                break;
            case "CreateDataKeyAsync":
                (await ring.CreateDataKeyAsync()).Dispose();
                break;
            case "DecryptAsync":
                await ring.DecryptAsync(message);
                break;
            case "DecryptAsync of a stream":
                await ring.DecryptAsync(new MemoryStream(message), new MemoryStream());
                break;
            case "OpenDataKeyAsync":
                (await ring.OpenDataKeyAsync(message)).Dispose();
                break;
            case "ReencryptAsync":
                await ring.ReencryptAsync(message);
                break;
            default:
                await ring.ReencryptAsync(new MemoryStream(message), new MemoryStream());
                break;
        }
    }
}
