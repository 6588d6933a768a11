namespace WebHost.Accounts;

/// <summary>The result of an attempt to change an account.</summary>
public enum AccountChange
{
    /// <summary>The change was made.</summary>
    Done = 1,

    /// <summary>Another request or process has changed the account since it was read. Nothing was changed.</summary>
    Stale = 2,

    /// <summary>The action is illegal in the account's phase. Nothing was changed.</summary>
    Illegal = 3,

    /// <summary>Another account has registered the key or the role. Nothing was changed.</summary>
    Registered = 4,
}
