namespace WebHost.Accounts;

/// <summary>The encryption of one account (a tenant), in a table of the host's database.</summary>
public sealed class Account
{
    /// <summary>The tenant. It is part of all encrypted data and never changes.</summary>
    public required string Tenant { get; init; }

    /// <summary>The phase. Only <see cref="AccountStore"/> writes it.</summary>
    public AccountPhase Phase { get; init; }

    /// <summary>Grows with each change. An update names the version that it has read, so one of two concurrent updates wins.</summary>
    public long Version { get; init; }

    /// <summary>When the phase began (UTC).</summary>
    public DateTime Since { get; init; }

    /// <summary>When AWS KMS was last seen to accept the key of the account (UTC).</summary>
    public DateTime? ConfirmedAt { get; init; }

    /// <summary>The external ID that the host generated for this customer. No form sets it.</summary>
    public required string ExternalId { get; init; }

    /// <summary>The customer's key and credentials as JSON, with protected secrets; null without a customer's key.</summary>
    public string? Settings { get; init; }

    /// <summary>The customer's previous key and its credentials, during a change of the key.</summary>
    public string? PreviousSettings { get; init; }

    /// <summary>Settings that passed "Test connection" and wait for the customer's decision.</summary>
    public string? Draft { get; init; }

    /// <summary>Names the draft, so that a page activates the draft that it has shown.</summary>
    public Guid? DraftId { get; init; }

    /// <summary>What the draft is for.</summary>
    public AccountAction? DraftFor { get; init; }

    /// <summary>Names the present or last move of data. The moves of <see cref="Moves.Move"/> belong to it.</summary>
    public Guid? MoveId { get; init; }
}
