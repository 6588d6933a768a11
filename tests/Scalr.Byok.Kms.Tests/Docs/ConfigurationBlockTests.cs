using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.Tests.Settings;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Docs;

/// <summary>Every block of configuration in README and in the samples' READMEs loads as it stands.</summary>
internal sealed partial class ConfigurationBlockTests
{
    public static IEnumerable<TestCaseData> Blocks() =>
        from file in Directory.EnumerateFiles(Repository.Path("samples"), "*.md", SearchOption.AllDirectories).Append(Repository.Path("README.md"))
        from block in JsonBlock().Matches(File.ReadAllText(file).ReplaceLineEndings("\n")).Index()
        select new TestCaseData(block.Item.Groups["json"].Value).SetArgDisplayNames($"{Path.GetRelativePath(Repository.Path("."), file)}, block {block.Index + 1}");

    [TestCaseSource(nameof(Blocks))]
    public void A_block_loads_as_it_stands(string json)
    {
        var logs = new CapturedLogs();
        var configuration = Validated.Json(json);
        var services = new ServiceCollection();
        services.AddSingleton<ILoggerFactory>(logs);
        var builder = services.AddScalrByok(configuration.GetSection("Byok")).AddWebIdentityTokens((_, _) => new("token"));
        var rings = configuration.GetChildren().Where(section => section.Key != "Byok" && section.GetChildren().Any()).ToList();
        rings.ForEach(section => builder.AddKeyRing(section.Key, section));
        using var provider = services.BuildServiceProvider();

        Assert.That(rings, Is.Not.Empty, "a block without a key ring wants a line here");
        Assert.That(Misconfigured.Start(provider), Is.Empty);
        Assert.That(Misconfigured.Warnings(logs), Is.Empty, "it has no unknown name");
        Assert.That(rings.ConvertAll(section => provider.GetRequiredKeyedService<IByokKeyRing>(section.Key)), Is.Unique);
    }

    [Test]
    public void Blocks_are_found() => Assert.That(Blocks().Count(), Is.GreaterThanOrEqualTo(2));

    [GeneratedRegex("^```json\n(?<json>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex JsonBlock();
}
