using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;
using WebHost.Accounts;
using WebHost.Files;

namespace WebHost.Api;

/// <summary>Uploads and downloads, streamed. An upload is the form of the page Files, with and without script.</summary>
internal static class FilesApi
{
    private const long MostBytes = 1L << 30;
    private const int MostBytesOfAField = 4096;

    public static void Map(WebApplication app)
    {
        app.MapPost("/Files/Upload", async (HttpContext http, IAntiforgery antiforgery, FileStore files, CancellationToken stop) =>
        {
            http.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = MostBytes;
            if (await FindFileAsync(http, antiforgery, stop) is not { } file)
            {
                return Results.BadRequest();
            }

            var name = Path.GetFileName(file.FileName).Trim();
            if (name.Length is 0 or > Limits.Name)
            {
                return Results.Redirect("/Files?problem=Name");
            }

            return Results.Redirect(
                await files.AddAsync(http.User.Tenant(), name, file.FileStream!, stop) ? "/Files" : "/Files?problem=KeyChanged");
        }).RequireAuthorization(SignedInAccount.Policy);
        app.MapGet("/Files/{id:guid}", async (HttpContext http, FileStore files, Guid id, CancellationToken stop) =>
        {
            if (await files.FindAsync(http.User.Tenant(), id, stop) is not { } file)
            {
                http.Response.StatusCode = StatusCodes.Status404NotFound;
                return;
            }

            var disposition = new ContentDispositionHeaderValue("attachment");
            disposition.SetHttpFileName(file.Name);
            http.Response.ContentType = "application/octet-stream";
            http.Response.ContentLength = file.Length; // a download that fails half-way is cut off, which the browser notices
            http.Response.Headers.ContentDisposition = disposition.ToString();
            http.Response.Headers.CacheControl = "no-store";
            await files.ReadAsync(file, http.Response.Body, stop);
        }).RequireAuthorization(SignedInAccount.Policy);
    }

    /// <summary>
    /// Reads the form up to the content of the file. ASP.NET Core's reader of forms would store the file unencrypted in a temporary folder.
    /// </summary>
    /// <returns>Null if the form has no file, or no valid antiforgery token before it.</returns>
    private static async Task<FileMultipartSection?> FindFileAsync(HttpContext http, IAntiforgery antiforgery, CancellationToken stop)
    {
        if (!MediaTypeHeaderValue.TryParse(http.Request.ContentType, out var type)
            || !type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase)
            || HeaderUtilities.RemoveQuotes(type.Boundary) is not { Length: > 0 and <= 70 } boundary) // RFC 2046
        {
            return null;
        }

        try
        {
            var form = new MultipartReader(boundary.Value!, http.Request.Body) { BodyLengthLimit = MostBytesOfAField };
            var token = await form.ReadNextSectionAsync(stop);
            if (token?.AsFormDataSection() is not { Name: "__RequestVerificationToken" } field)
            {
                return null;
            }

            http.Request.Headers["RequestVerificationToken"] = await field.GetValueAsync(stop);
            form.BodyLengthLimit = null;
            return await antiforgery.IsRequestValidAsync(http) ? (await form.ReadNextSectionAsync(stop))?.AsFileSection() : null;
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            return null; // not a form, or cut off
        }
    }
}
