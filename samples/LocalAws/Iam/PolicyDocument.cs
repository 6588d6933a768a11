using System.Text.Json;

namespace LocalAws.Iam;

internal enum Decision
{
    ImplicitDeny,
    Allow,
    ExplicitDeny,
}

/// <param name="Action">For example kms:Encrypt.</param>
/// <param name="Resource">The ARN acted upon, or "*" where the action has none.</param>
/// <param name="Facts">What conditions may ask for.</param>
/// <param name="IsPrincipal">
/// Whether the requester is one of a statement's principals; null for permission policies, which name none.
/// </param>
internal sealed record PolicyRequest(string Action, string Resource, Facts Facts, Func<PolicyPrincipal, bool>? IsPrincipal = null);

/// <summary>
/// An IAM policy: who may do what to which resource under which conditions. The parser rejects what the evaluator does not model,
/// so that no policy is silently read as more or less than it says.
/// </summary>
internal sealed class PolicyDocument
{
    private readonly List<PolicyStatement> _statements;

    private PolicyDocument(List<PolicyStatement> statements)
    {
        _statements = statements;
    }

    /// <summary>A policy attached to a user, role or session: names resources, no principals.</summary>
    /// <exception cref="FormatException">The policy is malformed or uses something that is not modelled; the message says what.</exception>
    public static PolicyDocument ParsePermissions(string json) => Parse(json, isTrust: false);

    /// <summary>A role's trust policy: names principals, no resources.</summary>
    /// <exception cref="FormatException">As above.</exception>
    public static PolicyDocument ParseTrust(string json) => Parse(json, isTrust: true);

    /// <summary>What several policies of one principal say together: a denial in any of them wins.</summary>
    public static Decision Decide(IEnumerable<PolicyDocument> policies, PolicyRequest request) =>
        policies.Select(policy => policy.Decide(request)).DefaultIfEmpty(Decision.ImplicitDeny).Max();

    public Decision Decide(PolicyRequest request)
    {
        var decision = Decision.ImplicitDeny;
        foreach (var statement in _statements.Where(statement => statement.AppliesTo(request)))
        {
            if (!statement.Allows)
            {
                return Decision.ExplicitDeny;
            }

            decision = Decision.Allow;
        }

        return decision;
    }

    private static PolicyDocument Parse(string json, bool isTrust)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return new PolicyDocument(Statements(document.RootElement).Select(element => PolicyStatement.Parse(element, isTrust)).ToList());
        }
        catch (JsonException)
        {
            throw new FormatException("The policy is not JSON.");
        }
    }

    private static IEnumerable<JsonElement> Statements(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException("A policy must be a JSON object.");
        }

        JsonElement? statement = null;
        foreach (var property in root.EnumerateObject())
        {
            switch (property.Name)
            {
                case "Version" when property.Value.ValueEquals("2012-10-17") || property.Value.ValueEquals("2008-10-17"):
                case "Id":
                    break;
                case "Statement":
                    statement = property.Value;
                    break;
                default:
                    throw new FormatException(
                        $"'{property.Name}' is unknown in a policy or has an unknown value; expected are Version, Id and Statement.");
            }
        }

        return statement switch
        {
            { ValueKind: JsonValueKind.Object } one => [one],
            { ValueKind: JsonValueKind.Array } many when many.GetArrayLength() > 0 => many.EnumerateArray(),
            _ => throw new FormatException("A policy needs a Statement: an object or a list of objects."),
        };
    }
}
