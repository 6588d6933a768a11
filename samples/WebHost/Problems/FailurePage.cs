using Microsoft.AspNetCore.Diagnostics;

namespace WebHost.Problems;

/// <summary>The page Unavailable instead of one that failed. It never reads the failed request's form, which may be an upload.</summary>
internal static class FailurePage
{
    public const string Path = "/Unavailable";

    /// <summary>Shows the page instead of an empty answer with a status of 400 or more. Answers of the API stay as they are.</summary>
    public static void Use(WebApplication app) => app.UseWhen(
        context => !context.Request.Path.StartsWithSegments(KeyProblemHandler.Api, StringComparison.Ordinal),
        pages => pages.UseStatusCodePages(async failed =>
        {
            var http = failed.HttpContext;
            http.Features.Set<IStatusCodeReExecuteFeature>(new StatusCodeReExecuteFeature
            {
                OriginalPath = http.Request.Path,
                OriginalPathBase = http.Request.PathBase,
            });
            http.SetEndpoint(null);
            http.Request.RouteValues.Clear();
            ForgetForm(http.Request);
            http.Request.Path = Path;
            await failed.Next(http);
        }));

    /// <summary>Makes a failed request one that reads the page.</summary>
    public static void ForgetForm(HttpRequest request) => (request.Method, request.ContentType) = (HttpMethods.Get, null);
}
