namespace Scalr.Byok.Kms.DataKeys;

/// <summary>What a plaintext data key is used for.</summary>
internal enum KeyUse
{
    /// <summary>Decrypts. Needs an accepted kms:Decrypt.</summary>
    Read,

    /// <summary>Encrypts. An accepted kms:Encrypt or kms:Decrypt is enough.</summary>
    Write,
}
