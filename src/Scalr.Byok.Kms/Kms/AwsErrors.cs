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

/// <summary>The table that maps errors of AWS to the exceptions of this library.</summary>
/// <remarks>
/// Mapped by error code, not by exception type: the AWS SDK has a type only for codes modelled for the very operation.
/// AccessDeniedException, ThrottlingException and others arrive as the base exception of the service. An answer without a code, for example
/// from a proxy, is mapped by its HTTP status.
/// </remarks>
internal static class AwsErrors
{
    private enum ErrorKind
    {
        Key,            // for the customer to correct
        Ciphertext,     // the encrypted data key does not belong to this key and context
        Transient,      // passes without a change
        HostIdentity,   // the host's own AWS identity is not accepted
        HostToken,      // the host's own OIDC token is not accepted; nothing in the customer's account can change that
        HostIssuer,     // AWS STS cannot reach the issuer of the host's token; may pass without a change
        Clock,          // the clocks of this machine and AWS differ
        Request,        // AWS rejects the request itself
    }

    /// <summary>Parts of the messages of AWS STS about a token that no change in the customer's account can correct.</summary>
    private static readonly string[] HostTokenFaults =
        ["expired", "valid JWT", "JSON Web Token", "signature", "required claim", "not valid yet"];

    private static readonly FrozenDictionary<string, Entry> Kms = new Dictionary<string, Entry>
    {
        ["DisabledException"] = new(KeyDisabled),
        ["KMSInvalidStateException"] = new(KeyStateInvalid),
        ["NotFoundException"] = new(KeyNotFound),
        ["InvalidKeyUsageException"] = new(UnsupportedKeyUsage),
        ["UnsupportedOperationException"] = new(UnsupportedKeySpec),
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

        ["InvalidCiphertextException"] = new(ErrorKind.Ciphertext),
        ["IncorrectKeyException"] = new(ErrorKind.Ciphertext),

        ["KeyUnavailableException"] = new(ErrorKind.Transient),
        ["KMSInternalException"] = new(ErrorKind.Transient),
        ["DependencyTimeoutException"] = new(ErrorKind.Transient),
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

        ["IDPCommunicationError"] = new(ErrorKind.HostIssuer),
        ["IDPCommunicationErrorException"] = new(ErrorKind.HostIssuer),

        ["InvalidClientTokenId"] = new(ErrorKind.HostIdentity),
        ["UnrecognizedClientException"] = new(ErrorKind.HostIdentity),
        ["SignatureDoesNotMatch"] = new(ErrorKind.HostIdentity),
        ["InvalidSignatureException"] = new(ErrorKind.HostIdentity),
        ["IncompleteSignature"] = new(ErrorKind.HostIdentity),
        ["IncompleteSignatureException"] = new(ErrorKind.HostIdentity),
        ["MissingAuthenticationToken"] = new(ErrorKind.HostIdentity),
        ["MissingAuthenticationTokenException"] = new(ErrorKind.HostIdentity),
        ["ExpiredToken"] = new(ErrorKind.HostIdentity),

        // With a web identity, the host's token has expired; see Refine.
        ["ExpiredTokenException"] = new(ErrorKind.HostIdentity),
    }.Concat(Common()).ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Whether AWS KMS no longer accepts a session, so that a new session may succeed.</summary>
    public static bool SaysSessionEnded(AmazonServiceException error) =>
        error.ErrorCode is "ExpiredTokenException" or "ExpiredToken" or "UnrecognizedClientException" or "InvalidClientTokenId";

    /// <summary>Whether <see cref="Translate"/> handles the exception: an answer of AWS, or a failure to get one.</summary>
    /// <remarks>
    /// A cancellation counts if the caller did not request it. The AWS SDK passes on the exceptions of its readers if an answer of AWS STS
    /// with status 200 is not XML, or has a number or a date that is none.
    /// </remarks>
    public static bool IsAws(Exception error) =>
        error is AmazonServiceException or AmazonClientException or HttpRequestException or IOException or TimeoutException
            or TimeoutRejectedException or OperationCanceledException
        || IsOfReader(error);

    /// <summary>Whether the exception says that an answer could not be read. Its text may quote the answer.</summary>
    private static bool IsOfReader(Exception error) => error is XmlException or JsonException or FormatException or OverflowException;

    /// <summary>Maps an exception of the AWS SDK, the transport or a time limit to an exception of this library.</summary>
    /// <param name="error">The exception.</param>
    /// <param name="key">The key of the call.</param>
    /// <param name="action">The action under way: an action of KMS, or <paramref name="sessionAction"/>.</param>
    /// <param name="sessionAction">
    /// The STS action that starts sessions of the credentials; null if this library does not renew them.
    /// </param>
    /// <param name="late">How late a time limit was noticed (<see cref="AwsPipeline.Lateness"/>).</param>
    /// <param name="address">The address that was called, for a time limit; null if it is not known.</param>
    /// <param name="isOfHost">Whether the credentials are the host's own, so that their rejection is no fault of a customer.</param>
    public static ByokException Translate(
        Exception error,
        KmsKeyArn key,
        string action,
        string? sessionAction,
        TimeSpan late = default,
        string? address = null,
        bool isOfHost = false)
    {
        var stsAction = sessionAction ?? (isOfHost ? action : AwsAction.AssumeRole);

        error = AnswerTooLargeException.In(error) ?? error;
        error = HostCredentialsException.In(error) ?? error;

        // The AWS SDK's own role credentials, which a host's strategy may use, wrap the answer of AWS STS.
        if (error is AmazonClientException { InnerException: AmazonServiceException wrapped })
        {
            error = wrapped;
        }

        return error switch
        {
            AmazonSecurityTokenServiceException sts => Judge(sts, Sts, key, stsAction, sessionAction: null, isOfHost),
            AmazonServiceException service => Judge(service, action == sessionAction ? Sts : Kms, key, action, sessionAction, isOfHost),
            HostCredentialsException => HostIdentityFailed(error, key, stsAction, requestId: null, "was not found"),
            TimeoutRejectedException limit => ServiceFailed(
                AwsPipeline.DidNotFinish(limit.Timeout, late, address),
                error,
                key,
                action,
                isTransient: true,
                isHostLate: late > TimeSpan.Zero),
            AnswerTooLargeException => ServiceFailed($"failed: {error.Message}", error, key, action, isTransient: true),
            _ when error is AmazonClientException || IsOfReader(error) => ServiceFailed(
                "failed: AWS sent an answer that could not be read", error, key, action, isTransient: true),
            _ => ServiceFailed($"failed because {NetworkFailure.Describe(error, key.Region)}", error, key, action, isTransient: true),
        };
    }

    private static ByokException Judge(
        AmazonServiceException error,
        FrozenDictionary<string, Entry> table,
        KmsKeyArn key,
        string action,
        string? sessionAction,
        bool isOfHost)
    {
        var found = error.ErrorCode is { Length: > 0 } code && table.TryGetValue(code, out var known) ? known : ByStatus(error);
        var entry = Refine(found, error, action);
        var requestId = AwsAnswers.RequestId(error);
        return entry.ErrorKind switch
        {
            // AWS STS has just granted this session, so its rejection is not caused by the customer.
            ErrorKind.Key when entry.Reason == CredentialsRejected && sessionAction is not null => ServiceFailed(
                $"was rejected: AWS KMS does not accept a session that {sessionAction} has just begun ({error.ErrorCode})",
                error,
                key,
                action,
                isTransient: true),
            ErrorKind.Key when isOfHost && (table == Sts || entry.Reason == CredentialsRejected) => HostIdentityFailed(
                error, key, action, requestId, $"was rejected by {(table == Sts ? "AWS STS" : "AWS KMS")} ({error.ErrorCode})"),
            ErrorKind.Key => new ByokKeyUnavailableException(key, entry.Reason, action, requestId, Cause(error)) { IsOfHost = isOfHost },
            ErrorKind.Ciphertext => new ByokDecryptionException(),
            ErrorKind.HostIdentity => HostIdentityFailed(error, key, action, requestId, $"was rejected by AWS STS ({error.ErrorCode})"),
            ErrorKind.HostToken => HostTokenRefused(error, key, action, requestId),
            ErrorKind.HostIssuer => ServiceFailed(
                $"failed: AWS STS could not reach the issuer of the host's OIDC token ({error.ErrorCode})",
                error, key, action, isTransient: true, isOfHost: true),
            ErrorKind.Clock => ServiceFailed(
                $"failed because this machine's clock and that of AWS differ ({error.ErrorCode}); check this machine's clock",
                error, key, action, isTransient: true, isClockOff: true),
            ErrorKind.Transient => ServiceFailed($"failed: AWS answered {AwsAnswers.Name(error)}", error, key, action, isTransient: true),
            _ => ServiceFailed($"was rejected: AWS answered {AwsAnswers.Name(error)}", error, key, action, isTransient: false),
        };
    }

    /// <summary>Refines codes that have several meanings by the message of AWS.</summary>
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
            "InvalidSignatureException" or "SignatureDoesNotMatch" when Says("signature expired") || Says("not yet current") =>
                new(ErrorKind.Clock),
            "ExpiredTokenException" when action == AwsAction.AssumeRoleWithWebIdentity => new(ErrorKind.HostToken),
            // the identity provider's key could not be fetched
            "InvalidIdentityToken" or "InvalidIdentityTokenException" when Says("verification key") => new(ErrorKind.HostIssuer),
            "InvalidIdentityToken" or "InvalidIdentityTokenException" when !Says("provider") && !Says("audience")
                && HostTokenFaults.Any(Says) => new(ErrorKind.HostToken),
            _ => entry,
        };
    }

    private static Entry ByStatus(AmazonServiceException error) => (int)error.StatusCode switch
    {
        _ when string.IsNullOrEmpty(error.ErrorCode) => new(ErrorKind.Transient), // unreadable, for example from a proxy
        200 or 408 or 429 or >= 500 => new(ErrorKind.Transient),
        _ => new(ErrorKind.Request),
    };

    private static ByokServiceException HostIdentityFailed(Exception error, KmsKeyArn key, string action, string? requestId, string what) =>
        new($"The host's own AWS identity {what}, so {action} for the key {key} was not possible. This is for the host's operator to "
            + $"correct, not for the customer: set {nameof(ByokOptions.HostIdentity)} in the options of AddScalrByok, or give the process "
            + "an AWS role.",
            isTransient: false, Cause(error))
        {
            Operation = action,
            Region = key.Region,
            RequestId = requestId,
            Code = KnownCode(error),
        };

    private static ByokServiceException HostTokenRefused(AmazonServiceException error, KmsKeyArn key, string action, string? requestId) =>
        new($"The host's OIDC token was rejected by AWS STS ({error.ErrorCode}), so {action} for the key {key} was not possible: "
            + "the token has expired, is malformed, or is not signed with a key that its issuer publishes. This is for the host's "
                + "operator to correct, not for the customer.",
            isTransient: false, Cause(error))
        {
            Operation = action,
            Region = key.Region,
            RequestId = requestId,
            Code = KnownCode(error),
        };

    private static ByokServiceException ServiceFailed(
        string what,
        Exception error,
        KmsKeyArn key,
        string action,
        bool isTransient,
        bool isClockOff = false,
        bool isHostLate = false,
        bool isOfHost = false) =>
        new($"{action} for the key {key} {what}. {(isTransient ? "Try again later. The key itself is not the cause." : "Trying again "
            + "will not help.")}",
            isTransient, Cause(error))
        {
            Operation = action,
            Region = key.Region,
            RequestId = AwsAnswers.RequestId(error),
            RetryAfter = AwsAnswers.RetryAfter(error),
            Code = KnownCode(error),
            IsClockOff = isClockOff,
            IsAtConfiguredAddress = what.EndsWith(NetworkFailure.OfOperator, StringComparison.Ordinal),
            IsOfHost = isOfHost,
            IsHostLate = isHostLate,
            FailureKind = !isTransient
                ? ServiceFailureKind.Rejected
                : AwsAnswers.IsThrottling(error) ? ServiceFailureKind.Throttled : ServiceFailureKind.Outage,
        };

    /// <summary>
    /// The cause to keep as the inner exception. Null if its text may repeat what was sent (session tokens, external IDs, context values)
    /// or a whole body.
    /// </summary>
    /// <remarks>
    /// Only answers with a code of the tables are kept, because their texts are known. ValidationException, for example, quotes the
    /// request.
    /// </remarks>
    private static Exception? Cause(Exception error) => error switch
    {
        AmazonServiceException service => KnownCode(error) is not null && !AwsAnswers.QuotesBody(service) ? error : null,
        HostCredentialsException => error,
        AmazonClientException => null,
        _ => NetworkFailure.MayQuote(error) ? null : error,
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
        return transient.Select(code => KeyValuePair.Create(code, new Entry(ErrorKind.Transient)))
            .Concat(clock.Select(code => KeyValuePair.Create(code, new Entry(ErrorKind.Clock))));
    }

    private readonly record struct Entry(ErrorKind ErrorKind, ByokKeyUnavailableReason Reason = default)
    {
        public Entry(ByokKeyUnavailableReason reason)
            : this(ErrorKind.Key, reason)
        {
        }
    }
}
