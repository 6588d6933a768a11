using System.Security.Cryptography;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Kms;

namespace Scalr.Byok.Kms.Verification;

/// <summary>A key in one Region, as a verification tries it. Each call has a time limit of its own.</summary>
internal sealed class TestedKey(KmsKey key, KmsRegion region)
{
    public KmsKeyArn Arn => region.Arn;

    /// <summary>Encrypts a value that is no secret by kms:Encrypt.</summary>
    public Task<byte[]> EncryptAsync(byte[] value, IReadOnlyDictionary<string, string> context, CancellationToken cancellationToken) => key.CallInAsync(
        region, new KmsCall(AwsAction.Encrypt), (call, token) => region.EncryptAsync(call, new TestValue(value), context, token), cancellationToken);

    /// <summary>Whether kms:Decrypt gives back a value.</summary>
    public Task<bool> DecryptsToAsync(byte[] blob, byte[] value, IReadOnlyDictionary<string, string> context, CancellationToken cancellationToken) => key.CallInAsync(
        region,
        new KmsCall(AwsAction.Decrypt),
        (call, token) => region.DecryptAsync(call, blob, context, plaintext => CryptographicOperations.FixedTimeEquals(plaintext, value), token),
        cancellationToken);

    /// <summary>Obtains the credentials, and says which identity came out.</summary>
    public Task<string?> IdentifyAsync(CancellationToken cancellationToken) =>
        key.CallInAsync(region, new KmsCall(AwsAction.AssumeRole), region.IdentifyAsync, cancellationToken);

    /// <summary>A call that a role's strategy sends.</summary>
    /// <param name="operation">The STS action.</param>
    /// <param name="expectsDenial">Whether a denial is the expected result.</param>
    /// <param name="send">Sends the call. Calls its first argument right before.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public Task<T> SendAsync<T>(string operation, bool expectsDenial, Func<Action, CancellationToken, Task<T>> send, CancellationToken cancellationToken) => key.CallInAsync(
        region, new KmsCall(operation) { ExpectsDenial = expectsDenial }, (call, token) => region.SendAsync(call, send, token), cancellationToken);

    /// <summary>What kms:DescribeKey tells, for this Region alone; and what AWS denied or failed to do.</summary>
    public Task<(KeyHealth Health, ByokException? Refusal)> ExamineAsync(TimeProvider time, CancellationToken cancellationToken) =>
        new KeyProbe(key, region, [], time).ExamineAsync(cancellationToken);

    private sealed class TestValue(byte[] value) : IPlaintext
    {
        public int Length => value.Length;

        public void CopyTo(Span<byte> destination) => value.CopyTo(destination);
    }
}
