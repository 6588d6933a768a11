namespace WebHost.Files;

/// <summary>A file of an account. Its content is a message of the library in the data directory. Its name is not encrypted.</summary>
public sealed class StoredFile
{
    /// <summary>The file. The content is bound to it by the encryption context.</summary>
    public required Guid Id { get; init; }

    /// <summary>The tenant.</summary>
    public required string Tenant { get; init; }

    /// <summary>The name that the customer gave it.</summary>
    public required string Name { get; init; }

    /// <summary>The number of bytes of the content.</summary>
    public long Length { get; init; }

    /// <summary>When it was uploaded (UTC).</summary>
    public DateTime UploadedAt { get; init; }

    /// <summary>The file on disk that has the encrypted content.</summary>
    public required string Blob { get; init; }
}
