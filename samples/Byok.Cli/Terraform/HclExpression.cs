using System.Text;
using System.Text.Json.Nodes;

namespace Byok.Cli.Terraform;

/// <summary>Expressions of Terraform's language.</summary>
internal static class HclExpression
{
    /// <summary>A literal text: templates in it are escaped.</summary>
    public static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var (index, c) in text.Index())
        {
            var startsTemplate = c is '$' or '%' && index + 1 < text.Length && text[index + 1] == '{';
            _ = c switch
            {
                '"' => quoted.Append("\\\""),
                '\\' => quoted.Append("\\\\"),
                '\n' => quoted.Append("\\n"),
                '\r' => quoted.Append("\\r"),
                '\t' => quoted.Append("\\t"),
                _ when startsTemplate => quoted.Append(c).Append(c),
                _ => quoted.Append(c),
            };
        }

        return quoted.Append('"').ToString();
    }

    /// <summary>A call of jsonencode that writes this document.</summary>
    /// <param name="document">The document, as from <see cref="Scalr.Byok.Kms.ByokPolicies"/>.</param>
    /// <param name="references">Texts in it that stand for expressions.</param>
    public static string JsonEncode(string document, IReadOnlyDictionary<string, string> references) =>
        $"jsonencode({Of(JsonNode.Parse(document)!, references)})";

    private static string Of(JsonNode node, IReadOnlyDictionary<string, string> references) => node switch
    {
        JsonObject { Count: > 0 } pairs => $"{{\n{HclBody.Indented(Members(pairs, references).ToString())}}}",
        JsonArray items when items.All(item => item is JsonValue) => $"[{string.Join(", ", items.Select(item => Of(item!, references)))}]",
        JsonArray items => $"[\n{HclBody.Indented(string.Concat(items.Select(item => Of(item!, references) + ",\n")))}]",
        JsonValue value when value.TryGetValue(out string? text) =>
            references.TryGetValue(text, out var expression) ? expression : Quote(Iam(text)),
        _ => node.ToJsonString(),
    };

    private static HclBody Members(JsonObject pairs, IReadOnlyDictionary<string, string> references)
    {
        var body = new HclBody();
        foreach (var (name, value) in pairs)
        {
            body.Attribute(name.All(char.IsAsciiLetter) ? name : Quote(name), Of(value!, references));
        }

        return body;
    }

    /// <summary>IAM accepts characters above U+00FF only as escapes, which jsonencode does not write.</summary>
    private static string Iam(string text) => text.All(c => c <= '\u00FF')
        ? text
        : throw new UsageException(
            "A name has characters that AWS IAM takes as escapes only, which Terraform cannot write. Leave --terraform out and use the "
            + "JSON.");
}
