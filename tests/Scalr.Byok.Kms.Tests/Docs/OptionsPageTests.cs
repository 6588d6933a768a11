using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Scalr.Byok.Kms.Tests.Docs;

/// <summary>The page of options has every option, each with its real default, and nothing else.</summary>
internal sealed class OptionsPageTests
{
    private const string NoValue = "none";

    private static readonly Page Options = Page.Docs("options");

    [Test]
    public void Every_option_has_its_default()
    {
        using var provider = new ServiceCollection().AddScalrByok().Services.BuildServiceProvider();

        AssertRows(nameof(ByokOptions), Leaves(provider.GetRequiredService<IOptions<ByokOptions>>().Value).ToList());
    }

    [Test]
    public void Every_option_of_the_health_check_has_its_default() =>
        AssertRows(nameof(ByokHealthCheckOptions), Leaves(new ByokHealthCheckOptions()).ToList());

    [Test]
    public void Every_option_of_a_fleet_has_its_default() =>
        Assert.That(
            Options.Rows(nameof(ByokFleetOptions)).Skip(1).Select(row => $"{row[0]} {row[^1]}"),
            Is.EqualTo((string[])["`Secrets` none", $"`ClockTolerance` `{new ByokFleetOptions().ClockTolerance}`"]));

    [Test]
    public void Every_option_of_a_verification_has_its_default() =>
        AssertRows(nameof(ByokVerificationOptions), Leaves(new ByokVerificationOptions()).ToList());

    [Test]
    public void Every_option_of_a_reencryption_has_its_default() =>
        AssertRows(nameof(ReencryptionOptions), Leaves(new ReencryptionOptions()).ToList());

    [Test]
    public void Every_setting_of_a_key_ring_is_there() =>
        Assert.That(
            Options.Rows(nameof(ByokKeySettings)).Skip(1).Select(row => row[0]),
            Is.EquivalentTo(typeof(ByokKeySettings).GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Select(property => $"`{property.Name}`")));

    private static void AssertRows(string heading, List<(string Path, object? Value)> options)
    {
        var rows = Options.Rows(heading).Skip(1).ToDictionary(row => row[0].Trim('`'), row => row[^1]);

        Assert.That(rows.Keys, Is.EquivalentTo(options.Select(option => option.Path)));
        foreach (var (path, value) in options)
        {
            Assert.That(rows[path], Does.StartWith(Written(heading, path, value)), path);
            Assert.That(
                rows[path].Contains('`', StringComparison.Ordinal), Is.EqualTo(Written(heading, path, value).StartsWith('`')),
                $"{path}: no other default is named");
        }
    }

    /// <summary>A default as configuration has it, in the notation of the page.</summary>
    private static string Written(string heading, string path, object? value) => (heading, path, value) switch
    {
        (nameof(ByokOptions), nameof(ByokOptions.MaxDegreeOfParallelism), _) => "the number of processors",
        (nameof(ByokHealthCheckOptions), nameof(ByokHealthCheckOptions.KeyRing), null) => "all key rings",
        (_, _, null) => NoValue,
        (_, _, TimeProvider) => "the system's clock",
        (_, _, IEnumerable<string> list) => $"`{string.Join(',', list)}`",
        (_, _, IDictionary<string, Uri> { Count: 0 }) => NoValue,
        (_, _, bool flag) => flag ? "`true`" : "`false`",
        (_, _, var other) => $"`{Convert.ToString(other, CultureInfo.InvariantCulture)}`",
    };

    private static IEnumerable<(string Path, object? Value)> Leaves(object options, string prefix = "")
    {
        foreach (var property in options.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            var value = property.GetValue(options);
            if (value is not null && property.PropertyType is { IsClass: true } type && type.Assembly == typeof(ByokOptions).Assembly)
            {
                foreach (var leaf in Leaves(value, $"{prefix}{property.Name}:"))
                {
                    yield return leaf;
                }
            }
            else
            {
                yield return ($"{prefix}{property.Name}", value);
            }
        }
    }
}
