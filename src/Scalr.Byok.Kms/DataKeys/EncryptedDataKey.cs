namespace Scalr.Byok.Kms.DataKeys;

/// <summary>An encrypted data key of a message: the key provider, the wrapping key and the ciphertext. Equal by content.</summary>
/// <param name="ProviderId">The kind of key provider: <see cref="AwsKms"/> for all that this library writes.</param>
/// <param name="ProviderInfo">For AWS KMS: the ARN of the wrapping key as UTF-8.</param>
/// <param name="Ciphertext">For AWS KMS: the <c>CiphertextBlob</c>.</param>
internal sealed record EncryptedDataKey(string ProviderId, ReadOnlyMemory<byte> ProviderInfo, ReadOnlyMemory<byte> Ciphertext)
{
    /// <summary>The provider id of AWS KMS.</summary>
    public const string AwsKms = "aws-kms";

    /// <summary>Reads the ARN of the wrapping key, as the message claims it; false for another key provider.</summary>
    public bool TryGetKeyArn(out KmsKeyArn arn)
    {
        arn = default;
        return ProviderId == AwsKms && KmsKeyArn.TryParse(ProviderInfo.Span, out arn);
    }

    /// <inheritdoc/>
    public bool Equals(EncryptedDataKey? other) =>
        other is not null
        && ProviderId == other.ProviderId
        && ProviderInfo.Span.SequenceEqual(other.ProviderInfo.Span)
        && Ciphertext.Span.SequenceEqual(other.Ciphertext.Span);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.Add(ProviderId);
        hash.AddBytes(ProviderInfo.Span);
        hash.AddBytes(Ciphertext.Span);
        return hash.ToHashCode();
    }
}
