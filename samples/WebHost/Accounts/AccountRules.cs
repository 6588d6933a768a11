namespace WebHost.Accounts;

/// <summary>The state machine: which action is legal in which phase, and the phase that follows.</summary>
public static class AccountRules
{
    /// <summary>The phase that follows an action; null if the action is illegal in this phase.</summary>
    public static AccountPhase? Next(AccountPhase phase, AccountAction action) => (phase, action) switch
    {
        (AccountPhase.PlatformKey, AccountAction.Enable) => AccountPhase.MovingToCustomerKey,
        (AccountPhase.CustomerKey, AccountAction.ChangeKey) => AccountPhase.MovingToNewKey,
        (AccountPhase.MovingToCustomerKey or AccountPhase.CustomerKey, AccountAction.ReturnToPlatformKey) =>
            AccountPhase.MovingToPlatformKey,
        (AccountPhase.MovingToCustomerKey or AccountPhase.MovingToNewKey, AccountAction.FinishMove) => AccountPhase.CustomerKey,
        (AccountPhase.MovingToPlatformKey, AccountAction.FinishMove) => AccountPhase.PlatformKey,
        (not AccountPhase.PlatformKey and not AccountPhase.DataKeyDeleted, AccountAction.ChangeCredentials) => phase,
        (not AccountPhase.DataKeyDeleted, AccountAction.DeleteDataKey) => AccountPhase.DataKeyDeleted,
        (AccountPhase.DataKeyDeleted, AccountAction.StartAgain) => AccountPhase.PlatformKey,
        _ => null,
    };

    /// <summary>Whether an action is legal in a phase.</summary>
    public static bool Allows(this AccountPhase phase, AccountAction action) => Next(phase, action) is not null;

    /// <summary>Whether data moves from one key to another in this phase.</summary>
    public static bool IsMove(this AccountPhase phase) =>
        phase is AccountPhase.MovingToCustomerKey or AccountPhase.MovingToNewKey or AccountPhase.MovingToPlatformKey;
}
