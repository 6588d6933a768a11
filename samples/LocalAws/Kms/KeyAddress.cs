using System.Text.RegularExpressions;
using LocalAws.Iam;
using LocalAws.Wire;

namespace LocalAws.Kms;

/// <summary>
/// What a client wrote as KeyId (key id, key ARN, alias or alias ARN), read in the caller's account and Region. Whether the key exists is
/// answered only if the caller is allowed to use it, so that no one can search for keys.
/// </summary>
internal sealed partial class KeyAddress
{
    private KeyAddress(string arn, LocalKey? key)
    {
        Arn = arn;
        Key = key;
    }

    /// <summary>The ARN that permissions are checked for: of the key where it is known, also behind an alias.</summary>
    public string Arn { get; }

    public LocalKey? Key { get; }

    public string AccountId => Arn.Split(':')[4];

    /// <exception cref="AwsException">NotFoundException: no address, or one of another Region.</exception>
    public static KeyAddress Parse(Cloud cloud, string text, string accountId, string region)
    {
        var match = Form().Match(text);
        if (!match.Success)
        {
            throw new AwsException("NotFoundException", $"Invalid keyId '{text}'");
        }

        if (match.Groups["region"] is { Success: true } named && named.Value != region)
        {
            throw new AwsException("NotFoundException", $"Invalid arn {named.Value}");
        }

        var account = match.Groups["account"] is { Success: true, Value: var value } ? value : accountId;
        if (match.Groups["alias"] is { Success: true, Value: var alias })
        {
            var aliasArn = $"arn:aws:kms:{region}:{account}:{alias}";
            var target = cloud.FindAlias(aliasArn);
            return new KeyAddress(target?.Arn ?? aliasArn, target);
        }

        var key = cloud.FindKey(region, match.Groups["id"].Value);
        return new KeyAddress($"arn:aws:kms:{region}:{account}:key/{match.Groups["id"].Value}", key?.AccountId == account ? key : null);
    }

    /// <exception cref="AwsException">NotFoundException.</exception>
    public LocalKey Demand() => Key ?? throw new AwsException(
        "NotFoundException",
        Arn.Contains(":alias/", StringComparison.Ordinal) ? $"Alias {Arn} is not found." : $"Key '{Arn}' does not exist");

    [GeneratedRegex(
        @"^((?<arn>arn:aws:kms:(?<region>[a-z0-9-]+):(?<account>\d{12}):))?" +
        @"((?<alias>alias/[a-zA-Z0-9/_-]{1,250})|(?(arn)key/)(?<id>mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}))\z",
        RegexOptions.ExplicitCapture)]
    private static partial Regex Form();
}
