using System.Text.Json;

namespace LocalAws.Iam;

/// <summary>One statement of a policy. It applies when principal, action, resource and all conditions do.</summary>
internal sealed class PolicyStatement
{
    private readonly List<string> _actions;
    private readonly bool _exceptActions;
    private readonly List<string>? _resources;
    private readonly bool _exceptResources;
    private readonly PolicyPrincipal? _principal;
    private readonly List<PolicyCondition> _conditions;

    private PolicyStatement(Dictionary<string, JsonElement> parts, bool isTrust)
    {
        Allows = Effect(parts);
        _exceptActions = parts.ContainsKey("NotAction");
        _actions = ExactlyOne(parts, "Action", "NotAction").Select(CheckedAction).ToList();
        if (isTrust)
        {
            Refuse(parts, "a trust policy", "Resource", "NotResource");
            _principal = parts.TryGetValue("Principal", out var principal)
                ? PolicyPrincipal.Parse(principal)
                : throw new FormatException("A statement of a trust policy needs a Principal.");
        }
        else
        {
            Refuse(parts, "a permission policy", "Principal");
            _exceptResources = parts.ContainsKey("NotResource");
            _resources = ExactlyOne(parts, "Resource", "NotResource");
        }

        _conditions = parts.TryGetValue("Condition", out var condition) ? PolicyCondition.ParseAll(condition) : [];
    }

    public bool Allows { get; }

    public static PolicyStatement Parse(JsonElement element, bool isTrust)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException("A statement must be a JSON object.");
        }

        var parts = new Dictionary<string, JsonElement>();
        foreach (var property in element.EnumerateObject())
        {
            if (property.Name is not ("Sid" or "Effect" or "Action"
                or "NotAction" or "Resource" or "NotResource" or "Principal" or "Condition"))
            {
                throw new FormatException($"'{property.Name}' is unknown or not modelled in a statement.");
            }

            parts[property.Name] = property.Value;
        }

        return new PolicyStatement(parts, isTrust);
    }

    public bool AppliesTo(PolicyRequest request) =>
        (_principal is null || request.IsPrincipal?.Invoke(_principal) == true) &&
        _actions.Any(action => Wildcard.IsMatch(action, request.Action, ignoreCase: true)) != _exceptActions &&
        (_resources is null
            || _resources.Any(resource => Wildcard.IsMatch(resource, request.Resource, ignoreCase: false)) != _exceptResources) &&
        _conditions.TrueForAll(condition => condition.Holds(request.Facts));

    private static bool Effect(Dictionary<string, JsonElement> parts) =>
        parts.TryGetValue("Effect", out var effect) && effect.ValueKind == JsonValueKind.String
            ? effect.GetString() switch
            {
                "Allow" => true,
                "Deny" => false,
                _ => throw new FormatException("Effect must be Allow or Deny."),
            }
            : throw new FormatException("A statement needs an Effect: Allow or Deny.");

    private static List<string> ExactlyOne(Dictionary<string, JsonElement> parts, string name, string opposite) =>
        (parts.TryGetValue(name, out var value), parts.TryGetValue(opposite, out var except)) switch
        {
            (true, false) => PolicyText.Strings(name, value),
            (false, true) => PolicyText.Strings(opposite, except),
            _ => throw new FormatException($"A statement needs either {name} or {opposite}."),
        };

    private static string CheckedAction(string action) => action == "*" || action.IndexOf(':', StringComparison.Ordinal) > 0
        ? action
        : throw new FormatException($"'{action}' is no action; expected is service:Name, or *.");

    private static void Refuse(Dictionary<string, JsonElement> parts, string where, params string[] names)
    {
        if (names.FirstOrDefault(parts.ContainsKey) is { } name)
        {
            throw new FormatException($"{name} has no place in {where}.");
        }
    }
}
