namespace WebHost.Demo;

/// <summary>The demo accounts. A real host has users with passwords or single sign-on, and takes the account from the user.</summary>
public static class DemoAccounts
{
    /// <summary>The customers: tenant and name.</summary>
    public static IReadOnlyDictionary<string, string> All { get; } = new Dictionary<string, string>
    {
        ["acme"] = "Acme Corporation",
        ["globex"] = "Globex Industries",
        ["initech"] = "Initech",
    };

    /// <summary>The AWS account of a demo customer in LocalAws.</summary>
    public static string AwsAccountOf(string tenant) => tenant switch
    {
        "acme" => "111122223333",
        "globex" => "222233334444",
        _ => "333344445555",
    };
}
