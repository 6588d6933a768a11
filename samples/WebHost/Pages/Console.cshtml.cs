using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WebHost.Accounts;
using WebHost.Demo;

namespace WebHost.Pages;

/// <summary>The stand-in for the AWS console of the signed-in customer. Only with LocalAws.</summary>
/// <param name="services">The services; without LocalAws there are no consoles.</param>
/// <param name="accounts">The accounts.</param>
[Authorize(SignedInAccount.Policy)]
[ResponseCache(NoStore = true, Location = ResponseCacheLocation.None)]
public sealed class ConsoleModel(IServiceProvider services, AccountStore accounts) : PageModel
{
    /// <summary>The consoles.</summary>
    public CustomerConsoles Consoles { get; } = services.GetService<CustomerConsoles>()!;

    /// <summary>The console of the signed-in customer.</summary>
    public CustomerConsole Own => Consoles.Of(User.Tenant());

    /// <summary>The access key that was just created. AWS shows it once as well.</summary>
    public LocalAws.LocalAccessKey? AccessKey { get; private set; }

    /// <summary>What AWS says against a policy.</summary>
    public string? Error { get; private set; }

    /// <summary>Rejects all requests when AWS is real.</summary>
    public override void OnPageHandlerExecuting(Microsoft.AspNetCore.Mvc.Filters.PageHandlerExecutingContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (Consoles is null)
        {
            context.Result = NotFound();
        }
    }

    /// <summary>Shows the console.</summary>
    public void OnGet()
    {
    }

    /// <summary>Creates a key.</summary>
    public IActionResult OnPostCreateKey() => Do(Own.CreateKey);

    /// <summary>Creates a user with an access key.</summary>
    public IActionResult OnPostCreateUser(string policy) => Show(() => AccessKey = Own.CreateUser(policy));

    /// <summary>Creates a role.</summary>
    public IActionResult OnPostCreateRole(string trust, string policy) => Show(() => Own.CreateRole(trust, policy));

    /// <summary>Registers an identity provider.</summary>
    public IActionResult OnPostAddProvider(string url, string audience) =>
        Show(() => Own.AddProvider(url, audience, new Uri($"{Request.Scheme}://{Request.Host}")));

    /// <summary>Enables or disables a key.</summary>
    public IActionResult OnPostSwitchKey(string arn) => Do(() => Own.SwitchKey(arn));

    /// <summary>Schedules the deletion of a key.</summary>
    public IActionResult OnPostDeleteKey(string arn) => Do(() => Own.DeleteKey(arn));

    /// <summary>Removes a permission, or gives it back.</summary>
    public IActionResult OnPostSwitchPermission(string arn) => Do(() => Own.SwitchPermission(arn));

    /// <summary>Removes a role's trust, or gives it back.</summary>
    public IActionResult OnPostSwitchTrust(string arn) => Do(() => Own.SwitchTrust(arn));

    /// <summary>Changes the external ID in a trust policy.</summary>
    public async Task<IActionResult> OnPostChangeExternalIdAsync(string arn, string externalId, CancellationToken stop)
    {
        var present = (await accounts.GetAsync(User.Tenant(), stop)).ExternalId;
        return Do(() => Own.ChangeExternalId(arn, present, externalId));
    }

    /// <summary>Takes the Region down, or brings it back.</summary>
    public IActionResult OnPostSwitchRegion() => Do(Consoles.SwitchRegion);

    /// <summary>Takes AWS STS down, or brings it back.</summary>
    public IActionResult OnPostSwitchSts() => Do(Consoles.SwitchSts);

    private IActionResult Do(Action action)
    {
        try
        {
            action();
        }
        catch (KeyNotFoundException)
        {
            return NotFound(); // the ARN of another console, or none
        }

        return RedirectToPage();
    }

    private PageResult Show(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            Error = e.Message;
        }

        return Page();
    }
}
