using System.Collections.Frozen;
using System.Text.Json;
using System.Xml;
using Amazon.KeyManagementService;
using Amazon.Runtime;
using Amazon.SecurityToken;
using Polly.Timeout;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Resilience;
using static Scalr.Byok.Kms.ByokKeyUnavailableReason;

namespace Scalr.Byok.Kms.Kms;

/// <summary>The one table from AWS errors to ours.</summary>
/// <remarks>
/// By error code, not by exception type: the AWS SDK has a type only for codes modelled for the very operation, and AccessDeniedException,
/// ThrottlingException and others come as the service's base exception. An answer without a code (from a proxy, say) is judged by its HTTP status.
/// </remarks>
internal static class AwsErrors
{
    private enum Verdict
    {
        Key,            // the customer's to mend
        Ciphertext,     // the encrypted data key is not one of this key and context
        Transient,      // passes by itself
        HostIdentity,   // the host's own AWS identity is not accepted
        Clock,          // this machine's clock and AWS's differ
        Request,        // AWS finds fault with the request itself
    }

    private static readonly FrozenDictionary<string, Entry> Kms = new Dictionary<string, Entry>
    {
        ["DisabledException"] = new(KeyDisabled),
        ["KMSInvalidStateException"] = new(KeyStateInvalid),
        ["NotFoundException"] = new(KeyNotFound),
        ["InvalidKeyUsageException"] = new(WrongKeyUsage),
        ["UnsupportedOperationException"] = new(WrongKeyType),
        ["AccessDeniedException"] = new(AccessDenied),
        ["AccessDenied"] = new(AccessDenied),
        ["NotAuthorized"] = new(AccessDenied),
        ["RegionDisabledException"] = new(RegionDisabled),

        ["UnrecognizedClientException"] = new(CredentialsRejected),
        ["InvalidClientTokenId"] = new(CredentialsRejected),
        ["ExpiredTokenException"] = new(CredentialsRejected),
        ["ExpiredToken"] = new(CredentialsRejected),
        ["InvalidSignatureException"] = new(CredentialsRejected),
        ["SignatureDoesNotMatch"] = new(CredentialsRejected),
        ["IncompleteSignature"] = new(CredentialsRejected),
        ["IncompleteSignatureException"] = new(CredentialsRejected),
        ["MissingAuthenticationToken"] = new(CredentialsRejected),
        ["MissingAuthenticationTokenException"] = new(CredentialsRejected),

        ["InvalidCiphertextException"] = new(Verdict.Ciphertext),
        ["IncorrectKeyException"] = new(Verdict.Ciphertext),

        ["KeyUnavailableException"] = new(Verdict.Transient),
        ["KMSInternalException"] = new(Verdict.Transient),
        ["DependencyTimeoutException"] = new(Verdict.Transient),
    }.Concat(Common()).ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, Entry> Sts = new Dictionary<string, Entry>
    {
        ["AccessDenied"] = new(RoleNotAssumable),
        ["AccessDeniedException"] = new(RoleNotAssumable),
        ["InvalidIdentityToken"] = new(TokenRejected),
        ["InvalidIdentityTokenException"] = new(TokenRejected),
        ["IDPRejectedClaim"] = new(TokenRejected),
        ["IDPRejectedClaimException"] = new(TokenRejected),
        ["RegionDisabledException"] = new(RegionDisabled),

        ["PackedPolicyTooLarge"] = new(SessionPolicyTooLarge),
        ["PackedPolicyTooLargeException"] = new(SessionPolicyTooLarge),

        ["IDPCommunicationError"] = new(Verdict.Transient),
        ["IDPCommunicationErrorException"] = new(Verdict.Transient),

        ["InvalidClientTokenId"] = new(Verdict.HostIdentity),
        ["UnrecognizedClientException"] = new(Verdict.HostIdentity),
        ["SignatureDoesNotMatch"] = new(Verdict.HostIdentity),
        ["InvalidSignatureException"] = new(Verdict.HostIdentity),
        ["IncompleteSignature"] = new(Verdict.HostIdentity),
        ["IncompleteSignatureException"] = new(Verdict.HostIdentity),
        ["MissingAuthenticationToken"] = new(Verdict.HostIdentity),
        ["MissingAuthenticationTokenException"] = new(Verdict.HostIdentity),
        ["ExpiredToken"] = new(Verdict.HostIdentity),

        // With a web identity it is the customer's token that expired; see Judge.
        ["ExpiredTokenException"] = new(Verdict.HostIdentity),
    }.Concat(Common()).ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Whether KMS says that a session is no longer good, so that a new one may mend it.</summary>
    public static bool SaysSessionEnded(AmazonServiceException error) =>
        error.ErrorCode is "ExpiredTokenException" or "ExpiredToken" or "UnrecognizedClientException" or "InvalidClientTokenId";

    /// <summary>Whether the exception is one that <see cref="Translate"/> takes: an answer of AWS or a failure to get one.</summary>
    /// <remarks>A cancellation counts where the caller did not ask for it. The AWS SDK lets the XML reader's own exception out when AWS STS seems to answer 200 with something else.</remarks>
    public static bool IsAws(Exception error) =>
        error is AmazonServiceException or AmazonClientException or HttpRequestException or IOException or XmlException or JsonException
            or TimeoutException or TimeoutRejectedException or OperationCanceledException;

    /// <summary>The exception to throw in place of what the AWS SDK, the transport or a time limit threw.</summary>
    /// <param name="error">What was thrown.</param>
    /// <param name="key">The key that was to be used.</param>
    /// <param name="action">The action under way: of KMS, or <paramref name="sessionAction"/>.</param>
    /// <param name="sessionAction">The STS action that the credentials are sessions of; null if they are not ours to renew.</param>
    public static ByokException Translate(Exception error, KmsKeyArn key, string action, string? sessionAction)
    {
        var stsAction = sessionAction ?? AwsAction.AssumeRole;

        error = AnswerTooLargeException.In(error) ?? error;
        error = HostCredentialsException.In(error) ?? error;

        // The AWS SDK's own role credentials, which a host's strategy may use, wrap what STS said.
        if (error is AmazonClientException { InnerException: AmazonServiceException wrapped })
        {
            error = wrapped;
        }

        return error switch
        {
            AmazonSecurityTokenServiceException sts => Judge(sts, Sts, key, stsAction, sessionAction: null),
            AmazonServiceException service => Judge(service, action == sessionAction ? Sts : Kms, key, action, sessionAction),
            HostCredentialsException => HostIdentityFailed(error, key, stsAction, requestId: null, "was not found"),
            TimeoutRejectedException limit => ServiceFailed(
                $"did not finish within {limit.Timeout.TotalSeconds:0.###} s", error, key, action, isTransient: true),
            AnswerTooLargeException => ServiceFailed($"failed: {error.Message}", error, key, action, isTransient: true),
            AmazonClientException or XmlException or JsonException => ServiceFailed(
                "failed: AWS answered with nothing that could be read", error, key, action, isTransient: true),
            _ => ServiceFailed($"failed because {NetworkFailure.Describe(error, key.Region)}", error, key, action, isTransient: true),
        };
    }

    private static ByokException Judge(AmazonServiceException error, FrozenDictionary<string, Entry> table, KmsKeyArn key, string action, string? sessionAction)
    {
        var found = error.ErrorCode is { Length: > 0 } code && table.TryGetValue(code, out var known) ? known : ByStatus(error);
        var entry = Refine(found, error, action);
        var requestId = AwsAnswers.RequestId(error);
        return entry.Verdict switch
        {
            Verdict.Key when entry.Reason == CredentialsRejected && sessionAction is not null => ServiceFailed(
                $"was refused: AWS KMS does not accept a session that {sessionAction} has just begun ({error.ErrorCode})", error, key, action, isTransient: true),
            Verdict.Key => new ByokKeyUnavailableException(key, entry.Reason, action, requestId, Cause(error)),
            Verdict.Ciphertext => new ByokDecryptionException(),
            Verdict.HostIdentity => HostIdentityFailed(error, key, action, requestId, $"was refused by AWS STS ({error.ErrorCode})"),
            Verdict.Clock => ServiceFailed(
                $"failed because this machine's clock and that of AWS differ ({error.ErrorCode}); check this machine's clock",
                error, key, action, isTransient: true, isClockOff: true),
            Verdict.Transient => ServiceFailed($"failed: AWS answered {AwsAnswers.Name(error)}", error, key, action, isTransient: true),
            _ => ServiceFailed($"was refused: AWS answered {AwsAnswers.Name(error)}", error, key, action, isTransient: false),
        };
    }

    /// <summary>Codes that stand for several things: what AWS says beside them decides.</summary>
    private static Entry Refine(Entry entry, AmazonServiceException error, string action)
    {
        bool Says(string text) => error.Message.Contains(text, StringComparison.OrdinalIgnoreCase);
        return error.ErrorCode switch
        {
            "KMSInvalidStateException" when Says("pending deletion") || Says("pending replica deletion") => new(KeyPendingDeletion),
            "KMSInvalidStateException" when Says("pending import") => new(KeyMaterialMissing),
            "KMSInvalidStateException" when Says("unavailable") => new(KeyStoreUnavailable),
            "KMSInvalidStateException" when Says("is disabled") => new(KeyDisabled),
            "DisabledException" when Says("pending deletion") => new(KeyPendingDeletion),
            "NotFoundException" when Says("invalid arn") => new(WrongRegion),
            "InvalidSignatureException" or "SignatureDoesNotMatch" when Says("signature expired") || Says("not yet current") => new(Verdict.Clock),
            "ExpiredTokenException" when action == AwsAction.AssumeRoleWithWebIdentity => new(TokenRejected),
            _ => entry,
        };
    }

    private static Entry ByStatus(AmazonServiceException error) => (int)error.StatusCode switch
    {
        _ when string.IsNullOrEmpty(error.ErrorCode) => new(Verdict.Transient), // cannot be read: a proxy, say
        200 or 408 or 429 or >= 500 => new(Verdict.Transient),
        _ => new(Verdict.Request),
    };

    private static ByokServiceException HostIdentityFailed(Exception error, KmsKeyArn key, string action, string? requestId, string what) =>
        new($"The host's own AWS identity {what}, so {action} for the key {key} was not possible. This is for the host's operator to mend, not for the customer.",
            isTransient: false, Cause(error))
        {
            Operation = action,
            Region = key.Region,
            RequestId = requestId,
            Code = KnownCode(error),
        };

    private static ByokServiceException ServiceFailed(string what, Exception error, KmsKeyArn key, string action, bool isTransient, bool isClockOff = false) =>
        new($"{action} for the key {key} {what}. {(isTransient ? "Try again later; the key itself is not to blame." : "Trying again will not help.")}",
            isTransient, Cause(error))
        {
            Operation = action,
            Region = key.Region,
            RequestId = AwsAnswers.RequestId(error),
            RetryAfter = AwsAnswers.RetryAfter(error),
            Code = KnownCode(error),
            IsClockOff = isClockOff,
            Trouble = !isTransient ? ServiceTrouble.Rejected : AwsAnswers.IsThrottling(error) ? ServiceTrouble.Throttled : ServiceTrouble.Outage,
        };

    /// <summary>The cause to keep: none whose text may repeat what was sent (session tokens, external IDs, context values) or a whole answer body.</summary>
    /// <remarks>So only answers with a code of the tables are kept, whose texts are known; ValidationException, for one, quotes what it finds fault with.</remarks>
    private static Exception? Cause(Exception error) => error switch
    {
        AmazonServiceException service => KnownCode(error) is not null && !AwsAnswers.QuotesBody(service) ? error : null,
        XmlException or JsonException => null,
        AmazonClientException when error is not HostCredentialsException => null,
        _ => error,
    };

    private static string? KnownCode(Exception error) => error is AmazonServiceException { ErrorCode: { Length: > 0 } code }
        && !code.Contains("Signature", StringComparison.Ordinal) && (Kms.ContainsKey(code) || Sts.ContainsKey(code)) ? code : null;

    private static IEnumerable<KeyValuePair<string, Entry>> Common()
    {
        string[] transient =
        [
            .. AwsAnswers.ThrottlingCodes, "RequestTimeout", "RequestTimeoutException",
            "InternalFailure", "InternalError", "InternalServerError", "ServiceUnavailable", "ServiceUnavailableException",
        ];
        string[] clock = ["RequestExpired", "RequestTimeTooSkewed", "RequestInTheFuture"];
        return transient.Select(code => KeyValuePair.Create(code, new Entry(Verdict.Transient)))
            .Concat(clock.Select(code => KeyValuePair.Create(code, new Entry(Verdict.Clock))));
    }

    private readonly record struct Entry(Verdict Verdict, ByokKeyUnavailableReason Reason = default)
    {
        public Entry(ByokKeyUnavailableReason reason)
            : this(Verdict.Key, reason)
        {
        }
    }
}
