namespace Scalr.Byok.Kms.Errors;

/// <summary>Throws the exception of a disposed key ring, for folders below that of the ring.</summary>
internal static class RingDisposed
{
    /// <summary>The name of the disposed object, as the application knows it.</summary>
    public const string Name = "IByokKeyRing";

    /// <exception cref="ObjectDisposedException">The ring is disposed.</exception>
    public static void ThrowIf(bool isDisposed)
    {
#pragma warning disable CA1513 // ThrowIf takes a type, and this folder stands below that of the ring's type
        if (isDisposed)
        {
            throw new ObjectDisposedException(Name);
        }
#pragma warning restore CA1513
    }
}
