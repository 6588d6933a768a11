using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms;

// Writes policies from checked values.
public static partial class ByokPolicies
{
    /// <summary>The last character that IAM and STS accept in the text of a policy. Later ones are written as \u escapes.</summary>
    private const char LastInPolicies = '\u00FF';

    /// <summary>
    /// Allows the library's calls on these keys. Conditions on the encryption context do not apply to kms:DescribeKey, which has none.
    /// </summary>
    private static string WritePermissions(
        IReadOnlyList<KmsKeyArn> keyArns, bool describeKey, bool indented, List<(string Operator, string Key, string Value)> conditions)
    {
        Debug.Assert(keyArns.Count > 0 && !keyArns.Contains(default));
        if (conditions.Count == 0)
        {
            string[] all = [AwsAction.Encrypt, AwsAction.Decrypt, .. describeKey ? [AwsAction.DescribeKey] : Array.Empty<string>()];
            return WriteDocument(indented, writer => WriteOnKeys(writer, all, keyArns));
        }

        return WriteDocument(
            indented,
            [
                writer =>
                {
                    WriteOnKeys(writer, [AwsAction.Encrypt, AwsAction.Decrypt], keyArns);
                    WriteConditions(writer, conditions);
                },
                .. describeKey ? [writer => WriteOnKeys(writer, [AwsAction.DescribeKey], keyArns)] : Array.Empty<Action<Utf8JsonWriter>>(),
            ]);
    }

    private static void WriteOnKeys(Utf8JsonWriter writer, string[] actions, IReadOnlyList<KmsKeyArn> keyArns)
    {
        WriteOneOrMany(writer, "Action", actions);
        WriteOneOrMany(writer, "Resource", [.. keyArns.Select(keyArn => keyArn.ToString())]);
    }

    private static void WriteOneOrMany(Utf8JsonWriter writer, string name, string[] values)
    {
        if (values is [var one])
        {
            writer.WriteString(name, one);
            return;
        }

        writer.WriteStartArray(name);
        foreach (var value in values)
        {
            writer.WriteStringValue(value);
        }

        writer.WriteEndArray();
    }

    /// <summary>Allows a principal to assume a role by one action, if all conditions hold.</summary>
    private static string WriteTrust(
        (string Kind, string Arn) principal, string action, params IReadOnlyList<(string Operator, string Key, string Value)> conditions)
    {
        Debug.Assert(conditions.Count > 0, "without conditions, the host could assume the role for any customer");
        return WriteDocument(indented: true, writer =>
        {
            writer.WriteStartObject("Principal");
            writer.WriteString(principal.Kind, principal.Arn);
            writer.WriteEndObject();
            writer.WriteString("Action", action);
            WriteConditions(writer, conditions);
        });
    }

    private static void WriteConditions(Utf8JsonWriter writer, IReadOnlyList<(string Operator, string Key, string Value)> conditions)
    {
        writer.WriteStartObject("Condition");
        foreach (var ofOperator in conditions.GroupBy(condition => condition.Operator))
        {
            writer.WriteStartObject(ofOperator.Key);
            foreach (var (_, key, value) in ofOperator)
            {
                writer.WriteString(key, value);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    /// <param name="indented">Whether the policy is for people.</param>
    /// <param name="writeStatements">Write one statement each, which allows what they write.</param>
    private static string WriteDocument(bool indented, params IReadOnlyList<Action<Utf8JsonWriter>> writeStatements)
    {
        var utf8 = new ArrayBufferWriter<byte>();
        var options = new JsonWriterOptions { Indented = indented, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using (var writer = new Utf8JsonWriter(utf8, options))
        {
            writer.WriteStartObject();
            writer.WriteString("Version", "2012-10-17");
            writer.WriteStartArray("Statement");
            foreach (var writeStatement in writeStatements)
            {
                writer.WriteStartObject();
                writer.WriteString("Effect", "Allow");
                writeStatement(writer);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return Escape(Encoding.UTF8.GetString(utf8.WrittenSpan));
    }

    /// <summary>
    /// Writes the same JSON in characters that IAM accepts. No built-in encoder does that: they escape either + and the like too, or almost
    /// nothing. Outside of strings JSON is ASCII, so each such character is in a string and not within another escape.
    /// </summary>
    private static string Escape(string json)
    {
        if (!json.AsSpan().ContainsAnyExceptInRange('\0', LastInPolicies))
        {
            return json;
        }

        var escaped = new StringBuilder(json.Length + 64);
        foreach (var c in json)
        {
            _ = c <= LastInPolicies ? escaped.Append(c) : escaped.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:X4}");
        }

        return escaped.ToString();
    }
}
