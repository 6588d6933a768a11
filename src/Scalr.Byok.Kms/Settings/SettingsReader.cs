using System.Globalization;
using System.Numerics;
using Microsoft.Extensions.Configuration;
using Scalr.Byok.Kms.Keys;

namespace Scalr.Byok.Kms.Settings;

/// <summary>
/// Reads a configuration section by the table of known settings. The configuration binder alone ignores values of the wrong shape.
/// </summary>
/// <remarks>
/// Messages quote numbers, durations and the like, and short texts in their place. They never quote other texts, which may be secrets.
/// </remarks>
internal sealed class SettingsReader
{
    /// <summary>The longest text that is quoted where a number or the like is expected. A secret access key has 40 characters.</summary>
    private const int LongestQuoted = 16;

    private readonly SettingsShape _root;
    private readonly string _rootPath;
    private readonly List<(string Setting, string Message)> _errors = [];
    private readonly List<string> _warnings = [];
    private readonly Dictionary<string, string[]> _numbers = new(StringComparer.OrdinalIgnoreCase);

    private SettingsReader(SettingsShape root, string rootPath)
    {
        _root = root;
        _rootPath = rootPath;
    }

    public static SettingsReading Read(IConfiguration configuration, SettingsShape shape)
    {
        var path = (configuration as IConfigurationSection)?.Path ?? "";
        var reader = new SettingsReader(shape, path);
        var tree = reader.ReadSection(path, (configuration as IConfigurationSection)?.Value, [.. configuration.GetChildren()], shape);
        var isMissing = path.Length > 0 && reader._errors.Count == 0 && !configuration.GetChildren().Any();
        return new SettingsReading(path, tree ?? new SettingsTree(path, null, []), isMissing, reader._errors, reader._warnings)
        {
            Numbers = reader._numbers,
        };
    }

    private SettingsTree? Read(IConfigurationSection section, SettingsShape shape)
    {
        var (path, value) = (section.Path, section.Value);
        IConfigurationSection[] children = [.. section.GetChildren()];
        return shape.Kind switch
        {
            SettingKind.Section => ReadSection(path, value, children, shape),
            SettingKind.Sections => ReadSections(path, value, children, shape),
            SettingKind.Regions => ReadRegions(path, value, children, shape),
            SettingKind.Texts => ReadTexts(path, value, children),
            SettingKind.Addresses => ReadAddresses(path, value, children),
            _ when children.Length > 0 => Refuse(path, $"has settings below it, such as {children[0].Path}; expected {Expected(shape)}."),
            _ => value is null || Complain(value, shape) is not { } error ? new SettingsTree(path, value, []) : Refuse(path, error),
        };
    }

    private SettingsTree? ReadSection(string path, string? value, IConfigurationSection[] children, SettingsShape shape)
    {
        if (!string.IsNullOrEmpty(value))
        {
            return Refuse(path, $"is a text; expected a section with {string.Join(", ", shape.Names.Keys)}.");
        }

        if (path.Length > 0 && Array.Exists(children, child => IsIndex(child.Key)))
        {
            return Refuse(path, $"is a list; expected a section with {string.Join(", ", shape.Names.Keys)}.");
        }

        var read = new List<SettingsTree>();
        foreach (var child in children)
        {
            if (!shape.Names.TryGetValue(child.Key, out var known))
            {
                WarnOfUnknown(child, shape);
            }
            else if (Read(child, known) is { } tree)
            {
                read.Add(tree);
            }
        }

        return new SettingsTree(path, null, read);
    }

    private SettingsTree? ReadSections(string path, string? value, IConfigurationSection[] children, SettingsShape shape)
    {
        var names = string.Join(" and ", shape.Names.Keys);
        if (!string.IsNullOrEmpty(value))
        {
            return Refuse(path, $"is a text; expected a list of sections with {names}, such as {path}:0:{shape.Names.Keys.First()}.");
        }

        if (children.FirstOrDefault(child => !IsIndex(child.Key)) is { } named)
        {
            return Refuse(
                path, $"has the name {Quotation.Of<char>(named.Key)} where a list has numbers; write {path}:0:… for its first entry.");
        }

        NoteNumbers(path, children);
        var read = new List<SettingsTree>();
        foreach (var child in children)
        {
            IConfigurationSection[] below = [.. child.GetChildren()];
            var tree = string.IsNullOrEmpty(child.Value) && below.Length == 0
                ? Refuse(child.Path, $"is empty; expected a section with {names}.")
                : ReadSection(child.Path, child.Value, below, shape);
            read.Add(tree ?? new SettingsTree(child.Path, null, []));
        }

        return new SettingsTree(path, null, read);
    }

    /// <summary>
    /// Reads a list of Regions. A text replaces the whole list, so that one configuration source can shorten the list of another.
    /// </summary>
    /// <remarks>JSON's <c>{}</c> and <c>null</c> have neither a text nor entries.</remarks>
    private SettingsTree? ReadRegions(string path, string? value, IConfigurationSection[] children, SettingsShape shape)
    {
        if (!string.IsNullOrEmpty(value) || (value is not null && children.Length > 0)
            || (!shape.MayBeEmptied && (value is not null || children.Length == 0)))
        {
            var regions = (value ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (regions.Length == 0 && !shape.MayBeEmptied)
            {
                return Refuse(path, "is empty; expected Regions, such as us-east-1,eu-west-1.");
            }

            if (Array.Exists(regions, region => region.AsSpan().IndexOfAny(' ', ';', '|') >= 0))
            {
                return Refuse(path, "has Regions that are not separated by commas; expected one text such as us-east-1,eu-west-1.");
            }

            if (children.Length > 0)
            {
                _warnings.Add($"{path} is both a text and a list. The text replaces the list.");
            }

            return new SettingsTree(
                path,
                null,
                [.. regions.Select((region, i) => new SettingsTree($"{path}:{i.ToString(CultureInfo.InvariantCulture)}", region, []))]);
        }

        NoteNumbers(path, children);
        return children.FirstOrDefault(child => !IsIndex(child.Key) || child.GetChildren().Any()) is { } odd
            ? Refuse(path, $"has {odd.Path} below it; expected a list of Regions, or one text such as us-east-1,eu-west-1.")
            : new SettingsTree(path, null, [.. children.Select(child => new SettingsTree(child.Path, child.Value ?? "", []))]);
    }

    private SettingsTree? ReadTexts(string path, string? value, IConfigurationSection[] children)
    {
        NoteNumbers(path, children);
        return !string.IsNullOrEmpty(value) || children.Any(child => !IsIndex(child.Key) || child.GetChildren().Any())
            ? Refuse(path, $"is not a list; expected a list of texts, such as {path}:0.")
            : new SettingsTree(path, null, [.. children.Select(child => new SettingsTree(child.Path, child.Value ?? "", []))]);
    }

    private SettingsTree? ReadAddresses(string path, string? value, IConfigurationSection[] children)
    {
        if (!string.IsNullOrEmpty(value))
        {
            return Refuse(path, $"is a text; expected an address for each Region, such as {path}:us-east-1, or {path}:* for all Regions.");
        }

        if (Array.Exists(children, child => IsIndex(child.Key)))
        {
            return Refuse(path, $"is a list; expected an address for each Region, such as {path}:us-east-1, or {path}:* for all Regions.");
        }

        var address = new SettingsShape(SettingKind.Address);
        return new SettingsTree(path, null, [.. children.Select(child => Read(child, address)).OfType<SettingsTree>()]);
    }

    private static string? Complain(string value, SettingsShape shape) =>
        shape.Kind == SettingKind.Text || IsGood(value, shape.Kind) ? null
        : value.Length == 0 ? $"is empty; expected {Expected(shape)}."
        : PastedText.Complain(value) is { } pasted ? pasted
        : shape.Kind == SettingKind.Address ? $"is not an address; expected {Expected(shape)}."
        : shape.Kind == SettingKind.Duration && Durations.Misread(value) is { } days
            ? $"is {Quotation.Of<char>(value)}, which .NET reads as {days}; expected {Expected(shape)}."
        : shape.Kind is SettingKind.Int32 or SettingKind.Int64
            && BigInteger.TryParse(value, NumberStyles.Integer, CultureInfo.InvariantCulture, out _)
            ? $"is {Quotation.Of<char>(value)}, which is too large; expected {Expected(shape)}."
        : value.Length > LongestQuoted
            ? $"is a text of {Quotation.Count<char>(value.Length)}, which is not shown; expected {Expected(shape)}."
        : $"is {Quotation.Of<char>(value)}; expected {Expected(shape)}.";

    private static bool IsGood(string value, SettingKind kind) => kind switch
    {
        SettingKind.Int32 => int.TryParse(value, NumberStyles.Integer, CultureInfo.InvariantCulture, out _),
        SettingKind.Int64 => long.TryParse(value, NumberStyles.Integer, CultureInfo.InvariantCulture, out _),
        SettingKind.Number => double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out _),
        SettingKind.Boolean => bool.TryParse(value, out _),
        SettingKind.Duration => Durations.IsClear(value),
        _ => value.Length > 0 && PastedText.Complain(value) is null && Uri.TryCreate(value, UriKind.RelativeOrAbsolute, out _),
    };

    private static string Expected(SettingsShape shape) => shape.Kind switch
    {
        SettingKind.Text => "one text",
        SettingKind.Int32 or SettingKind.Int64 => $"a whole number, such as {shape.Example}",
        SettingKind.Number => $"a number with a point, such as {shape.Example}",
        SettingKind.Boolean => "true or false",
        SettingKind.Duration => $"hh:mm:ss, such as {shape.Example}",
        _ => "an address, such as https://kms.example.com",
    };

    private static bool IsIndex(string key) => int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out _);

    private void WarnOfUnknown(IConfigurationSection unknown, SettingsShape section)
    {
        if (_rootPath.Length == 0 && section == _root)
        {
            return; // the root also contains the settings of everything else
        }

        var suggestion = Spelling.Suggest(unknown.Key, section, _root);
        _warnings.Add($"{unknown.Path} is not a setting of this version and is ignored."
            + (suggestion is null ? ""
                : section.Names.ContainsKey(suggestion) ? $" Did you mean {suggestion}?"
                : $" Did you mean {ConfigurationPath.Combine([.. new[] { _rootPath }.Where(p => p.Length > 0), suggestion])}?"));
    }

    /// <summary>Notes the numbers of a list's entries in configuration. They may have gaps, as in environment variables.</summary>
    private void NoteNumbers(string path, IConfigurationSection[] children) =>
        _numbers[SettingOf(path)] = [.. children.Select(child => child.Key)];

    private SettingsTree? Refuse(string path, string what)
    {
        _errors.Add((SettingOf(path), $"{path} {what}"));
        return null;
    }

    private string SettingOf(string path) =>
        _rootPath.Length == 0 ? path : path.Length == _rootPath.Length ? "" : path[(_rootPath.Length + 1)..];
}
