using System.Globalization;
using System.Text.RegularExpressions;
using LocalAws.Wire;
using Microsoft.Extensions.Primitives;

namespace LocalAws.Sts;

/// <summary>The form of an STS request with the limits that AWS documents; what breaks one is a ValidationError.</summary>
internal sealed partial class StsParameters
{
    private const int MaxPolicyLength = 2048;

    private readonly Dictionary<string, StringValues> _form;

    public StsParameters(Dictionary<string, StringValues> form)
    {
        _form = form;
    }

    public string? Text(string name) => _form.TryGetValue(name, out var value) && value.Count > 0 ? value[0] : null;

    public string RoleArn => Checked("RoleArn", Text("RoleArn"), 20, 2048, RoleArnForm()) ?? throw Missing("RoleArn");

    public string SessionName =>
        Checked("RoleSessionName", Text("RoleSessionName"), 2, 64, SessionNameForm()) ?? throw Missing("RoleSessionName");

    public string? ExternalId => Checked("ExternalId", Text("ExternalId"), 2, 1224, ExternalIdForm());

    public string WebIdentityToken =>
        Checked("WebIdentityToken", Text("WebIdentityToken"), 4, 20000, null) ?? throw Missing("WebIdentityToken");

    public TimeSpan Duration
    {
        get
        {
            if (Text("DurationSeconds") is not { } text)
            {
                return TimeSpan.FromHours(1);
            }

            return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 900 and <= 43200
                ? TimeSpan.FromSeconds(seconds)
                : throw Invalid("DurationSeconds must be a number from 900 to 43200.");
        }
    }

    public string? SessionPolicy
    {
        get
        {
            if (_form.Keys.Any(name => name.StartsWith("PolicyArns.", StringComparison.Ordinal)))
            {
                throw Invalid("LocalAws has no managed policies; narrow the session with an inline Policy.");
            }

            return Text("Policy") is { Length: > MaxPolicyLength }
                ? throw new AwsException("PackedPolicyTooLarge", $"The session policy has more than {MaxPolicyLength} characters.")
                : Text("Policy");
        }
    }

    public static AwsException Invalid(string message) => new("ValidationError", message);

    private static AwsException Missing(string name) => Invalid($"{name} is missing.");

    private static string? Checked(string name, string? value, int min, int max, Regex? form)
    {
        if (value is not null && (value.Length < min || value.Length > max || form?.IsMatch(value) == false))
        {
            throw Invalid($"{name} must have {min} to {max} characters" + (form is null ? "." : $" and match {form}."));
        }

        return value;
    }

    [GeneratedRegex(@"^arn:aws:iam::\d{12}:role/[\w+=,.@/-]+\z", RegexOptions.ECMAScript)]
    private static partial Regex RoleArnForm();

    [GeneratedRegex(@"^[\w+=,.@-]*\z", RegexOptions.ECMAScript)]
    private static partial Regex SessionNameForm();

    [GeneratedRegex(@"^[\w+=,.@:/-]*\z", RegexOptions.ECMAScript)]
    private static partial Regex ExternalIdForm();
}
