using System.Reflection;
using System.Runtime.Loader;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Scalr.Byok.Kms.Tests.Docs;

/// <summary>A block of C# on a page. It is compiled as it stands, as the only file of a project that <c>dotnet new</c> has made.</summary>
internal sealed class CodeBlock
{
    private const string ConsoleUsings =
        "global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq;"
        + "global using System.Net.Http; global using System.Threading; global using System.Threading.Tasks;";

    private const string WebUsings = ConsoleUsings
        + "global using System.Net.Http.Json; global using Microsoft.AspNetCore.Builder;"
        + "global using Microsoft.AspNetCore.Hosting; global using Microsoft.AspNetCore.Http; global using Microsoft.AspNetCore.Routing;"
        + "global using Microsoft.Extensions.Configuration; global using Microsoft.Extensions.DependencyInjection;"
        + "global using Microsoft.Extensions.Hosting; global using Microsoft.Extensions.Logging;";

    /// <summary>References to older versions of assemblies: the SDK ignores these warnings in each project.</summary>
    private static readonly Dictionary<string, ReportDiagnostic> IgnoredByTheSdk = new()
    {
        ["CS1701"] = ReportDiagnostic.Suppress,
        ["CS1702"] = ReportDiagnostic.Suppress,
    };

    private static readonly MetadataReference[] References =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];

    private readonly CSharpCompilation _compilation;

    public CodeBlock(string code)
    {
        var options = CSharpParseOptions.Default.WithLanguageVersion(LanguageVersion.Latest);
        var program = CSharpSyntaxTree.ParseText(code, options);
        var isWeb = code.Contains("WebApplication", StringComparison.Ordinal);
        var usings = CSharpSyntaxTree.ParseText(isWeb ? WebUsings : ConsoleUsings, options);
        var isProgram = program.GetCompilationUnitRoot().Members.Any(member => member is GlobalStatementSyntax);
        _compilation = CSharpCompilation.Create(
            $"Block{Guid.NewGuid():N}", [usings, program], References,
            new CSharpCompilationOptions(
                isProgram ? OutputKind.ConsoleApplication : OutputKind.DynamicallyLinkedLibrary,
                nullableContextOptions: NullableContextOptions.Enable, specificDiagnosticOptions: IgnoredByTheSdk));
    }

    /// <summary>Errors and warnings.</summary>
    public IEnumerable<string> Problems => _compilation.GetDiagnostics()
        .Where(problem => problem.Severity is DiagnosticSeverity.Error or DiagnosticSeverity.Warning).Select(problem => problem.ToString());

    public Assembly Load()
    {
        using var bytes = new MemoryStream();
        Assert.That(_compilation.Emit(bytes).Success, Is.True, string.Join('\n', Problems));
        bytes.Position = 0;
        return AssemblyLoadContext.Default.LoadFromStream(bytes);
    }
}
