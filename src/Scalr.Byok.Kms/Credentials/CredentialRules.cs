using System.Buffers;
using Scalr.Byok.Kms.Keys;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>
/// Validates each field of the credentials. Adds the validation error, if there is one, which names the field and never quotes a secret.
/// </summary>
internal static class CredentialRules
{
    private const string Digits = "0123456789";
    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    // The characters that the IAM API reference allows in role names and paths.
    private static readonly SearchValues<char> RolePathCharacters = SearchValues.Create(Letters + Digits + "_+=,.@-/");

    public static void AccessKeyId(List<string> errors, string? value)
    {
        const string Field = nameof(ByokCredentialSettings.AccessKeyId);
        if (string.IsNullOrWhiteSpace(value))
        {
            errors.Add($"{Field} is missing.");
        }
        else if (AccessKeyText.ComplainAboutId(value) is { } complaint)
        {
            errors.Add($"{Field} {complaint}");
        }
        else if (AccessKeyText.IsTemporary(value))
        {
            errors.Add($"{Field} is that of a temporary session (ASIA…), which ends within hours. Give an IAM user's access key "
                + "(AKIA…) or use AssumeRole.");
        }
    }

    public static void SecretAccessKey(List<string> errors, string? value)
    {
        const string Field = nameof(ByokCredentialSettings.SecretAccessKey);
        if (string.IsNullOrWhiteSpace(value))
        {
            errors.Add($"{Field} is missing.");
        }
        else if (AccessKeyText.ComplainAboutSecret(value) is { } complaint)
        {
            errors.Add($"{Field} {complaint}");
        }
    }

    public static void ExternalId(List<string> errors, string? value)
    {
        const string Field = nameof(ByokCredentialSettings.ExternalId);
        if (string.IsNullOrEmpty(value))
        {
            errors.Add($"{Field} is missing. Without an external ID, anyone who guesses the role ARN could use the host as a confused "
                + "deputy.");
        }
        else if ((PastedText.Complain(value) ?? IamText.ComplainAboutExternalId(value)) is { } complaint)
        {
            errors.Add($"{Field} {complaint}");
        }
    }

    public static void Audience(List<string> errors, string? value)
    {
        const string Field = nameof(ByokCredentialSettings.Audience);
        if (string.IsNullOrEmpty(value))
        {
            errors.Add($"{Field} is missing.");
        }
        else if ((PastedText.Complain(value) ?? IamText.ComplainAboutAudience(value)) is { } complaint)
        {
            errors.Add($"{Field} {complaint}");
        }
    }

    public static void RoleArn(List<string> errors, string? value)
    {
        const string Field = nameof(ByokCredentialSettings.RoleArn);
        const string Expected = "arn:<partition>:iam::<account>:role/<name>";
        if (string.IsNullOrWhiteSpace(value))
        {
            errors.Add($"{Field} is missing.");
            return;
        }

        var parts = value.Length > 2048 ? [] : value.Split(':');
        if (value.Length <= 2048 && PastedText.Complain(value) is { } pasted)
        {
            errors.Add($"{Field} {pasted}");
        }
        else if (parts is not ["arn", _, _, _, _, _])
        {
            errors.Add($"{Field} is not an ARN of the form {Expected}.");
        }
        else if (!AwsPartitions.TryParse<char>(parts[1], out _))
        {
            errors.Add($"{Field} names no AWS partition; expected {Expected}.");
        }
        else if (parts[2] != "iam" || parts[3].Length != 0)
        {
            errors.Add($"{Field} is not the ARN of an IAM role; expected {Expected}.");
        }
        else if (!IamText.IsAccountId(parts[4]))
        {
            errors.Add($"{Field} has no account of 12 digits; expected {Expected}.");
        }
        else if (!IsRolePath(parts[5]))
        {
            errors.Add($"{Field} must end in role/ and a role name of 1 to 64 letters, digits or _ + = , . @ -, with a path before it "
                + "if the role has one.");
        }
    }

    /// <summary>A validation error for each field that is set although the type does not use it.</summary>
    public static void Superfluous(List<string> errors, ByokCredentialSettings credentials, string type, params string[] used)
    {
        Check(nameof(credentials.AccessKeyId), credentials.AccessKeyId);
        Check(nameof(credentials.SecretAccessKey), credentials.SecretAccessKey);
        Check(nameof(credentials.RoleArn), credentials.RoleArn);
        Check(nameof(credentials.ExternalId), credentials.ExternalId);
        Check(nameof(credentials.Audience), credentials.Audience);

        void Check(string field, string? value)
        {
            if (!string.IsNullOrEmpty(value) && !used.Contains(field))
            {
                errors.Add($"{field} does not belong to credentials of type {type}; leave it empty.");
            }
        }
    }

    private static bool IsRolePath(ReadOnlySpan<char> resource)
    {
        if (!resource.StartsWith("role/", StringComparison.Ordinal) || resource.ContainsAnyExcept(RolePathCharacters))
        {
            return false;
        }

        var name = resource[(resource.LastIndexOf('/') + 1)..];
        return name.Length is >= 1 and <= 64 && resource.Length - name.Length <= 512;
    }
}
