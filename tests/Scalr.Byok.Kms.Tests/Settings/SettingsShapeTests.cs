using System.Reflection;
using Scalr.Byok.Kms.Settings;

namespace Scalr.Byok.Kms.Tests.Settings;

/// <summary>The table of known settings has every option, with its kind, and nothing else.</summary>
internal sealed class SettingsShapeTests
{
    [TestCase(typeof(ByokOptions))]
    [TestCase(typeof(ByokKeySettings))]
    public void Table_agrees_with_the_options_type(Type type) =>
        Assert.That(Lines(type == typeof(ByokOptions) ? SettingsShape.Options : SettingsShape.KeyRing), Is.EquivalentTo(Lines(type)));

    [TestCase("FrameLenght", "FrameLength", 1)]
    [TestCase("keyarn", "KeyArn", 0)]
    [TestCase("Kms", "Sts", 2)]
    [TestCase("", "abc", 3)]
    public void Distance_counts_changes(string one, string other, int distance) =>
        Assert.That(Spelling.Distance(one, other), Is.EqualTo(distance));

    private static IEnumerable<string> Lines(SettingsShape shape, string path = "") =>
        shape.Names.SelectMany(one => Lines(one.Value, $"{path}{one.Key}:").Prepend($"{path}{one.Key} {one.Value.Kind}"));

    private static IEnumerable<string> Lines(Type type, string path = "") =>
        type.GetProperties(BindingFlags.Instance | BindingFlags.Public)
            .SelectMany(property => Lines(Below(property.PropertyType), $"{path}{property.Name}:").Prepend(
                $"{path}{property.Name} {Kind(property.PropertyType)}"));

    private static Type Below(Type type) => Kind(type) switch
    {
        SettingKind.Section => type,
        SettingKind.Sections => type.GetGenericArguments()[0],
        _ => typeof(object),
    };

    private static SettingKind Kind(Type type) =>
        type == typeof(string) ? SettingKind.Text
        : type == typeof(int) ? SettingKind.Int32
        : type == typeof(long) ? SettingKind.Int64
        : type == typeof(double) ? SettingKind.Number
        : type == typeof(bool) ? SettingKind.Boolean
        : type == typeof(TimeSpan) ? SettingKind.Duration
        : type == typeof(IDictionary<string, Uri>) ? SettingKind.Addresses
        : type == typeof(IList<string>) ? SettingKind.Regions
        : type.IsGenericType ? SettingKind.Sections
        : SettingKind.Section;
}
