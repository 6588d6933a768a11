using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using Amazon.Runtime;
using Moq;
using Scalr.Byok.Kms.Tests.Messages;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>
/// AWS KMS as the vectors' README describes it for one message: a client for each Region, every kms:Decrypt written down.
/// </summary>
internal sealed class VectorKms
{
    private readonly Vector _vector;
    private readonly VectorFaults _faults;

    public VectorKms(Vector vector, VectorFaults? faults)
    {
        _vector = vector;
        _faults = faults ?? new VectorFaults();
    }

    public List<VectorCall> Calls { get; } = [];

    /// <summary>Whether two ARNs name the same key: replicas of one multi-Region key, in one partition and account, do.</summary>
    public static bool AreSameKey(string left, string right)
    {
        string[] one = left.Split(':'), other = right.Split(':');
        return left == right
            || (one is [.., ['k', 'e', 'y', '/', 'm', 'r', 'k', '-', ..]] && WithoutRegion(one).SequenceEqual(WithoutRegion(other)));
    }

    public IAmazonKeyManagementService CreateClient(string region)
    {
        Mock<IAmazonKeyManagementService> client = new(MockBehavior.Strict);
        client.Setup(kms => kms.Dispose());
        client.Setup(kms => kms.DecryptAsync(It.IsAny<DecryptRequest>(), It.IsAny<CancellationToken>()))
            .Returns(async (DecryptRequest request, CancellationToken _) =>
            {
                await Task.Yield();
                Calls.Add(new VectorCall(request.KeyId, region));
                return Answer(request, region);
            });
        return client.Object;
    }

    private static IEnumerable<string> WithoutRegion(string[] arn) => [.. arn[..3], .. arn[4..]];

    private DecryptResponse Answer(DecryptRequest request, string region)
    {
        if (_faults.Deny.Contains(request.KeyId))
        {
            throw new AmazonKeyManagementServiceException("denied") { ErrorCode = "AccessDeniedException" };
        }

        var blob = Convert.ToHexStringLower(request.CiphertextBlob.ToArray());
        if (_vector.Unwrap!.Find(wrapped => wrapped.CiphertextBlob == blob) is not { } wrapped || !HasContext(request.EncryptionContext))
        {
            throw new InvalidCiphertextException("invalid") { ErrorCode = nameof(InvalidCiphertextException) };
        }

        if (!AreSameKey(wrapped.Key!, request.KeyId) || request.KeyId.Split(':')[3] != region)
        {
            throw new IncorrectKeyException("incorrect") { ErrorCode = nameof(IncorrectKeyException) };
        }

        var dataKey = Convert.FromHexString(_vector.DataKey!);
        return new DecryptResponse
        {
            KeyId = _faults.AnswerKeyId ?? request.KeyId,
            Plaintext = new MemoryStream(_faults.ShortKey ? dataKey[..^1] : dataKey),
        };
    }

    private bool HasContext(Dictionary<string, string> context) =>
        context.Count == _vector.HeaderEncryptionContext!.Count
        && context.All(pair => _vector.HeaderEncryptionContext.TryGetValue(pair.Key, out var value) && value == pair.Value);
}
