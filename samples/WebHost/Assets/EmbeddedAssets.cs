namespace WebHost.Assets;

/// <summary>Serves the style sheet and the script from the assembly.</summary>
internal static class EmbeddedAssets
{
    public static void Map(WebApplication app)
    {
        MapOne(app, "icon.svg", "image/svg+xml");
        MapOne(app, "site.css", "text/css; charset=utf-8");
        MapOne(app, "site.js", "text/javascript; charset=utf-8");
    }

    private static void MapOne(WebApplication app, string name, string type)
    {
        using var stream = typeof(EmbeddedAssets).Assembly.GetManifestResourceStream(name)!;
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        var bytes = copy.ToArray();
        app.MapGet($"/{name}", () => Results.Bytes(bytes, type)).AllowAnonymous();
    }
}
