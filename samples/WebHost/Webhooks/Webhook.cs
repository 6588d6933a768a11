namespace WebHost.Webhooks;

/// <summary>Where a customer wants to receive the events of their key.</summary>
public sealed class Webhook
{
    /// <summary>The tenant.</summary>
    public required string Tenant { get; init; }

    /// <summary>The address.</summary>
    public required string Url { get; set; }

    /// <summary>The signing secret, encrypted by data protection.</summary>
    public required string Secret { get; set; }
}
