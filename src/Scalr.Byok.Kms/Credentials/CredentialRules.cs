using System.Buffers;
using Scalr.Byok.Kms.Keys;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>Validates each field of the credentials. Validation errors name the field and never quote a secret.</summary>
internal static class CredentialRules
{
    private const string Digits = "0123456789";
    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    // The characters that the IAM API reference allows in role names and paths.
    private static readonly SearchValues<char> RolePathCharacters = SearchValues.Create(Letters + Digits + "_+=,.@-/");

    public static IEnumerable<string> AccessKeyId(string? value)
    {
        const string Field = nameof(ByokCredentialSettings.AccessKeyId);
        if (string.IsNullOrWhiteSpace(value))
        {
            yield return $"{Field} is missing.";
        }
        else if (AccessKeyText.ComplainAboutId(value) is { } complaint)
        {
            yield return $"{Field} {complaint}";
        }
        else if (AccessKeyText.IsTemporary(value))
        {
            yield return $"{Field} is that of a temporary session (ASIA…), which ends within hours. Give an IAM user's access key "
                + "(AKIA…) or use AssumeRole.";
        }
    }

    public static IEnumerable<string> SecretAccessKey(string? value)
    {
        const string Field = nameof(ByokCredentialSettings.SecretAccessKey);
        if (string.IsNullOrWhiteSpace(value))
        {
            yield return $"{Field} is missing.";
        }
        else if (AccessKeyText.ComplainAboutSecret(value) is { } complaint)
        {
            yield return $"{Field} {complaint}";
        }
    }

    public static IEnumerable<string> ExternalId(string? value)
    {
        const string Field = nameof(ByokCredentialSettings.ExternalId);
        if (string.IsNullOrEmpty(value))
        {
            yield return $"{Field} is missing. Without an external ID, anyone who guesses the role ARN could use the host as a confused "
                + "deputy.";
        }
        else if ((PastedText.Complain(value) ?? IamText.ComplainAboutExternalId(value)) is { } complaint)
        {
            yield return $"{Field} {complaint}";
        }
    }

    public static IEnumerable<string> Audience(string? value)
    {
        const string Field = nameof(ByokCredentialSettings.Audience);
        if (string.IsNullOrEmpty(value))
        {
            yield return $"{Field} is missing.";
        }
        else if ((PastedText.Complain(value) ?? IamText.ComplainAboutAudience(value)) is { } complaint)
        {
            yield return $"{Field} {complaint}";
        }
    }

    public static IEnumerable<string> RoleArn(string? value)
    {
        const string Field = nameof(ByokCredentialSettings.RoleArn);
        const string Expected = "arn:<partition>:iam::<account>:role/<name>";
        if (string.IsNullOrWhiteSpace(value))
        {
            yield return $"{Field} is missing.";
            yield break;
        }

        var parts = value.Length > 2048 ? [] : value.Split(':');
        if (value.Length <= 2048 && PastedText.Complain(value) is { } pasted)
        {
            yield return $"{Field} {pasted}";
        }
        else if (parts is not ["arn", _, _, _, _, _])
        {
            yield return $"{Field} is not an ARN of the form {Expected}.";
        }
        else if (!AwsPartitions.TryParse<char>(parts[1], out _))
        {
            yield return $"{Field} names no AWS partition; expected {Expected}.";
        }
        else if (parts[2] != "iam" || parts[3].Length != 0)
        {
            yield return $"{Field} is not the ARN of an IAM role; expected {Expected}.";
        }
        else if (!IamText.IsAccountId(parts[4]))
        {
            yield return $"{Field} has no account of 12 digits; expected {Expected}.";
        }
        else if (!IsRolePath(parts[5]))
        {
            yield return $"{Field} must end in role/ and a role name of 1 to 64 letters, digits or _ + = , . @ -, with a path before it "
                + "if the role has one.";
        }
    }

    /// <summary>A validation error for each field that is set although the type does not use it.</summary>
    public static IEnumerable<string> Superfluous(ByokCredentialSettings credentials, string type, params string[] used) =>
        from field in new (string Name, string? Value)[]
        {
            (nameof(credentials.AccessKeyId), credentials.AccessKeyId),
            (nameof(credentials.SecretAccessKey), credentials.SecretAccessKey),
            (nameof(credentials.RoleArn), credentials.RoleArn),
            (nameof(credentials.ExternalId), credentials.ExternalId),
            (nameof(credentials.Audience), credentials.Audience),
        }
        where !string.IsNullOrEmpty(field.Value) && !used.Contains(field.Name)
        select $"{field.Name} does not belong to credentials of type {type}; leave it empty.";

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
