using System.Security.Cryptography;
using LocalAws.Iam;
using LocalAws.Wire;

namespace LocalAws.Kms;

/// <summary>
/// Encrypt, Decrypt and GenerateDataKey. Each asks in AWS's order: is the caller allowed, is there a key, is it usable, is the input right.
/// </summary>
internal sealed class KmsCryptography
{
    private const int MaxPlaintext = 4096;
    private const int MaxCiphertext = 6144;
    private const string Symmetric = "SYMMETRIC_DEFAULT";

    private readonly Cloud _cloud;

    public KmsCryptography(Cloud cloud)
    {
        _cloud = cloud;
    }

    public Answer Encrypt(KmsRequest request)
    {
        var plaintext = request.Parameters.Bytes("Plaintext", MaxPlaintext);
        var context = request.Parameters.EncryptionContext();
        var key = DemandKey(request, Address(request, request.Parameters.RequiredText("KeyId")), context);
        var blob = CiphertextBlob.Seal(key.Family, plaintext, context);
        return KmsService.Success(json =>
        {
            json.WriteBase64String("CiphertextBlob", blob);
            json.WriteString("KeyId", key.Arn);
            json.WriteString("EncryptionAlgorithm", Symmetric);
        });
    }

    public Answer Decrypt(KmsRequest request)
    {
        var blob = request.Parameters.Bytes("CiphertextBlob", MaxCiphertext);
        var context = request.Parameters.EncryptionContext();
        var key = request.Parameters.Text("KeyId") is { } named
            ? NamedKey(request, named, blob, context)
            : DemandKey(request, KeyOf(request, blob), context);
        var plaintext = CiphertextBlob.Open(key.Family, blob, context);
        return KmsService.Success(json =>
        {
            json.WriteString("KeyId", key.Arn);
            json.WriteBase64String("Plaintext", plaintext);
            json.WriteString("EncryptionAlgorithm", Symmetric);
            json.WriteString("KeyMaterialId", key.Family.MaterialId);
        });
    }

    public Answer GenerateDataKey(KmsRequest request)
    {
        var length = (request.Parameters.Text("KeySpec"), request.Parameters.Number("NumberOfBytes", 1, 1024)) switch
        {
            ("AES_256", null) => 32,
            ("AES_128", null) => 16,
            (null, { } bytes) => bytes,
            _ => throw new AwsException("ValidationException", "Exactly one of KeySpec (AES_256 or AES_128) and NumberOfBytes is needed."),
        };
        var context = request.Parameters.EncryptionContext();
        var key = DemandKey(request, Address(request, request.Parameters.RequiredText("KeyId")), context);
        var plaintext = RandomNumberGenerator.GetBytes(length);
        return KmsService.Success(json =>
        {
            json.WriteBase64String("CiphertextBlob", CiphertextBlob.Seal(key.Family, plaintext, context));
            json.WriteBase64String("Plaintext", plaintext);
            json.WriteString("KeyId", key.Arn);
            json.WriteString("KeyMaterialId", key.Family.MaterialId);
        });
    }

    private KeyAddress Address(KmsRequest request, string keyId) =>
        KeyAddress.Parse(_cloud, keyId, request.Caller.AccountId, request.Region);

    private LocalKey NamedKey(KmsRequest request, string keyId, byte[] blob, IReadOnlyDictionary<string, string> context)
    {
        var key = DemandKey(request, Address(request, keyId), context);
        return CiphertextBlob.KeyIdOf(blob) == key.KeyId
            ? key
            : throw new AwsException(
                "IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation.");
    }

    private KeyAddress KeyOf(KmsRequest request, byte[] blob) => _cloud.FindKey(request.Region, CiphertextBlob.KeyIdOf(blob)) is { } key
        ? KeyAddress.Parse(_cloud, key.Arn, request.Caller.AccountId, request.Region)
        : throw new AwsException(
            "AccessDeniedException",
            "The ciphertext names a key that is not in this Region, does not exist, or is not yours to use.");

    private static LocalKey DemandKey(KmsRequest request, KeyAddress address, IReadOnlyDictionary<string, string> context)
    {
        KmsPermission.Demand(request, address.Arn, address.AccountId, context);
        var key = address.Demand();
        var algorithm = request.Parameters.Text("EncryptionAlgorithm") ?? Symmetric;
        if (!key.Kind.IsSymmetric || algorithm != Symmetric)
        {
            throw new AwsException(
                "InvalidKeyUsageException",
                $"{key.Arn} with key usage {key.Kind.Usage} and key spec {key.Kind.Spec} is not valid for "
                + $"{request.Operation} with {algorithm} here.");
        }

        key.DemandUsable();
        return request.Parameters.Flag("DryRun")
            ? throw new AwsException(
                "DryRunOperationException", "All is well, but DryRun was asked for.", StatusCodes.Status412PreconditionFailed)
            : key;
    }
}
