namespace Scalr.Byok.Kms.Tests.World;

/// <summary>Finds the repository's own files from a test.</summary>
internal static class Repository
{
    public static readonly string Root = FindRoot();

    private static readonly string[] Generated = ["bin", "obj", "node_modules", "artifacts", "BenchmarkDotNet.Artifacts"];

    public static string Path(string relative) => System.IO.Path.Combine(Root, relative);

    /// <summary>The files in folders of the repository, without what builds and package managers write.</summary>
    /// <returns>Paths relative to the root, with slashes.</returns>
    public static IEnumerable<string> FilesIn(params IEnumerable<string> folders) => folders.Select(Path).Where(Directory.Exists)
        .SelectMany(folder => FilesOf(new DirectoryInfo(folder)))
        .Select(file => System.IO.Path.GetRelativePath(Root, file.FullName).Replace('\\', '/'));

    private static IEnumerable<FileInfo> FilesOf(DirectoryInfo folder) => folder.EnumerateFiles()
        .Concat(folder.EnumerateDirectories().Where(inner => !Generated.Contains(inner.Name)).SelectMany(FilesOf));

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
