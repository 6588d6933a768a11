using System.Text.Json;

namespace LocalAws.Iam;

/// <summary>
/// One key of a condition block, for example StringEquals / sts:ExternalId / a value. What an absent key means differs: it fails an
/// operator that asks for a value, passes one that forbids a value, and passes ForAllValues and ...IfExists.
/// </summary>
internal sealed class PolicyCondition
{
    private const string AnyPrefix = "ForAnyValue:";
    private const string AllPrefix = "ForAllValues:";
    private const string IfExists = "IfExists";

    private readonly string _key;
    private readonly List<string> _values;
    private readonly Func<string, string, bool> _matches;
    private readonly bool _negated;
    private readonly bool _isNull;
    private readonly bool _forAny;
    private readonly bool _forAll;
    private readonly bool _ifExists;

    private PolicyCondition(string condition, string key, List<string> values)
    {
        _key = key;
        _values = values;
        _forAny = condition.StartsWith(AnyPrefix, StringComparison.OrdinalIgnoreCase);
        _forAll = condition.StartsWith(AllPrefix, StringComparison.OrdinalIgnoreCase);
        var name = _forAny ? condition[AnyPrefix.Length..] : _forAll ? condition[AllPrefix.Length..] : condition;
        _isNull = name.Equals("Null", StringComparison.OrdinalIgnoreCase);
        _ifExists = name.EndsWith(IfExists, StringComparison.OrdinalIgnoreCase);
        name = _ifExists ? name[..^IfExists.Length] : name;
        _negated = name.Contains("Not", StringComparison.OrdinalIgnoreCase);
        _matches = Operator(name) ?? throw new FormatException($"The condition operator '{condition}' is unknown or not modelled.");
        if (name.Equals("Null", StringComparison.OrdinalIgnoreCase)
            && (_forAny || _forAll || _ifExists || values.Exists(value => !bool.TryParse(value, out _))))
        {
            throw new FormatException("Null takes true or false, and neither ForAnyValue, ForAllValues nor IfExists.");
        }

        if (name.StartsWith("Date", StringComparison.OrdinalIgnoreCase) && !values.TrueForAll(PolicyDate.IsDate))
        {
            throw new FormatException($"{condition} takes dates, for example 2026-01-31T12:00:00Z or seconds since 1970.");
        }
    }

    public static List<PolicyCondition> ParseAll(JsonElement block)
    {
        var conditions = new List<PolicyCondition>();
        foreach (var condition in Members(block))
        {
            foreach (var key in Members(condition.Value))
            {
                conditions.Add(
                    new PolicyCondition(condition.Name, key.Name, PolicyText.Strings("Condition " + key.Name, key.Value, scalars: true)));
            }
        }

        return conditions;
    }

    public bool Holds(Facts facts)
    {
        var actual = facts[_key];
        if (_isNull)
        {
            return _values.Exists(value => bool.Parse(value) == (actual.Count == 0));
        }

        if (_forAll || (actual.Count == 0 && _ifExists))
        {
            return actual.All(Accepts);
        }

        return _forAny || !_negated ? actual.Any(Accepts) : actual.All(Accepts);
    }

    private static JsonElement.ObjectEnumerator Members(JsonElement element) => element.ValueKind == JsonValueKind.Object
        ? element.EnumerateObject()
        : throw new FormatException("Condition must be an object of operators, each an object of condition keys.");

    private static Func<string, string, bool>? Operator(string name) => name.ToUpperInvariant() switch
    {
        "STRINGEQUALS" or "STRINGNOTEQUALS" => string.Equals,
        "STRINGEQUALSIGNORECASE" or "STRINGNOTEQUALSIGNORECASE" or "BOOL" =>
            static (value, actual) => value.Equals(actual, StringComparison.OrdinalIgnoreCase),
        "STRINGLIKE" or "STRINGNOTLIKE" => static (value, actual) => Wildcard.IsMatch(value, actual, ignoreCase: false),
        "ARNEQUALS" or "ARNLIKE" or "ARNNOTEQUALS" or "ARNNOTLIKE" => ArnLike,
        "NULL" => static (_, _) => true,
        "DATEEQUALS" or "DATENOTEQUALS" => Dates(static order => order == 0),
        "DATELESSTHAN" => Dates(static order => order < 0),
        "DATELESSTHANEQUALS" => Dates(static order => order <= 0),
        "DATEGREATERTHAN" => Dates(static order => order > 0),
        "DATEGREATERTHANEQUALS" => Dates(static order => order >= 0),
        _ => null,
    };

    /// <summary>Compares the date of the request with the date of the policy.</summary>
    private static Func<string, string, bool> Dates(Func<int, bool> holds) =>
        (value, actual) => holds(PolicyDate.Parse(actual).CompareTo(PolicyDate.Parse(value)));

    /// <summary>Wildcards in an ARN stay inside its six parts.</summary>
    private static bool ArnLike(string pattern, string arn)
    {
        var patterns = pattern.Split(':', 6);
        var parts = arn.Split(':', 6);
        return patterns.Length == parts.Length
            && patterns.Zip(parts).All(pair => Wildcard.IsMatch(pair.First, pair.Second, ignoreCase: false));
    }

    private bool Accepts(string actual) => _values.Exists(value => _matches(value, actual)) != _negated;
}
