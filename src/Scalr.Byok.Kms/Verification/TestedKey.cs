using System.Security.Cryptography;
using Scalr.Byok.Kms.Audit;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Kms;

namespace Scalr.Byok.Kms.Verification;

/// <summary>A key in one Region, for a verification. Each call has its own time limit.</summary>
internal sealed class TestedKey(KmsKey key, KmsRegion region)
{
    public KmsKeyArn Arn => region.Arn;

    /// <summary>Records the requests; null if the host has no audit sink.</summary>
    public RingAudit? Audit => region.Audit;

    /// <summary>Why the role's session is shorter than the host's options say; null if it is not.</summary>
    public SessionShortening? Shortening => region.Sessions?.Current?.Shortening;

    /// <summary>Encrypts a value that is not secret by kms:Encrypt.</summary>
    public Task<byte[]> EncryptAsync(byte[] value, IReadOnlyDictionary<string, string> context, CancellationToken cancellationToken) =>
        key.CallInAsync(
            region,
            new KmsCall(AwsAction.Encrypt),
            (call, token) => region.EncryptAsync(call, new TestValue(value), context, token),
            cancellationToken);

    /// <summary>Whether kms:Decrypt returns a value.</summary>
    public Task<bool> DecryptsToAsync(
        byte[] blob, byte[] value, IReadOnlyDictionary<string, string> context, CancellationToken cancellationToken) =>
        key.CallInAsync(
            region,
            new KmsCall(AwsAction.Decrypt),
            (call, token) =>
                region.DecryptAsync(call, blob, context, plaintext => CryptographicOperations.FixedTimeEquals(plaintext, value), token),
            cancellationToken);

    /// <summary>Obtains the credentials and returns their identity.</summary>
    public Task<string?> IdentifyAsync(CancellationToken cancellationToken) =>
        key.CallInAsync(region, new KmsCall(AwsAction.AssumeRole), region.IdentifyAsync, cancellationToken);

    /// <summary>A call that a role's strategy sends.</summary>
    /// <param name="operation">The STS action.</param>
    /// <param name="expectsDenial">Whether a denial is the expected result.</param>
    /// <param name="send">Sends the call. Calls its first argument right before.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public Task<T> SendAsync<T>(
        string operation, bool expectsDenial, Func<Action, CancellationToken, Task<T>> send, CancellationToken cancellationToken) =>
            key.CallInAsync(
                region,
                new KmsCall(operation) { ExpectsDenial = expectsDenial },
                (call, token) => region.SendAsync(call, send, token),
                cancellationToken);

    /// <summary>
    /// Describes the key in this Region only, by kms:DescribeKey. Also returns the exception if AWS denied the call or gave no usable
    /// answer.
    /// </summary>
    public Task<(ByokKeyHealth Health, ByokException? Refusal)> ExamineAsync(TimeProvider time, CancellationToken cancellationToken) =>
        new KeyProbe(key, region, replicas: [], previous: [], time).ExamineAsync(cancellationToken);

    private sealed class TestValue(byte[] value) : IPlaintext
    {
        public int Length => value.Length;

        public void CopyTo(Span<byte> destination) => value.CopyTo(destination);
    }
}
