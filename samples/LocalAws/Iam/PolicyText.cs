using System.Text.Json;

namespace LocalAws.Iam;

/// <summary>The values that policies are made of: one string, or a list of them.</summary>
internal static class PolicyText
{
    public static List<string> Strings(string name, JsonElement value, bool scalars = false)
    {
        var strings = value.ValueKind == JsonValueKind.Array
            ? value.EnumerateArray().Select(item => One(name, item, scalars)).ToList()
            : [One(name, value, scalars)];
        return strings.Count > 0 ? strings : throw new FormatException($"{name} must not be an empty list.");
    }

    private static string One(string name, JsonElement value, bool scalars)
    {
        var text = value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!,
            JsonValueKind.True or JsonValueKind.False or JsonValueKind.Number when scalars => value.GetRawText(),
            _ => throw new FormatException($"{name} must be a string or a list of strings."),
        };

        // Read literally, a variable would make a policy match less, or a denial deny less, than its author meant.
        return text.Contains("${", StringComparison.Ordinal)
            ? throw new FormatException($"{name} uses a policy variable; those are not modelled.")
            : text;
    }
}
