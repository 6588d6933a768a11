namespace Scalr.Byok.Kms.KeyRing;

/// <summary>Checks what a caller's streams can do.</summary>
internal static class StreamChecks
{
    /// <exception cref="ArgumentException">The source cannot be read, or the destination cannot be written.</exception>
    public static void ThrowUnlessUsable(Stream source, string sourceName, Stream destination, string destinationName)
    {
        ArgumentNullException.ThrowIfNull(source, sourceName);
        ArgumentNullException.ThrowIfNull(destination, destinationName);
        if (!source.CanRead)
        {
            throw new ArgumentException("The stream cannot be read.", sourceName);
        }

        if (!destination.CanWrite)
        {
            throw new ArgumentException("The stream cannot be written.", destinationName);
        }
    }
}
