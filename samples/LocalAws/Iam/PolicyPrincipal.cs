using System.Text.Json;
using System.Text.RegularExpressions;

namespace LocalAws.Iam;

/// <summary>The Principal of a trust statement: AWS accounts, users, roles and sessions, or OpenID Connect providers.</summary>
internal sealed partial class PolicyPrincipal
{
    private readonly List<string> _aws = [];
    private readonly List<string> _federated = [];

    private PolicyPrincipal()
    {
    }

    public static PolicyPrincipal Parse(JsonElement element)
    {
        var principal = new PolicyPrincipal();
        if (element.ValueKind == JsonValueKind.String && element.ValueEquals("*"))
        {
            principal._aws.Add("*");
            return principal;
        }

        if (element.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException("Principal must be \"*\" or an object with AWS or Federated.");
        }

        foreach (var property in element.EnumerateObject())
        {
            var values = PolicyText.Strings("Principal", property.Value);
            switch (property.Name)
            {
                case "AWS":
                    principal._aws.AddRange(values.Select(Checked));
                    break;
                case "Federated":
                    principal._federated.AddRange(values);
                    break;
                case "Service":
                    // AWS's own services never call a stand-in: known, and matching no one.
                    break;
                default:
                    throw new FormatException($"Principal '{property.Name}' is not modelled.");
            }
        }

        return principal;
    }

    /// <summary>Named itself: by ARN or by "*".</summary>
    public bool Names(Caller caller) => _aws.Exists(value => value == "*" || value == caller.PrincipalArn || value == caller.Arn);

    /// <summary>Named itself, or trusted through its account, whose own policies then must allow the action, too.</summary>
    public bool Trusts(Caller caller) =>
        Names(caller) || _aws.Exists(value => value == caller.AccountId || value == $"arn:aws:iam::{caller.AccountId}:root");

    public bool TrustsProvider(string providerArn) => _federated.Contains(providerArn);

    private static string Checked(string value) => value == "*" || Form().IsMatch(value)
        ? value
        : throw new FormatException(
            $"'{value}' is no AWS principal; expected is *, an account id, or the ARN of an account, user, role or session without "
            + "wildcards.");

    [GeneratedRegex(
        @"^(\d{12}|arn:aws:iam::\d{12}:(root|(user|role)/[\w+=,.@/-]+)|arn:aws:sts::\d{12}:assumed-role/[\w+=,.@/-]+)$",
        RegexOptions.ExplicitCapture)]
    private static partial Regex Form();
}
