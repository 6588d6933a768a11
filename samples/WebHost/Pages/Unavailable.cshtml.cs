using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WebHost.Problems;

namespace WebHost.Pages;

/// <summary>The page instead of one that failed: what happened, who can correct it, and how.</summary>
[AllowAnonymous]
[IgnoreAntiforgeryToken] // the failed request may be a form
[ResponseCache(NoStore = true, Location = ResponseCacheLocation.None)]
public sealed class UnavailableModel : PageModel
{
    /// <summary>The problem; null if the failure has nothing to do with keys.</summary>
    public KeyProblem? Problem { get; private set; }

    /// <summary>Shows the failure of a page.</summary>
    public void OnGet()
    {
        if (HttpContext.Features.Get<IExceptionHandlerFeature>()?.Error is { } error)
        {
            Problem = KeyProblem.Of(error);
        }

        Response.StatusCode = Problem?.Status ?? StatusCodes.Status500InternalServerError;
        Response.Headers.RetryAfter = Problem?.RetryAfterSeconds;
    }

    /// <summary>Shows the failure of a form.</summary>
    public void OnPost() => OnGet();
}
