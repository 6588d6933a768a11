using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Conventions;

/// <summary>The source tree as it was built.</summary>
internal static class House
{
    private const string Folder = "src/Scalr.Byok.Kms";

    public static DirectoryInfo Root { get; } = new(Repository.Root);

    public static DirectoryInfo Source { get; } = new(Repository.Path(Folder));

    /// <summary>The library's source files, what the compiler generates left out.</summary>
    public static IReadOnlyList<SourceFile> Files { get; } =
    [
        .. Repository.FilesIn(Folder).Where(path => path.EndsWith(".cs", StringComparison.Ordinal))
            .Select(path => new SourceFile(path[(Folder.Length + 1)..], File.ReadAllText(Repository.Path(path))))
            .OrderBy(file => file.Path, StringComparer.Ordinal),
    ];

    internal sealed record SourceFile(string Path, string Text)
    {
        /// <summary>The folder below the project; empty for a file that stands in none.</summary>
        public string Room => Path.Contains('/', StringComparison.Ordinal) ? Path[..Path.IndexOf('/', StringComparison.Ordinal)] : "";

        public override string ToString() => Path;
    }
}
