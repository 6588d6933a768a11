using System.Globalization;

namespace Byok.Cli.Audit;

/// <summary>One request that needs an explanation.</summary>
/// <param name="Kind">The kind: a constant of <see cref="FindingKind"/>.</param>
/// <param name="Time">When the request was sent or completed.</param>
/// <param name="Operation">The action.</param>
/// <param name="Resource">The ARN of the key, or of the role of an STS action.</param>
/// <param name="RequestId">The AWS request id; null if there is none.</param>
/// <param name="Who">The tenant or ring of a record; the principal of an event.</param>
/// <param name="ErrorCode">The error code; null for success.</param>
internal sealed record Finding(
    string Kind, DateTimeOffset Time, string Operation, string? Resource, string? RequestId, string? Who, string? ErrorCode)
{
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Kind,-16} {Time.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ} {Operation} {Resource ?? "-"} request {RequestId ?? "-"} by {Who ?? "-"}"
        + $"{(ErrorCode is null ? "" : $" ({ErrorCode})")}");
}
