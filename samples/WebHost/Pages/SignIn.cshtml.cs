using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WebHost.Accounts;
using WebHost.Demo;

namespace WebHost.Pages;

/// <summary>The choice of a demo account.</summary>
[AllowAnonymous]
public sealed class SignInModel : PageModel
{
    /// <summary>Signs in.</summary>
    public async Task<IActionResult> OnPostAsync(string? account)
    {
        if (account == "operator")
        {
            await HttpContext.SignInAsync(SignedInAccount.Operator());
            return Redirect("/Operator");
        }

        if (account is null || !DemoAccounts.All.TryGetValue(account, out var name))
        {
            return BadRequest();
        }

        await HttpContext.SignInAsync(SignedInAccount.Customer(account, name));
        return Redirect("/Variables");
    }

    /// <summary>Signs out.</summary>
    public async Task<IActionResult> OnPostSignOutAsync()
    {
        await HttpContext.SignOutAsync();
        return Redirect("/SignIn");
    }
}
