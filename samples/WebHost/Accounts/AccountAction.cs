namespace WebHost.Accounts;

/// <summary>What can be done with an account's encryption.</summary>
public enum AccountAction
{
    /// <summary>The customer brings a key.</summary>
    Enable = 1,

    /// <summary>The customer replaces the key by another one.</summary>
    ChangeKey = 2,

    /// <summary>The customer gives other credentials for the same key.</summary>
    ChangeCredentials = 3,

    /// <summary>The customer returns to the platform key.</summary>
    ReturnToPlatformKey = 4,

    /// <summary>All data has moved. The re-encryption job does this; no page does.</summary>
    FinishMove = 5,

    /// <summary>The customer deletes the account's data keys.</summary>
    DeleteDataKey = 6,

    /// <summary>The customer removes the unreadable data. Variables that are not sensitive stay.</summary>
    StartAgain = 7,
}
