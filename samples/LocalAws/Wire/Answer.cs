namespace LocalAws.Wire;

/// <summary>A complete answer, before the fault of the request, if there is one, is applied to it.</summary>
internal sealed record Answer(int Status, string ContentType, byte[] Body)
{
    /// <summary>The error code for the request log; null on success.</summary>
    public string? ErrorCode { get; init; }

    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The request id in the body; null where the body has none.</summary>
    public string? RequestId { get; init; }
}
