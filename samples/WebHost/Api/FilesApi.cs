using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http.Features;
using WebHost.Accounts;
using WebHost.Files;

namespace WebHost.Api;

/// <summary>Uploads and downloads, streamed. The name of a file is in a header, because addresses are logged.</summary>
internal static class FilesApi
{
    private const long MostBytes = 1L << 30;

    public static void Map(WebApplication app)
    {
        app.MapPost("/Files/Upload", async (HttpContext http, IAntiforgery antiforgery, FileStore files, CancellationToken stop) =>
        {
            if (!await antiforgery.IsRequestValidAsync(http))
            {
                return Results.BadRequest();
            }

            http.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = MostBytes;
            var name = Path.GetFileName(Uri.UnescapeDataString(http.Request.Headers["X-File-Name"].ToString())).Trim();
            if (name.Length is 0 or > 200)
            {
                return Results.BadRequest("The file needs a name of at most 200 characters.");
            }

            return await files.AddAsync(http.User.Tenant(), name, http.Request.Body, stop)
                ? Results.Ok()
                : Results.Conflict("The key of the account was changed during the upload. Upload the file again.");
        }).RequireAuthorization(SignedInAccount.Policy);
        app.MapGet("/Files/{id:guid}", async (HttpContext http, FileStore files, Guid id, CancellationToken stop) =>
        {
            if (await files.FindAsync(http.User.Tenant(), id, stop) is not { } file)
            {
                http.Response.StatusCode = StatusCodes.Status404NotFound;
                return;
            }

            var disposition = new Microsoft.Net.Http.Headers.ContentDispositionHeaderValue("attachment");
            disposition.SetHttpFileName(file.Name);
            http.Response.ContentType = "application/octet-stream";
            http.Response.ContentLength = file.Length; // a download that fails half-way is cut off, which the browser notices
            http.Response.Headers.ContentDisposition = disposition.ToString();
            http.Response.Headers.CacheControl = "no-store";
            await files.ReadAsync(file, http.Response.Body, stop);
        }).RequireAuthorization(SignedInAccount.Policy);
    }
}
