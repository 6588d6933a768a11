namespace Scalr.Byok.Kms.Tests.World;

/// <summary>Finds the repository's own files from a test.</summary>
internal static class Repository
{
    public static readonly string Root = FindRoot();

    public static string Path(string relative) => System.IO.Path.Combine(Root, relative);

    private static string FindRoot()
    {
        // Not by the caller's file path: deterministic builds map that to a path that does not exist.
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(System.IO.Path.Combine(folder.FullName, "Scalr.Byok.Kms.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new DirectoryNotFoundException("The tests must run from within the repository.");
    }
}
