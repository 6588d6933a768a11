using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WebHost.Problems;

namespace WebHost.Pages;

/// <summary>The page instead of one that failed: what happened, who can correct it, and how.</summary>
[AllowAnonymous]
[ResponseCache(NoStore = true, Location = ResponseCacheLocation.None)]
public sealed class UnavailableModel : PageModel
{
    /// <summary>The problem; null if the failure has nothing to do with keys.</summary>
    public KeyProblem? Problem { get; private set; }

    /// <summary>What happened, if it has nothing to do with keys.</summary>
    public string Sentence => Response.StatusCode switch
    {
        StatusCodes.Status400BadRequest => "This service does not accept the form. Go back, load the page again, and send the form again.",
        StatusCodes.Status404NotFound => "There is no such page, variable or file in this account.",
        StatusCodes.Status413PayloadTooLarge => "The file is too large. It may have 1 GiB at most.",
        _ => "Something failed in this service. Try again. If it fails again, report it to the operator.",
    };

    /// <summary>Shows the failure of a page or a form. Without an exception, the status of the answer says what happened.</summary>
    public void OnGet()
    {
        if (HttpContext.Features.Get<IExceptionHandlerFeature>()?.Error is { } error)
        {
            Problem = KeyProblem.Of(error);
            Response.StatusCode = KeyProblemHandler.StatusOf(Problem, error);
            Response.Headers.RetryAfter = Problem?.RetryAfterSeconds;
        }
        else if (HttpContext.Features.Get<IStatusCodeReExecuteFeature>() is null)
        {
            Response.StatusCode = StatusCodes.Status404NotFound; // the address itself
        }
    }
}
