using System.Diagnostics;
using System.Xml.Linq;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Docs;

/// <summary>A directory outside the repository. Its projects are made by <c>dotnet new</c> and use the package as it was packed.</summary>
internal sealed class NewProject : IDisposable
{
    private const string PackageVersion = "0.0.1-docs";

    private static readonly TimeSpan LongestCommand = TimeSpan.FromMinutes(5);

    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("byok-docs-");
    private readonly List<string> _projects = [];

    public string PathOf(string project, string file) => Path.Combine(_home.FullName, project, file);

    /// <summary>Packs the library, as it was built for these tests, into a source of packages beside the projects.</summary>
    public async Task PackAsync()
    {
        var cache = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } configured ? configured
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        await File.WriteAllTextAsync(Path.Combine(_home.FullName, "nuget.config"), new XElement(
            "configuration",
            new XElement("config", Add("globalPackagesFolder", "packages")),
            new XElement("fallbackPackageFolders", Add("cache", cache)),
            new XElement("packageSources", Add("packed", "packed"))).ToString());
        await File.WriteAllTextAsync(
            Path.Combine(_home.FullName, "Directory.Build.props"),
            "<Project><PropertyGroup><NuGetAudit>false</NuGetAudit></PropertyGroup></Project>");
        var configuration = AppContext.BaseDirectory.Contains("release", StringComparison.OrdinalIgnoreCase) ? "Release" : "Debug";
        await DotnetAsync(
            Repository.Root, "pack", "src/Scalr.Byok.Kms", "--no-build", "-c", configuration,
            "-o", Path.Combine(_home.FullName, "packed"), $"-p:PackageVersion={PackageVersion}");
    }

    /// <summary>Makes a project, and replaces <c>Program.cs</c> and <c>appsettings.json</c>.</summary>
    public async Task CreateAsync(string template, string project, string program, string settings, params string[] packages)
    {
        await DotnetAsync(_home.FullName, "new", template, "-o", project, "--no-restore");
        await File.WriteAllTextAsync(PathOf(project, "Program.cs"), program);
        await File.WriteAllTextAsync(PathOf(project, "appsettings.json"), settings);
        var file = PathOf(project, $"{project}.csproj");
        var xml = XDocument.Load(file);
        xml.Root!.Add(new XElement("ItemGroup", packages.Select(Reference).Prepend(Reference("Scalr.Byok.Kms", PackageVersion))));
        xml.Save(file);
        _projects.Add(project);
    }

    /// <summary>Builds all projects, in one build: each build starts its own compilers.</summary>
    public async Task BuildAsync()
    {
        const string Solution = "all.slnx";
        var projects = _projects.Select(
            project => new XElement("Project", new XAttribute("Path", $"{project}/{project}.csproj")));
        await File.WriteAllTextAsync(Path.Combine(_home.FullName, Solution), new XElement("Solution", projects).ToString());
        await DotnetAsync(_home.FullName, "build", Solution, "-warnaserror");
    }

    /// <summary>Starts a project that was built.</summary>
    /// <returns>The process. The caller ends it.</returns>
    public Process Start(string project, IEnumerable<KeyValuePair<string, string>> environment) =>
        StartDotnet(PathOf(project, "."), environment, "run", "--no-build", "--no-launch-profile");

    /// <summary>Starts the assembly of a project that was built: without MSBuild, which <see cref="Start"/> runs first.</summary>
    /// <returns>The process. The caller ends it.</returns>
    public Process StartBuilt(string project, IEnumerable<KeyValuePair<string, string>> environment) =>
        StartDotnet(
            PathOf(project, "."),
            environment,
            Directory.EnumerateFiles(PathOf(project, "bin"), $"{project}.dll", SearchOption.AllDirectories).Single());

    public void Dispose() => _home.Delete(recursive: true);

    private static XElement Add(string key, string value) => new("add", new XAttribute("key", key), new XAttribute("value", value));

    private static XElement Reference(string package) => Reference(package, VersionOf(package));

    private static XElement Reference(string package, string version) =>
        new("PackageReference", new XAttribute("Include", package), new XAttribute("Version", version));

    /// <summary>Packages of Microsoft.Extensions have the version that the library uses.</summary>
    private static string VersionOf(string package)
    {
        var family = package[..package.LastIndexOf('.')];
        return XDocument.Load(Repository.Path("Directory.Packages.props")).Descendants("PackageVersion")
            .First(version => version.Attribute("Include")!.Value.StartsWith(family, StringComparison.Ordinal)).Attribute("Version")!.Value;
    }

    private static async Task DotnetAsync(string directory, params string[] arguments)
    {
        using var process = StartDotnet(directory, [], arguments);
        using var limit = new CancellationTokenSource(LongestCommand);
        var output = string.Concat(
            await Task.WhenAll(process.StandardOutput.ReadToEndAsync(limit.Token), process.StandardError.ReadToEndAsync(limit.Token)));
        await process.WaitForExitAsync(limit.Token);
        Assert.That(process.ExitCode, Is.Zero, $"dotnet {string.Join(' ', arguments)}\n{output}");
    }

    private static Process StartDotnet(
        string directory, IEnumerable<KeyValuePair<string, string>> environment, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments)
        {
            WorkingDirectory = directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // What the test runner's own SDK has set is for its projects, not for these.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToList())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        // No server outlives the test.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["UseSharedCompilation"] = "false";
        return ChildProcess.Start(start);
    }
}
