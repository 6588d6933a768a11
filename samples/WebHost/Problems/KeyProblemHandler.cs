using Microsoft.AspNetCore.Diagnostics;

namespace WebHost.Problems;

/// <summary>Answers requests of the API with problem details (RFC 9457). Pages show the same problem on the page Unavailable.</summary>
/// <param name="problems">Writes problem details.</param>
public sealed class KeyProblemHandler(IProblemDetailsService problems) : IExceptionHandler
{
    /// <summary>The path below which the answers are JSON.</summary>
    public const string Api = "/api";

    /// <summary>The status of an answer to a request that failed, for example 413 for a file that is too large.</summary>
    public static int StatusOf(KeyProblem? problem, Exception? exception) =>
        problem?.Status ?? (exception as BadHttpRequestException)?.StatusCode ?? StatusCodes.Status500InternalServerError;

    /// <inheritdoc/>
    public ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(httpContext);
        var problem = KeyProblem.Of(exception);
        httpContext.Response.StatusCode = StatusOf(problem, exception);
        httpContext.Response.Headers.RetryAfter = problem?.RetryAfterSeconds;
        httpContext.Response.Headers.CacheControl = "no-store";
        var path = new PathString(httpContext.Features.Get<IExceptionHandlerPathFeature>()?.Path ?? httpContext.Request.Path);
        if (!path.StartsWithSegments(Api, StringComparison.Ordinal))
        {
            FailurePage.ForgetForm(httpContext.Request);
            return ValueTask.FromResult(false); // the page is next
        }

        var details = new Microsoft.AspNetCore.Mvc.ProblemDetails
        {
            Status = httpContext.Response.StatusCode,
            Type = problem?.Type,
            Title = problem?.Title ?? "The request failed",
            Detail = problem?.Detail,
        };
        if (problem is not null)
        {
            details.Extensions["reason"] = problem.Reason;
            details.Extensions["remedy"] = problem.Remedy;
            details.Extensions["who"] = problem.Who;
            details.Extensions["awsRequestId"] = problem.RequestId;
        }

        return problems.TryWriteAsync(new() { HttpContext = httpContext, ProblemDetails = details });
    }
}
