namespace WebHost.Webhooks;

/// <summary>One message to a customer's address. It stays in the table until it was accepted or given up.</summary>
public sealed class WebhookDelivery
{
    /// <summary>The id of the message, which all attempts share.</summary>
    public required string Id { get; init; }

    /// <summary>The tenant.</summary>
    public required string Tenant { get; init; }

    /// <summary>The JSON that is sent.</summary>
    public required string Payload { get; init; }

    /// <summary>When the message was made (UTC).</summary>
    public DateTime CreatedAt { get; init; }

    /// <summary>The number of attempts.</summary>
    public int Attempts { get; init; }

    /// <summary>When the next attempt is due (UTC); null: delivered or given up.</summary>
    public DateTime? NextAttempt { get; init; }

    /// <summary>The result of the last attempt, in words for the customer.</summary>
    public string Status { get; init; } = "waits";
}
