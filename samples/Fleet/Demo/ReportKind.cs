namespace Fleet.Demo;

/// <summary>What an instance reports.</summary>
internal enum ReportKind
{
    /// <summary>The instance has used the key of each tenant once.</summary>
    Ready = 0,

    /// <summary>A tenant's key can be used. The detail is the ARN of the current key.</summary>
    Served,

    /// <summary>A tenant's key can no longer be used. The detail is the reason.</summary>
    Refused,

    /// <summary>A request about a tenant's key was sent to AWS. The detail is the operation.</summary>
    Asked,

    /// <summary>A tenant's settings were invalidated. The detail is whether the other instances have been notified.</summary>
    Invalidated,
}
