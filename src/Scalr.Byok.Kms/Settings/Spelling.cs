namespace Scalr.Byok.Kms.Settings;

/// <summary>Finds the setting that a misspelled name probably means.</summary>
internal static class Spelling
{
    private const int ShortestPart = 3;

    /// <summary>The nearest name, preferably of the same section; null if none is near.</summary>
    public static string? Suggest(string name, SettingsShape section, SettingsShape all) =>
        Nearest(name, section.Names.Keys.Select(known => (known, known))) ?? Nearest(name, Below(all, "")) ?? Whole(name, section);

    /// <summary>The Region that a name with one mistake probably means; null if there is none.</summary>
    public static string? Region(string name, IEnumerable<string> known) => known.FirstOrDefault(region => Distance(name, region) == 1);

    /// <summary>The number of characters to insert, remove, replace or swap. Not case-sensitive.</summary>
    public static int Distance(string one, string other)
    {
        var (a, b) = (one.ToUpperInvariant(), other.ToUpperInvariant());
        var rows = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            for (var j = 0; j <= b.Length; j++)
            {
                rows[i, j] = i == 0 ? j : j == 0 ? i
                    : Math.Min(Math.Min(rows[i - 1, j], rows[i, j - 1]) + 1, rows[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
                }
            }
        }

        return rows[a.Length, b.Length];
    }

    private static string? Nearest(string name, IEnumerable<(string Name, string Path)> known) =>
        name.Length > 100 ? null : known.Select(one => (one.Path, Distance: Distance(name, one.Name)))
            .Where(one => one.Distance <= Math.Max(1, name.Length / 3))
            .OrderBy(one => one.Distance)
            .Select(one => one.Path)
            .FirstOrDefault();

    /// <summary>The shortest name of the section that has all letters of a name in their order, such as those of SecretKey.</summary>
    private static string? Whole(string name, SettingsShape section) =>
        name.Length < ShortestPart ? null : section.Names.Keys.Where(known => Contains(known, name)).MinBy(known => known.Length);

    private static bool Contains(string whole, string part)
    {
        var found = 0;
        foreach (var c in whole)
        {
            if (found < part.Length && char.ToUpperInvariant(c) == char.ToUpperInvariant(part[found]))
            {
                found++;
            }
        }

        return found == part.Length;
    }

    private static IEnumerable<(string Name, string Path)> Below(SettingsShape shape, string path) =>
        shape.Names.SelectMany(one =>
            Below(one.Value, $"{path}{one.Key}:{(one.Value.Kind == SettingKind.Sections ? "0:" : "")}").Prepend((one.Key, path + one.Key)));
}
