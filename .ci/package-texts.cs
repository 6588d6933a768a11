#:package Microsoft.CodeAnalysis.CSharp
#:property PublishAot=false
// The texts of a package. Package.targets runs "make" during a pack; the gate runs "check" on the packages.
//
//   make <folder> <README> <CHANGELOG or -> <folder of pages> <assembly or -> <repository URL or -> <version>
//     writes README.md and the pages with links that work in a package, notes.txt, and the XML documentation of the public members
//   check <package> <XML documentation of the compiler or ->
//     proves that the package documents all public members and nothing else, that no link of its README is relative, and that each
//     assembly in runtimes/ is the one in lib/, compiled ahead of time
using System.IO.Compression;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

const int LongestReleaseNotes = 35_000; // the limit of nuget.org
const string Project = "src/Scalr.Byok.Kms/"; // CHANGELOG.md and the pages in docs/ have the same places in the package
const string ToRoot = "../../../";

try
{
    return args switch
    {
        ["make", var folder, var readme, var changelog, var pages, var assembly, var url, var version] =>
            Make(folder, readme, changelog, pages, assembly, url, version),
        ["check", var package, var documentation] => Check(package, documentation),
        _ => Fail("usage: make <folder> <README> <CHANGELOG> <pages> <assembly> <repository URL> <version> | check <package> <documentation>"),
    };
}
catch (Exception e) when (e is IOException or InvalidDataException)
{
    return Fail(e.Message);
}

static int Make(string folder, string readme, string changelog, string pages, string assembly, string url, string version)
{
    Directory.CreateDirectory(folder);
    var address = url == "-" ? null : $"{url.TrimEnd('/')}/blob/v{version}/";
    File.WriteAllText(Path.Combine(folder, "README.md"), WithLinks(File.ReadAllText(readme), target => FromReadme(target, address)));
    if (Directory.Exists(pages))
    {
        Directory.CreateDirectory(Path.Combine(folder, "docs"));
        foreach (var page in Directory.EnumerateFiles(pages, "*.md"))
        {
            File.WriteAllText(
                Path.Combine(folder, "docs", Path.GetFileName(page)), WithLinks(File.ReadAllText(page), target => FromPage(target, address)));
        }
    }

    if (changelog != "-")
    {
        var notes = Regex.Match(
            File.ReadAllText(changelog), @"^## .*?(?=^## |\z)", RegexOptions.Multiline | RegexOptions.Singleline).Value.TrimEnd();
        if (notes.Length is 0 or > LongestReleaseNotes)
        {
            return Fail($"The newest section of {changelog} has {notes.Length} characters; release notes have 1 to {LongestReleaseNotes}.");
        }

        File.WriteAllText(Path.Combine(folder, "notes.txt"), notes);
    }

    if (assembly != "-")
    {
        var document = XDocument.Load(Path.ChangeExtension(assembly, ".xml"), LoadOptions.PreserveWhitespace);
        var isPublic = PublicIds(File.ReadAllBytes(assembly)).Keys.ToHashSet();
        foreach (var member in Members(document).Where(member => !isPublic.Contains(IdOf(member))).ToList())
        {
            (member.PreviousNode as XText)?.Remove();
            member.Remove();
        }

        document.Save(Path.Combine(folder, Path.GetFileName(Path.ChangeExtension(assembly, ".xml"))));
    }

    return 0;
}

// A link has a new target, or becomes text: the target null means no target, and a target in brackets names a file of the package.
static string WithLinks(string text, Func<string, string?> map) => string.Join("```", text.Split("```").Select((part, index) =>
    index % 2 == 1 ? part : Links().Replace(part, link => (link.Groups["text"].Value, map(link.Groups["target"].Value)) switch
    {
        (var words, null) => words,
        (var words, ['(', ..] file) => $"{words} {file}",
        var (words, target) => $"[{words}]({target})",
    })));

// With the address of the repository, links become absolute. A package page cannot follow other links; the reader finds the page in the
// package.
static string? FromReadme(string target, string? address) => address is not null ? address + target
    : target.StartsWith(Project, StringComparison.Ordinal) ? $"({target[Project.Length..]})" : null;

static string? FromPage(string target, string? address) => !target.StartsWith(ToRoot, StringComparison.Ordinal) ? target
    : address is not null ? address + target[ToRoot.Length..] : null;

static int Check(string package, string documentation)
{
    using var archive = ZipFile.OpenRead(package);
    var errors = new List<string>();
    errors.AddRange(archive.GetEntry("README.md") is { } readme
        ? Links()
            .Matches(string.Concat(ReadText(readme).Split("```").Where((_, index) => index % 2 == 0)))
            .Select(link => $"relative link: {link.Value}")
        : ["README.md is missing"]);
    errors.AddRange(archive.GetEntry("README.md") is { } pages
        ? FilesInText().Matches(ReadText(pages)).Select(file => file.Groups[1].Value).Where(file => archive.GetEntry(file) is null)
            .Select(file => $"README.md names {file}, which is missing")
        : []);
    if (documentation != "-")
    {
        var assemblies = archive.Entries.Where(entry => entry.FullName.StartsWith("lib/") && entry.Name.EndsWith(".dll")).ToList();
        var compiled = Members(XDocument.Load(documentation)).Select(IdOf).ToHashSet();
        errors.AddRange(assemblies.SelectMany(assembly => CheckDocumentation(archive, assembly, compiled))
            .DefaultIfEmpty(assemblies.Count == 0 ? "no assembly" : ""));
    }

    errors.AddRange(archive.Entries.Where(entry => entry.FullName.StartsWith("runtimes/") && entry.Name.EndsWith(".dll"))
        .SelectMany(entry => CheckPrecompiled(archive, entry)));
    errors.RemoveAll(error => error.Length == 0);
    errors.ForEach(error => Console.Error.WriteLine($"{Path.GetFileName(package)}: {error}"));
    return errors.Count == 0 ? 0 : 1;
}

// runtimes/<platform>/lib/<framework>/<assembly>: one compilation of C# has made it and lib/<framework>/<assembly>, so they have one id.
static IEnumerable<string> CheckPrecompiled(ZipArchive archive, ZipArchiveEntry precompiled)
{
    var portable = archive.GetEntry(string.Join('/', precompiled.FullName.Split('/').Skip(2)));
    var (id, isCompiled) = Read(precompiled);
    if (!isCompiled)
    {
        yield return $"{precompiled.FullName} is not compiled ahead of time";
    }

    if (portable is null || Read(portable) != (id, false))
    {
        yield return $"{precompiled.FullName} is not the portable assembly in lib/";
    }

    static (Guid Id, bool IsCompiled) Read(ZipArchiveEntry assembly)
    {
        using var reader = new PEReader(new MemoryStream(ReadBytes(assembly)));
        var metadata = reader.GetMetadataReader();
        return (
            metadata.GetGuid(metadata.GetModuleDefinition().Mvid),
            reader.PEHeaders.CorHeader!.ManagedNativeHeaderDirectory.Size > 0);
    }
}

static IEnumerable<string> CheckDocumentation(ZipArchive archive, ZipArchiveEntry assembly, HashSet<string> compiled)
{
    if (archive.GetEntry(Path.ChangeExtension(assembly.FullName, ".xml")) is not { } entry)
    {
        yield return $"{assembly.FullName} has no XML documentation";
        yield break;
    }

    var packed = Members(XDocument.Parse(ReadText(entry))).Select(IdOf).ToHashSet();
    var symbols = PublicIds(ReadBytes(assembly));
    foreach (var id in packed.Where(id => !symbols.ContainsKey(id)))
    {
        yield return $"documents {id}, which is not public";
    }

    // A public type without documentation does not compile. What else lacks it comes from the compiler or has the documentation of its
    // base.
    foreach (var id in symbols.Where(pair => !packed.Contains(pair.Key) && (pair.Value is INamedTypeSymbol || compiled.Contains(pair.Key))))
    {
        yield return $"does not document {id.Key}, which is public";
    }

    Console.WriteLine(
        $"{assembly.Name}: {packed.Count} of {compiled.Count} documented members are public, and the package documents these");
}

// The documentation ids of all types and members that users of an assembly see.
static Dictionary<string, ISymbol> PublicIds(byte[] assembly)
{
    var reference = MetadataReference.CreateFromImage(assembly);
    var compilation = CSharpCompilation.Create("reader", references: [reference, .. RuntimeReferences()]);
    var found = new Dictionary<string, ISymbol>();
    Add(((IAssemblySymbol)compilation.GetAssemblyOrModuleSymbol(reference)!).GlobalNamespace);
    return found;

    void Add(INamespaceOrTypeSymbol container)
    {
        foreach (var member in container.GetMembers())
        {
            if (member is INamespaceSymbol inner)
            {
                Add(inner);
            }
            else if (member.DeclaredAccessibility is Accessibility.Public or Accessibility.Protected or Accessibility.ProtectedOrInternal)
            {
                found.TryAdd(member.GetDocumentationCommentId()!, member);
                if (member is INamedTypeSymbol type)
                {
                    Add(type);
                }
            }
        }
    }
}

// Parameter types of other packages stay unresolved; their names in an id are the same.
static IEnumerable<MetadataReference> RuntimeReferences() =>
    Directory.EnumerateFiles(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "System*.dll")
        .Select(file => MetadataReference.CreateFromFile(file));

static IEnumerable<XElement> Members(XDocument document) => document.Descendants("member");

static string IdOf(XElement member) => (string)member.Attribute("name")!;

static string ReadText(ZipArchiveEntry entry)
{
    using var reader = new StreamReader(entry.Open());
    return reader.ReadToEnd();
}

static byte[] ReadBytes(ZipArchiveEntry entry)
{
    using var stream = entry.Open();
    using var copy = new MemoryStream();
    stream.CopyTo(copy);
    return copy.ToArray();
}

static int Fail(string error)
{
    Console.Error.WriteLine(error);
    return 1;
}

internal static partial class Program
{
    [GeneratedRegex(@"\[(?<text>[^\]]+)\]\((?!https?:|#)(?<target>[^)\s]+)\)")]
    private static partial Regex Links();

    [GeneratedRegex(@" \((docs/[a-z]+\.md|CHANGELOG\.md)\)")]
    private static partial Regex FilesInText();
}
