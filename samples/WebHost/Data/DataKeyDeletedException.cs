namespace WebHost.Data;

/// <summary>The account's data keys were deleted, so its data is unreadable.</summary>
public sealed class DataKeyDeletedException() : Exception("The data key of this account was deleted. The encrypted data is unreadable.");
