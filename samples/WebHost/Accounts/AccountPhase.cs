namespace WebHost.Accounts;

/// <summary>Which key an account's data is under. Stored as a number: do not change the numbers.</summary>
public enum AccountPhase
{
    /// <summary>All data is under the platform key.</summary>
    PlatformKey = 1,

    /// <summary>New data is under the customer's key. Older data moves there from the platform key.</summary>
    MovingToCustomerKey = 2,

    /// <summary>All data is under the customer's key.</summary>
    CustomerKey = 3,

    /// <summary>New data is under the customer's new key. Older data moves there from the customer's previous key.</summary>
    MovingToNewKey = 4,

    /// <summary>New data is under the platform key. Older data moves there from the customer's key.</summary>
    MovingToPlatformKey = 5,

    /// <summary>The account's data keys were deleted. Its encrypted data is unreadable.</summary>
    DataKeyDeleted = 6,
}
