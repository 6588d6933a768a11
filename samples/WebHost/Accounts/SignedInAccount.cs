using System.Security.Claims;

namespace WebHost.Accounts;

/// <summary>Which tenant a request is for: that of the signed-in user, never one that the request names.</summary>
public static class SignedInAccount
{
    /// <summary>The policy of pages and API: a customer is signed in.</summary>
    public const string Policy = "customer";

    /// <summary>The policy of the operator's page.</summary>
    public const string OperatorPolicy = "operator";

    private const string TenantClaim = "tenant";

    /// <summary>The tenant of the signed-in user.</summary>
    /// <exception cref="InvalidOperationException">No customer is signed in; the policy should have rejected the request.</exception>
    public static string Tenant(this ClaimsPrincipal user) =>
        user.FindTenant() ?? throw new InvalidOperationException("No customer is signed in.");

    /// <summary>The tenant of the signed-in user; null if no customer is signed in.</summary>
    public static string? FindTenant(this ClaimsPrincipal user)
    {
        ArgumentNullException.ThrowIfNull(user);
        return user.FindFirstValue(TenantClaim);
    }

    /// <summary>A signed-in customer.</summary>
    public static ClaimsPrincipal Customer(string tenant, string name) =>
        new(new ClaimsIdentity([new(TenantClaim, tenant), new(ClaimTypes.Name, name)], "demo"));

    /// <summary>The signed-in operator of the host.</summary>
    public static ClaimsPrincipal Operator() =>
        new(new ClaimsIdentity([new(ClaimTypes.Role, OperatorPolicy), new(ClaimTypes.Name, "Operator")], "demo"));

    /// <summary>Adds the two policies. Without a policy of its own, an endpoint demands a customer.</summary>
    public static IServiceCollection AddSignedInAccounts(this IServiceCollection services) => services.AddAuthorization(options =>
    {
        options.AddPolicy(Policy, policy => policy.RequireClaim(TenantClaim));
        options.AddPolicy(OperatorPolicy, policy => policy.RequireRole(OperatorPolicy));
        options.DefaultPolicy = options.FallbackPolicy = options.GetPolicy(Policy)!;
    });
}
