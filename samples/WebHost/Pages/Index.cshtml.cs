using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WebHost.Accounts;

namespace WebHost.Pages;

/// <summary>The address of the host leads to the variables.</summary>
[Authorize(SignedInAccount.Policy)]
public sealed class IndexModel : PageModel
{
    /// <summary>Leads on.</summary>
    public IActionResult OnGet() => Redirect("/Variables");
}
