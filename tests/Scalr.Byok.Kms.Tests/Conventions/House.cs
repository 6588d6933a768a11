using System.Runtime.CompilerServices;

namespace Scalr.Byok.Kms.Tests.Conventions;

/// <summary>The source tree as it was built.</summary>
internal static class House
{
    public static DirectoryInfo Root { get; } = FindRoot();

    public static DirectoryInfo Source { get; } = new(Path.Combine(Root.FullName, "src", "Scalr.Byok.Kms"));

    /// <summary>The library's source files, what the compiler generates left out.</summary>
    public static IReadOnlyList<SourceFile> Files { get; } =
    [
        .. Source.EnumerateFiles("*.cs", SearchOption.AllDirectories)
            .Select(file => new SourceFile(Path.GetRelativePath(Source.FullName, file.FullName).Replace('\\', '/'), File.ReadAllText(file.FullName)))
            .Where(file => file.Room is not ("bin" or "obj"))
            .OrderBy(file => file.Path, StringComparer.Ordinal),
    ];

    private static DirectoryInfo FindRoot()
    {
        // Where this file was compiled, or, where the build hides that, above the test's own assembly.
        foreach (var start in (string[])[ThisFile(), AppContext.BaseDirectory])
        {
            for (var directory = new FileInfo(start).Directory; directory is not null; directory = directory.Parent)
            {
                if (File.Exists(Path.Combine(directory.FullName, "Scalr.Byok.Kms.sln")))
                {
                    return directory;
                }
            }
        }

        throw new InvalidOperationException("Scalr.Byok.Kms.sln was not found above the tests.");
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;

    internal sealed record SourceFile(string Path, string Text)
    {
        /// <summary>The folder below the project; empty for a file that stands in none.</summary>
        public string Room => Path.Contains('/', StringComparison.Ordinal) ? Path[..Path.IndexOf('/', StringComparison.Ordinal)] : "";

        public override string ToString() => Path;
    }
}
