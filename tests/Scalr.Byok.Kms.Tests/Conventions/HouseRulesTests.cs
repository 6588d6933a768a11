using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Amazon.KeyManagementService;
using Amazon.SecurityToken;

namespace Scalr.Byok.Kms.Tests.Conventions;

/// <summary>The rules of the house (ARCHITECTURE.md draws it), kept by reflection and by reading the source.</summary>
internal sealed partial class HouseRulesTests
{
    private const string RootNamespace = "Scalr.Byok.Kms";

    /// <summary>Data falls from top to bottom.</summary>
    private static readonly string[] Rooms =
    [
        "DependencyInjection", "Verification", "Health", "Reencryption", "KeyRing", "Events", "Messages", "DataKeys", "Kms",
        "Credentials", "Fleet", "Resilience",
    ];

    private static readonly string[] SideRooms = ["Keys", "Errors", "Settings", "Diagnostics", "Policies", "Audit"];

    private static readonly (string From, string To)[] KnownLooks =
        [
            ("KeyRing", "DataKeys"),
            ("DataKeys", "Kms"),
            ("Kms", "Credentials"),
            ("Credentials", "Resilience"),
            ("Resilience", "Settings"),
            ("Keys", "Keys"),
        ];

    private static readonly Lazy<Dictionary<string, string>> Declared = new(() => House.Files
        .SelectMany(file => Declaration().Matches(file.Text), (file, match) => (Name: match.Groups["name"].Value, file.Room))
        .DistinctBy(type => type.Name).ToDictionary(type => type.Name, type => type.Room));

    private static readonly string[] AllowedCalls =
        ["AssumeRoleAsync", "AssumeRoleWithWebIdentityAsync", "DecryptAsync", "DescribeKeyAsync", "EncryptAsync"];

    private static readonly string[] AllowedAtTheRoot =
    [
        "src",
        "tests",
        "samples",
        "artifacts",
        "Directory.Build.props",
        "Directory.Packages.props",
        "Scalr.Byok.Kms.sln",
        "LICENSE",
        "README.md",
        "ARCHITECTURE.md",
    ];

    /// <summary>Git, editors and the SDK may add folders of their own, which .gitignore names.</summary>
    private static readonly string[] AllowedDotEntries =
        [".ci", ".github", ".editorconfig", ".gitattributes", ".gitignore", ".git", ".vs", ".idea"];

    private static readonly string[] AllowedInGitHub = ["CONTRIBUTING.md", "SECURITY.md", "STYLE.md", "workflows", "workflows/gate.yml"];

    private static Assembly Library => typeof(IByokKeyRing).Assembly;

    /// <summary>The folder that declares each outermost type.</summary>
    private static Dictionary<string, string> RoomsOfDeclarations => Declared.Value;

    private static Type[] PublicTypes => Library.GetExportedTypes();

    private static Type[] OwnTypes =>
        [.. Library.GetTypes().Where(t => t.Namespace?.StartsWith(RootNamespace, StringComparison.Ordinal) == true && !IsGenerated(t))];

    [Test]
    public void Public_classes_are_sealed_or_static()
    {
        var open = PublicTypes.Where(type => type is { IsClass: true, IsSealed: false }).Select(type => type.Name);

        Assert.That(open, Is.EquivalentTo(Names(nameof(ByokException))), "the parent of the exceptions is the one exception");
        Assert.That(typeof(ByokException).IsAbstract, Is.True);
        Assert.That(
            typeof(ByokException).GetConstructors(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic),
            Has.All.Property(nameof(ConstructorInfo.IsFamilyAndAssembly)).True,
            "only this library derives from it");
    }

    [Test]
    public void Internal_classes_are_sealed_or_static() =>
        Assert.That(
            OwnTypes.Where(type => type is { IsClass: true, IsSealed: false }).Select(type => type.Name),
            Is.EquivalentTo(Names(nameof(ByokException))));

    [Test]
    public void Public_types_live_in_the_root_namespace() =>
        Assert.That(PublicTypes.Select(type => type.Namespace), Is.All.EqualTo(RootNamespace));

    [Test]
    public void Async_methods_of_public_types_take_a_cancellation_token_last()
    {
        var methods = PublicTypes.SelectMany(
            type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Where(method => IsAsync(method.ReturnType) && method.Name != nameof(IAsyncDisposable.DisposeAsync))
            .ToList();

        Assert.That(methods, Has.Count.GreaterThanOrEqualTo(3));
        foreach (var method in methods)
        {
            Assert.That(method.Name, Does.EndWith("Async"), $"{method.DeclaringType}.{method.Name}");
            Assert.That(
                method.GetParameters().LastOrDefault()?.ParameterType,
                Is.EqualTo(typeof(CancellationToken)),
                $"{method.DeclaringType}.{method.Name}");
        }
    }

    [Test]
    public void Every_folder_is_a_room_that_the_rules_know() =>
        Assert.That(House.Files.Select(file => file.Room).Distinct(), Is.EquivalentTo(Rooms.Concat(SideRooms)));

    [Test]
    public void Rooms_look_only_downward()
    {
        var references = TypeReferences.Of(Library);
        var looks = references.Select(pair => (pair.From, pair.To, FromRoom: RoomOf(pair.From), ToRoom: RoomOf(pair.To)))
            .Where(look => look is { FromRoom: not null, ToRoom: not null }).ToList();

        Assert.That(looks, Has.Count.GreaterThan(600), "the metadata is read");
        Assert.That(looks.Select(look => (look.FromRoom!, look.ToRoom!)), Is.SupersetOf(KnownLooks), "references of every kind are found");
        Assert.That(
            looks.Where(look => !MayLook(look.FromRoom!, look.ToRoom!))
                .Select(look => $"{look.FromRoom}/{look.From.Simple} -> {look.ToRoom}/{look.To.Simple}").Order(StringComparer.Ordinal),
            Is.Empty);
    }

    [Test]
    public void Every_public_type_is_declared_in_a_room() =>
        Assert.That(
            PublicTypes.Where(type => !type.IsNested).Select(type => type.Name.Split('`')[0]), Is.SubsetOf(RoomsOfDeclarations.Keys));

    [TestCase("KeyRing", "Messages", true)]
    [TestCase("Messages", "KeyRing", false)]
    [TestCase("Kms", "Kms", true)]
    [TestCase("Resilience", "Kms", false)]
    [TestCase("Resilience", "Settings", true)]
    [TestCase("Settings", "Keys", true)]
    [TestCase("Errors", "Kms", false)]
    [TestCase("KeyRing", "DependencyInjection", false)]
    public void Looking_downward_means(string from, string to, bool allowed) => Assert.That(MayLook(from, to), Is.EqualTo(allowed));

    [Test]
    public void Namespaces_are_the_root_or_the_room()
    {
        foreach (var file in House.Files)
        {
            var found = Namespace().Match(file.Text).Groups["name"].Value;
            Assert.That(found, Is.EqualTo(RootNamespace).Or.EqualTo($"{RootNamespace}.{file.Room}"), file.Path);
        }
    }

    [Test]
    public void Internal_types_live_in_their_rooms_namespace()
    {
        var atTheRoot = OwnTypes.Where(type => type is { IsNested: false, IsPublic: false } && type.Namespace == RootNamespace)
            .Select(type => type.Name);

        Assert.That(atTheRoot, Is.Empty);
    }

    [Test]
    public void Only_five_calls_go_to_AWS()
    {
        Type[] services = [typeof(IAmazonKeyManagementService), typeof(IAmazonSecurityTokenService)];
        var actions = services.SelectMany(service => service.GetMethods()).Select(method => method.Name).ToHashSet();
        var calls = House.Files.SelectMany(file => Call().Matches(file.Text))
            .Select(match => match.Groups["name"].Value)
            .Where(actions.Contains)
            .Distinct();

        Assert.That(actions, Has.Count.GreaterThan(50).And.Contain("GenerateDataKeyAsync"), "what there would be to call");
        Assert.That(calls, Is.EquivalentTo(AllowedCalls));
    }

    [Test]
    public void Only_five_kinds_of_requests_are_made()
    {
        var made = House.Files.SelectMany(file => AwsRequest().Matches(file.Text))
            .Select(match => match.Groups["request"].Value)
            .Distinct();

        Assert.That(made, Is.EquivalentTo(AllowedCalls.Select(call => call.Replace("Async", "Request", StringComparison.Ordinal))));
    }

    [Test]
    public void The_root_of_the_repository_holds_only_what_it_may()
    {
        var found = House.Root.EnumerateFileSystemInfos().Select(entry => entry.Name);

        Assert.That(found, Is.SubsetOf(AllowedAtTheRoot.Concat(AllowedDotEntries)));
    }

    [Test]
    public void The_folder_of_GitHub_holds_its_pages_and_the_gate()
    {
        var folder = Path.Combine(House.Root.FullName, ".github");
        var found = Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories)
            .Select(entry => Path.GetRelativePath(folder, entry).Replace('\\', '/'));

        Assert.That(found, Is.EquivalentTo(AllowedInGitHub));
    }

    [Test]
    public void Shipped_Microsoft_Extensions_stay_at_10_0()
    {
        var shipped = XDocument.Load(Path.Combine(House.Root.FullName, "Directory.Packages.props")).Descendants("ItemGroup")
            .Single(group => (string?)group.Attribute("Label") == "Shipped").Elements("PackageVersion")
            .Where(package => ((string)package.Attribute("Include")!).StartsWith("Microsoft.Extensions.", StringComparison.Ordinal))
            .Select(package => (string)package.Attribute("Version")!).ToList();

        Assert.That(shipped, Is.Not.Empty.And.All.StartsWith("10.0."));
    }

    [Test]
    public void Names_have_no_numbers_and_no_helpers()
    {
        var bad = OwnTypes.Where(type => BadName().IsMatch(type.Name.Split('`')[0])).Select(type => type.Name);

        Assert.That(bad, Is.Empty);
    }

    /// <summary>The zero of an enum that only callers set is the default.</summary>
    [Test]
    public void The_zero_of_a_public_enum_is_Unknown() =>
        Assert.That(
            PublicTypes.Where(type => type.IsEnum && type != typeof(ByokReencryptWhen))
                .Select(type => $"{type.Name}.{Enum.GetName(type, 0)}"),
            Is.Not.Empty.And.All.EndsWith(".Unknown"));

    /// <summary>
    /// A constant as a default argument is compiled into the callers, so a later version could not change it. The meaning of a
    /// flag is its value, so the two flags may have one. The zero of ByokReencryptWhen means the default.
    /// </summary>
    [Test]
    public void Optional_parameters_of_public_members_have_no_value_of_their_own()
    {
        const BindingFlags OwnMembers = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        var optional = PublicTypes.SelectMany(type => type.GetMembers(OwnMembers)).OfType<MethodBase>()
            .SelectMany(method => method.GetParameters()).Where(parameter => parameter.HasDefaultValue).ToList();

        Assert.That(optional, Has.Count.GreaterThan(20));
        Assert.That(
            optional.Where(parameter => parameter.DefaultValue is not null)
                .Select(parameter => $"{parameter.Member.DeclaringType!.Name}.{parameter.Member.Name}: {parameter.Name}")
                .Distinct(),
            Is.EquivalentTo(Names(
                "ByokPolicies.KeyPermissions: describeKey",
                "ByokServiceException..ctor: isTransient",
                "IByokKeyRing.ReencryptAsync: policy",
                "IByokKeyRing.NeedsReencryption: policy")));
    }

    private static bool MayLook(string from, string to)
    {
        if (from == to)
        {
            return true;
        }

        return SideRooms.Contains(from)
            ? SideRooms.Contains(to)
            : SideRooms.Contains(to) || Array.IndexOf(Rooms, to) > Array.IndexOf(Rooms, from);
    }

    /// <summary>
    /// The room of a type: an internal one's namespace, or the folder that declares a public one; null for what the compiler's generators
    /// made.
    /// </summary>
    internal static string? RoomOf(TypeReferences.Name type) => type.IsPublic
        ? RoomsOfDeclarations.GetValueOrDefault(type.Simple)
        : type.Namespace.StartsWith($"{RootNamespace}.", StringComparison.Ordinal) ? type.Namespace[(RootNamespace.Length + 1)..] : null;

    private static bool IsAsync(Type type) =>
        typeof(Task).IsAssignableFrom(type) || type == typeof(ValueTask)
        || (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ValueTask<>));

    private static bool IsGenerated(Type type) =>
        type.IsDefined(typeof(CompilerGeneratedAttribute), false) || type.Name.Contains('<', StringComparison.Ordinal);

    private static string[] Names(params string[] names) => names;

    /// <summary>The declaration of an outermost type.</summary>
    [GeneratedRegex(@"^(?:\w+ )*(?:class|interface|record|struct|enum|delegate [\w<>.,? ]+) (?<name>\w+)", RegexOptions.Multiline)]
    private static partial Regex Declaration();

    [GeneratedRegex(@"^namespace (?<name>[\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Namespace();

    [GeneratedRegex(@"\.(?<name>\w+)\(")]
    private static partial Regex Call();

    [GeneratedRegex(@"new [\w.]*?(?<request>\w+Request)\b")]
    private static partial Regex AwsRequest();

    [GeneratedRegex(@"\d$|Utils?$|Helpers?$|Manager$")]
    private static partial Regex BadName();
}
