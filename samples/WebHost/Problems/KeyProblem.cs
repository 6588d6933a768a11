using System.Globalization;
using Scalr.Byok.Kms;
using WebHost.Data;

namespace WebHost.Problems;

/// <summary>What a failed use of an account's key means, for a page and for the API.</summary>
/// <param name="Status">The HTTP status: 409 if the customer has to act, 503 for an outage, 500 for a failure of this service.</param>
/// <param name="Type">The type of the problem details (RFC 9457): a URN that stays the same.</param>
/// <param name="Title">The problem in a few words.</param>
/// <param name="Detail">What happened.</param>
/// <param name="Who">Who can correct it.</param>
/// <param name="Remedy">What to do.</param>
/// <param name="Reason">The reason as a stable name; null if there is none.</param>
/// <param name="RetryAfter">The time after which the request may be repeated; null if waiting does not help.</param>
/// <param name="RequestId">The AWS request, for CloudTrail.</param>
public sealed record KeyProblem(
    int Status, string Type, string Title, string Detail, string Who, string Remedy,
    string? Reason = null, TimeSpan? RetryAfter = null, string? RequestId = null)
{
    private const string Customer = "An administrator of your AWS account";
    private const string Service = "The operator of this service";

    private static readonly TimeSpan ShortestRetry = TimeSpan.FromSeconds(5);

    /// <summary>The Retry-After header in whole seconds.</summary>
    public string? RetryAfterSeconds => RetryAfter is { } time
        ? Math.Ceiling(time.TotalSeconds).ToString("0", CultureInfo.InvariantCulture)
        : null;

    /// <summary>The problem that an exception means; null if the exception has nothing to do with keys.</summary>
    public static KeyProblem? Of(Exception exception) => exception switch
    {
        ByokKeyUnavailableException e => new(
            StatusCodes.Status409Conflict, "urn:webhost:problem:key-unavailable", "Your KMS key cannot be used", e.Message, Customer,
            e.Remedy, e.Reason.ToString(), RequestId: e.RequestId),
        DataKeyDeletedException e => new(
            StatusCodes.Status409Conflict, "urn:webhost:problem:data-key-deleted", "The data key was deleted", e.Message,
            "An administrator of this account", "Remove the unreadable data on the page Encryption.",
            "DataKeyDeleted"),
        ByokServiceException { IsTransient: true } e => new(
            StatusCodes.Status503ServiceUnavailable, "urn:webhost:problem:keys-unreachable", "The encryption keys cannot be reached",
            "AWS does not answer. Your data is safe. It cannot be read or written at the moment.", "AWS",
            "Wait a moment, then try again. You have nothing to change.", "ServiceUnavailable",
            e.RetryAfter is { } time && time > ShortestRetry ? time : ShortestRetry, e.RequestId),
        ByokServiceException e => new(
            StatusCodes.Status503ServiceUnavailable, "urn:webhost:problem:host-at-fault", "This service cannot use the key",
            "The AWS identity of this service does not work. Your key is not the cause.", Service,
            "Wait until the operator has corrected it. You have nothing to change.", "HostAtFault", TimeSpan.FromMinutes(1), e.RequestId),
        ByokDecryptionException => new(
            StatusCodes.Status500InternalServerError, "urn:webhost:problem:not-authentic", "Stored data was changed",
            "A stored value does not belong to the place where it is stored, or was changed.", Service,
            "Report this to the operator of this service.", "NotAuthentic"),
        _ => null,
    };
}
