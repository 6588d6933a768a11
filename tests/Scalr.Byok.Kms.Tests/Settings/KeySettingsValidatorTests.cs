using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using static Scalr.Byok.Kms.Tests.Keys.KeyArnSamples;

namespace Scalr.Byok.Kms.Tests.Settings;

/// <summary>Every mistake a customer can make in the form, and the exact sentence the operator reads.</summary>
internal sealed class KeySettingsValidatorTests
{
    private const string Form = "arn:{partition}:kms:{region}:{account}:key/{key id}";
    private const string RoleForm = "arn:<partition>:iam::<account>:role/<name>";
    private const string ChinaKey = $"arn:aws-cn:kms:cn-north-1:111122223333:key/{Uuid}";
    private const string RoleEnd =
        "RoleArn must end in role/ and a role name of 1 to 64 letters, digits or _ + = , . @ -, with a path before it if the role has one.";
    private const string KeyIdForm = "AccessKeyId must be 16 to 128 letters, digits or underscores.";
    private const string AudienceForm =
        "Audience must be 1 to 255 visible ASCII characters, as registered with the OIDC identity provider.";
    private const string ExternalIdCharacters =
        "ExternalId has a character that AWS STS does not accept; letters, digits and _ + = , . @ : / - are allowed.";
    private const string OwnAccount =
        $"is in account {Validated.HostAccount}, which is HostAccountId, the host's own. Use the customer's account, or set "
        + "AllowHostAccount to accept the host's.";

    private const string Confused =
        "ExternalId is missing. Without an external ID, anyone who guesses the role ARN could use the host as a confused deputy.";

    public static IEnumerable<TestCaseData> Good()
    {
        yield return Case("AccessKeys", _ => { });
        yield return Case("AssumeRole", s => s.Credentials = Validated.AssumeRole);
        yield return Case("Oidc", s => s.Credentials = Validated.Oidc);
        yield return Case("a type in another case", s => s.Credentials.Type = "accesskeys");
        yield return Case("a single-Region key", s => s.KeyArn = SingleRegion);
        yield return Case("us-east-2", s => s.KeyArn = MultiRegion.Replace("us-east-1", "us-east-2", StringComparison.Ordinal));
        yield return Case("a replica Region", s => s.ReplicaRegions = ["us-east-2"]);
        yield return Case(
            "a previous key in another Region",
            s => s.PreviousKeys = [Previous(SingleRegion.Replace("us-east-1", "us-east-2", StringComparison.Ordinal))]);
        yield return Case("five previous keys", s => s.PreviousKeys = Many(5));
        yield return Case("a role with a path", s => s.Credentials = Role("arn:aws:iam::111122223333:role/a/b_c/x+=,.@-y"));
        yield return Case("a role of 64 characters", s => s.Credentials = Role($"arn:aws:iam::111122223333:role/{new string('r', 64)}"));
        yield return Case("a role in another account", s => s.Credentials = Role("arn:aws:iam::444455556666:role/r"));
        yield return Case("an external ID of 2", s => s.Credentials = External("ab"));
        yield return Case("an external ID of 1224", s => s.Credentials = External(new string('e', 1224)));
        yield return Case("an external ID of every character", s => s.Credentials = External("aZ09_+=,.@:/-"));
        yield return Case("an audience of 255", s => s.Credentials = Audience(new string('a', 255)));
        yield return Case(
            "empty superfluous fields", s => (s.Credentials.RoleArn, s.Credentials.ExternalId, s.Credentials.Audience) = ("", "", ""));
        yield return Case("null lists", s => (s.ReplicaRegions, s.PreviousKeys) = (null!, null!));
    }

    public static IEnumerable<TestCaseData> Bad()
    {
        yield return Case("no key", s => s.KeyArn = null, "KeyArn is missing.");
        yield return Case("an empty key", s => s.KeyArn = "", "KeyArn is missing.");
        yield return Case("a blank key", s => s.KeyArn = " ", "KeyArn is missing.");
        yield return Case("a key id alone", s => s.KeyArn = Mrk,
            $"KeyArn: Not a KMS key ARN: the text is a key id alone, without Region and account; expected the full ARN of the key, "
            + $"{Form}. 'aws kms describe-key' prints it as KeyMetadata.Arn.");
        yield return Case("a secret for a key", s => s.KeyArn = Validated.Secret,
            $"KeyArn: Not a KMS key ARN: the text, 40 characters long and not shown, does not start with 'arn:'; expected {Form}.");
        yield return Case("a key elsewhere", s => s.KeyArn = MultiRegion.Replace("us-east-1", "us-west-2", StringComparison.Ordinal),
            "KeyArn: Region us-west-2 is not allowed; allowed are us-east-1, us-east-2.");

        yield return Case(
            "no credentials", s => s.Credentials = null!, "Credentials:Type is missing; it is one of AccessKeys, AssumeRole, Oidc.");
        yield return Case(
            "no type", s => s.Credentials.Type = null, "Credentials:Type is missing; it is one of AccessKeys, AssumeRole, Oidc.");
        yield return Case(
            "a blank type", s => s.Credentials.Type = " ", "Credentials:Type is missing; it is one of AccessKeys, AssumeRole, Oidc.");
        yield return Case(
            "an unknown type", s => s.Credentials.Type = "Kerberos", "Credentials:Type is none of AccessKeys, AssumeRole, Oidc.");

        yield return Case(
            "AccessKeys alone",
            s => s.Credentials = new() { Type = "AccessKeys" },
            "Credentials:AccessKeyId is missing.",
            "Credentials:SecretAccessKey is missing.");
        yield return Case(
            "AssumeRole alone",
            s => s.Credentials = new() { Type = "AssumeRole" },
            "Credentials:RoleArn is missing.",
            $"Credentials:{Confused}");
        yield return Case(
            "Oidc alone",
            s => s.Credentials = new() { Type = "Oidc" },
            "Credentials:RoleArn is missing.",
            "Credentials:Audience is missing.");
        yield return Case(
            "AccessKeys with all",
            s => s.Credentials = All("AccessKeys"),
            [.. Superfluous("AccessKeys", "RoleArn", "ExternalId", "Audience")]);
        yield return Case(
            "AssumeRole with all",
            s => s.Credentials = All("AssumeRole"),
            [.. Superfluous("AssumeRole", "AccessKeyId", "SecretAccessKey", "Audience")]);
        yield return Case(
            "Oidc with all", s => s.Credentials = All("Oidc"), [.. Superfluous("Oidc", "AccessKeyId", "SecretAccessKey", "ExternalId")]);

        yield return Case("an access key id that is short", s => s.Credentials.AccessKeyId = "AKIA12345678901", $"Credentials:{KeyIdForm}");
        yield return Case(
            "an access key id that is long", s => s.Credentials.AccessKeyId = new string('A', 129), $"Credentials:{KeyIdForm}");
        yield return Case("an access key id with a space", s => s.Credentials.AccessKeyId = Validated.AccessKeyId + " ",
            "Credentials:AccessKeyId has a space at position 21 of 21 characters. Remove it.");
        yield return Case("a temporary access key", s => s.Credentials.AccessKeyId = "ASIAIOSFODNN7EXAMPLE",
            "Credentials:AccessKeyId is that of a temporary session (ASIA…), which ends within hours. Give an IAM user's access key "
            + "(AKIA…) or use AssumeRole.");
        yield return Case("a secret with a line break", s => s.Credentials.SecretAccessKey = Validated.Secret + "\n",
            "Credentials:SecretAccessKey has a line break at position 41 of 41 characters. Remove it.");
        yield return Case("a secret that is long", s => s.Credentials.SecretAccessKey = new string('s', 513),
            "Credentials:SecretAccessKey has 513 characters; no secret access key has more than 512.");

        foreach (var (name, arn, complaint) in Roles())
        {
            yield return Case("a role that is " + name, s => s.Credentials = Role(arn), $"Credentials:{complaint}");
        }

        yield return Case("a role in another partition", s => s.Credentials = Role("arn:aws-cn:iam::111122223333:role/r"),
            "Credentials:RoleArn is of partition aws-cn but the key is of partition aws; a role reaches only its own.");
        yield return Case(
            "an external ID of 1",
            s => s.Credentials = External("a"),
            "Credentials:ExternalId has 1 character; AWS STS accepts 2 to 1224.");
        yield return Case(
            "an external ID of 1225",
            s => s.Credentials = External(new string('a', 1225)),
            "Credentials:ExternalId has 1225 characters; AWS STS accepts 2 to 1224.");
        foreach (var character in "#<{ä\u0663")
        {
            yield return Case(
                $"an external ID with U+{(int)character:X4}",
                s => s.Credentials = External($"ab{character}"),
                $"Credentials:{ExternalIdCharacters}");
        }

        foreach (var (character, found) in new[]
        {
            (' ', "a space"),
            ('\t', "a tab"),
            ('\n', "a line break"),
            ('\'', "a quotation mark (U+0027)"),
            ('"', "a quotation mark (U+0022)"),
        })
        {
            yield return Case(
                $"an external ID with {found}",
                s => s.Credentials = External($"ab{character}"),
                $"Credentials:ExternalId has {found} at position 3 of 3 characters. Remove it.");
        }

        yield return Case(
            "an audience with a space",
            s => s.Credentials = Audience("scalr kms"),
            "Credentials:Audience has a space at position 6 of 9 characters. Remove it.");
        yield return Case(
            "an audience with a letter of another alphabet",
            s => s.Credentials = Audience("\u0441calr_kms"),
            $"Credentials:{AudienceForm}");
        yield return Case("an audience of 256", s => s.Credentials = Audience(new string('a', 256)), $"Credentials:{AudienceForm}");

        yield return Case("a replica of a single-Region key", s => (s.KeyArn, s.ReplicaRegions) = (SingleRegion, ["us-east-2"]),
            "ReplicaRegions: the key is not a multi-Region key (its id does not start with mrk-), so it has no replicas. Leave them "
            + "empty.");
        yield return Case(
            "a replica in the key's Region",
            s => s.ReplicaRegions = ["us-east-1"],
            "ReplicaRegions:0 is us-east-1, the Region of the key itself.");
        yield return Case(
            "a replica twice", s => s.ReplicaRegions = ["us-east-2", "us-east-2"], "ReplicaRegions:1 names us-east-2 a second time.");
        yield return Case("a replica elsewhere", s => s.ReplicaRegions = ["us-east-2", "eu-west-1"],
            "ReplicaRegions:1: Region eu-west-1 is not allowed; allowed are us-east-1, us-east-2.");
        yield return Case(
            "a replica in another partition",
            s => s.ReplicaRegions = ["cn-north-1"],
            "ReplicaRegions:0 is cn-north-1, which is not a Region of partition aws, the partition of the key.");
        yield return Case("replicas that are no Regions", s => s.ReplicaRegions = [null!, "", "US-EAST-2"],
            "ReplicaRegions:0: Not an AWS Region: the text is empty; expected a name in lower case such as 'us-east-1'.",
            "ReplicaRegions:1: Not an AWS Region: the text is empty; expected a name in lower case such as 'us-east-1'.",
            "ReplicaRegions:2: Not an AWS Region: found 'US-EAST-2'; expected a name in lower case such as 'us-east-1'.");

        yield return Case("a previous key that is null", s => s.PreviousKeys = [null!],
            "PreviousKeys:0:KeyArn is missing.", "PreviousKeys:0:Credentials:Type is missing; it is one of AccessKeys, AssumeRole, Oidc.");
        yield return Case(
            "a previous key that is malformed",
            s => s.PreviousKeys = [Previous(SingleRegion), Previous("")],
            "PreviousKeys:1:KeyArn is missing.");
        yield return Case("a previous key with bad credentials", s => s.PreviousKeys =
        [
            new() { KeyArn = SingleRegion, Credentials = new() { Type = "AccessKeys", AccessKeyId = Validated.AccessKeyId } },
        ],
            "PreviousKeys:0:Credentials:SecretAccessKey is missing.");
        yield return Case("a previous key that is the current one", s => s.PreviousKeys = [Previous(MultiRegion)],
            "PreviousKeys:0:KeyArn is a key that this key ring has already, or a replica of it.");
        yield return Case(
            "a previous key that is a replica",
            s => s.PreviousKeys = [Previous(MultiRegion.Replace("us-east-1", "us-east-2", StringComparison.Ordinal))],
            "PreviousKeys:0:KeyArn is a key that this key ring has already, or a replica of it.");
        yield return Case("a previous key twice", s => s.PreviousKeys = [Previous(SingleRegion), Previous(SingleRegion)],
            "PreviousKeys:1:KeyArn is a key that this key ring has already, or a replica of it.");
        yield return Case(
            "a previous role in another partition",
            s => s.PreviousKeys = [new() { KeyArn = ChinaKey, Credentials = Validated.AssumeRole }],
            "PreviousKeys:0:Credentials:RoleArn is of partition aws but the key is of partition aws-cn; a role reaches only its own.",
            "PreviousKeys:0:KeyArn: Region cn-north-1 is not allowed; allowed are us-east-1, us-east-2.");
        yield return Case(
            "previous keys elsewhere",
            s => s.PreviousKeys = [.. Many(2), Previous(SingleRegion.Replace("us-east-1", "eu-west-1", StringComparison.Ordinal))],
            "PreviousKeys:2:KeyArn: Region eu-west-1 is not allowed; allowed are us-east-1, us-east-2.");
        yield return Case("six previous keys", s => s.PreviousKeys = [.. Many(5), new()],
            "PreviousKeys: there are 6, but MaxPreviousKeys is 5. Remove keys that no stored message is under.");

        yield return Case("the host's own key", s => s.KeyArn = Own(MultiRegion), $"KeyArn {OwnAccount}");
        yield return Case("the host's own role", s => s.Credentials = Role(Own(Validated.RoleArn)), $"Credentials:RoleArn {OwnAccount}");
        yield return Case(
            "a role with a path of the host's own",
            s => s.Credentials = ByokCredentialSettings.Oidc(Own("arn:aws:iam::111122223333:role/a/b"), "aud"),
            $"Credentials:RoleArn {OwnAccount}");
        yield return Case("the host's own previous key and role",
            s => s.PreviousKeys =
            [
                Previous(SingleRegion),
                new() { KeyArn = Own(Many(1)[0].KeyArn!), Credentials = Role(Own(Validated.RoleArn)) },
            ],
            $"PreviousKeys:1:KeyArn {OwnAccount}", $"PreviousKeys:1:Credentials:RoleArn {OwnAccount}");
    }

    [TestCaseSource(nameof(Good))]
    public void Validate_accepts_good_settings(Action<ByokKeySettings> change, string[] complaints) =>
        Assert.That(Validated.KeySettings(change), Is.EqualTo(complaints));

    [TestCaseSource(nameof(Bad))]
    public void Validate_says_what_is_wrong(Action<ByokKeySettings> change, string[] complaints) =>
        Assert.That(Validated.KeySettings(change), Is.EqualTo(complaints.Select(complaint => "Key ring: " + complaint)));

    [Test]
    public void Validate_asks_for_a_source_of_tokens() =>
        Assert.That(Validated.KeySettings(s => s.Credentials = Validated.Oidc, tokens: false), Is.EqualTo(Lines(
            "Key ring: Credentials:Type Oidc needs a source of tokens; the host must call AddOidcTokens.")));

    [Test]
    public void Validate_asks_for_the_hosts_account([Values] bool isPrevious)
    {
        const string Missing =
            "Credentials:Type AssumeRole needs the AWS account of the host; the host must set HostAccountId in the options of "
            + "AddScalrByok.";

        Assert.That(
            Validated.KeySettings(
                s =>
                {
                    s.Credentials = isPrevious ? Validated.AccessKeys : Validated.AssumeRole;
                    s.PreviousKeys = isPrevious ? [new() { KeyArn = SingleRegion, Credentials = Validated.AssumeRole }] : [];
                },
                o => o.HostAccountId = null),
            Is.EqualTo(Lines($"Key ring: {(isPrevious ? "PreviousKeys:0:" : "")}{Missing}")));
        Assert.That(
            Validated.KeySettings(s => s.Credentials = Validated.Oidc, o => o.HostAccountId = null), Is.Empty, "no trust policy names it");
        Assert.That(Validated.KeySettings(options: o => o.HostAccountId = null), Is.Empty);
    }

    [Test]
    public void Validate_accepts_the_hosts_own_account_if_the_host_wishes()
    {
        void OfTheHost(ByokKeySettings settings) =>
            (settings.KeyArn, settings.Credentials) = (Own(MultiRegion), Role(Own(Validated.RoleArn)));

        Assert.That(Validated.KeySettings(OfTheHost, o => o.AllowHostAccount = true), Is.Empty);
        Assert.That(
            Validated.KeySettings(s => s.KeyArn = Own(MultiRegion), o => o.HostAccountId = null),
            Is.Empty,
            "there is nothing to compare with");
    }

    [Test]
    public void Validate_goes_by_the_operators_number_of_previous_keys()
    {
        Assert.That(Validated.KeySettings(s => s.PreviousKeys = Many(6), o => o.MaxPreviousKeys = 6), Is.Empty);
        Assert.That(Validated.KeySettings(s => s.PreviousKeys = Many(1), o => o.MaxPreviousKeys = 0), Is.EqualTo(Lines(
            "Key ring: PreviousKeys: there are 1, but MaxPreviousKeys is 0. Remove keys that no stored message is under.")));
    }

    [Test]
    public void Validate_goes_by_the_operators_Regions() =>
        Assert.That(
            Validated.KeySettings(s => s.ReplicaRegions = ["us-east-2"], o => o.AllowedRegions = ["eu-central-1", "us-east-2"]),
            Is.EqualTo(Lines("Key ring: KeyArn: Region us-east-1 is not allowed; allowed are eu-central-1, us-east-2.")));

    [Test]
    public void Validate_collects_every_complaint_in_one_exception()
    {
        var services = new ServiceCollection();
        services.AddScalrByok().AddKeyRing("acme", settings =>
        {
            settings.KeyArn = MultiRegion.Replace("us-east-1", "us-west-2", StringComparison.Ordinal);
            settings.Credentials = new() { Type = "Oidc", RoleArn = "arn:aws-cn:iam::1:user/x", ExternalId = "not for Oidc" };
            settings.ReplicaRegions = ["us-west-2", "us-east-2", "us-east-2", "Frankfurt"];
            settings.PreviousKeys = [new(), Previous("alias/old"), Previous(MultiRegion)];
        });
        using var provider = services.BuildServiceProvider();

        var thrown = Assert.Throws<OptionsValidationException>(
            () => provider.GetRequiredService<IOptionsMonitor<ByokKeySettings>>().Get("acme"));

        Assert.That(thrown.Message, Is.EqualTo(string.Join("; ", thrown.Failures)));
        Assert.That(thrown.Failures, Is.EqualTo(new[]
        {
            $"Credentials:RoleArn has no account of 12 digits; expected {RoleForm}.",
            "Credentials:Audience is missing.",
            "Credentials:ExternalId does not belong to credentials of type Oidc; leave it empty.",
            "Credentials:Type Oidc needs a source of tokens; the host must call AddOidcTokens.",
            "Credentials:RoleArn is of partition aws-cn but the key is of partition aws; a role reaches only its own.",
            "KeyArn: Region us-west-2 is not allowed; allowed are us-east-1, us-east-2.",
            "ReplicaRegions:0 is us-west-2, the Region of the key itself.",
            "ReplicaRegions:2 names us-east-2 a second time.",
            "ReplicaRegions:3: Not an AWS Region: the text, 9 characters long and not shown, is none; expected a name in lower case such "
            + "as 'us-east-1'.",
            "PreviousKeys:0:KeyArn is missing.",
            "PreviousKeys:0:Credentials:Type is missing; it is one of AccessKeys, AssumeRole, Oidc.",
            $"PreviousKeys:1:KeyArn: Not a KMS key ARN: 'alias/old' is the name of an alias; expected the full ARN of the key it points "
            + $"to, {Form}. 'aws kms describe-key' prints it as KeyMetadata.Arn.",
            "PreviousKeys:2:KeyArn is a key that this key ring has already, or a replica of it.",
        }.Select(complaint => "Key ring 'acme': " + complaint)));
    }

    [Test]
    public void Validate_quotes_no_secret([Values("AccessKeys", "AssumeRole", "Oidc", "Kerberos", Secret)] string type)
    {
        string[] wrong = ["S3cret", "S3cret with spaces", new string('x', 1300) + "S3cret"];
        foreach (var secret in wrong)
        {
            var credentials = new ByokCredentialSettings
            {
                Type = type,
                AccessKeyId = secret,
                SecretAccessKey = secret,
                RoleArn = secret,
                ExternalId = secret,
                Audience = secret,
            };
            var complaints = Validated.KeySettings(s =>
                (s.KeyArn, s.Credentials, s.PreviousKeys) = (secret, credentials, [new() { KeyArn = secret, Credentials = credentials }]));

            Assert.That(complaints, Is.Not.Empty.And.All.Not.Contains("S3cret"));
        }
    }

    [Test]
    public void Null_lists_make_a_ring_without_previous_keys()
    {
        var services = new ServiceCollection();
        services.AddScalrByok().AddKeyRing(
            s => (s.KeyArn, s.Credentials, s.ReplicaRegions, s.PreviousKeys) = (MultiRegion, Validated.AccessKeys, null!, null!));
        using var provider = services.BuildServiceProvider();

        Assert.That(provider.GetRequiredService<IByokKeyRing>().KeyArn.ToString(), Is.EqualTo(MultiRegion));
    }

    [Test]
    public void Configuration_binds_nulls_to_complaints_not_to_other_exceptions()
    {
        var services = new ServiceCollection();
        services.AddScalrByok()
            .AddKeyRing(Validated.Json("""{ "KeyArn": null, "Credentials": null, "ReplicaRegions": null, "PreviousKeys": [ null ] }"""));
        using var provider = services.BuildServiceProvider();

        Assert.That(
            () => provider.GetRequiredService<IByokKeyRing>(),
            Throws.TypeOf<OptionsValidationException>().With.Property("Failures").Contains("Key ring: KeyArn is missing."));
    }

    private const string Secret = "S3cret";

    private static IEnumerable<(string Name, string Arn, string Complaint)> Roles()
    {
        yield return ("blank", " ", "RoleArn is missing.");
        yield return ("a name", "scalr-byok", $"RoleArn is not an ARN of the form {RoleForm}.");
        yield return ("too short", "arn:aws:iam::111122223333", $"RoleArn is not an ARN of the form {RoleForm}.");
        yield return (
            "too long", "arn:aws:iam::111122223333:role/" + new string('/', 2048), $"RoleArn is not an ARN of the form {RoleForm}.");
        yield return ("of no partition", "arn:amazon:iam::111122223333:role/r", $"RoleArn names no AWS partition; expected {RoleForm}.");
        yield return (
            "a session", "arn:aws:sts::111122223333:assumed-role/r/s", $"RoleArn is not the ARN of an IAM role; expected {RoleForm}.");
        yield return ("a key", MultiRegion, $"RoleArn is not the ARN of an IAM role; expected {RoleForm}.");
        yield return (
            "in a Region", "arn:aws:iam:us-east-1:111122223333:role/r", $"RoleArn is not the ARN of an IAM role; expected {RoleForm}.");
        yield return ("of no account", "arn:aws:iam::acme:role/r", $"RoleArn has no account of 12 digits; expected {RoleForm}.");
        yield return (
            "of a short account", "arn:aws:iam::11112222333:role/r", $"RoleArn has no account of 12 digits; expected {RoleForm}.");
        yield return ("a user", "arn:aws:iam::111122223333:user/u", RoleEnd);
        yield return ("without a name", "arn:aws:iam::111122223333:role/", RoleEnd);
        yield return ("a path without a name", "arn:aws:iam::111122223333:role/a/", RoleEnd);
        yield return ("of 65 characters", "arn:aws:iam::111122223333:role/" + new string('r', 65), RoleEnd);
        yield return ("with a star", "arn:aws:iam::111122223333:role/*", RoleEnd);
        yield return ("followed by a space", Validated.RoleArn + " ", "RoleArn has a space at position 42 of 42 characters. Remove it.");
    }

    private static TestCaseData Case(string name, Action<ByokKeySettings> change, params string[] complaints) =>
        new TestCaseData(change, complaints).SetArgDisplayNames(name);

    private static string[] Lines(params string[] lines) => lines;

    /// <summary>Different previous keys.</summary>
    private static List<ByokPreviousKeySettings> Many(int count) =>
        [.. Enumerable.Range(0, count).Select(i => Previous($"{SingleRegion[..^4]}{i:D4}"))];

    private static string Own(string arn) => arn.Replace("111122223333", Validated.HostAccount, StringComparison.Ordinal);

    private static ByokPreviousKeySettings Previous(string keyArn) => new() { KeyArn = keyArn, Credentials = Validated.AccessKeys };

    private static ByokCredentialSettings Role(string arn) => ByokCredentialSettings.AssumeRole(arn, Validated.ExternalId);

    private static ByokCredentialSettings External(string externalId) => ByokCredentialSettings.AssumeRole(Validated.RoleArn, externalId);

    private static ByokCredentialSettings Audience(string audience) => ByokCredentialSettings.Oidc(Validated.RoleArn, audience);

    private static ByokCredentialSettings All(string type) => new()
    {
        Type = type,
        AccessKeyId = Validated.AccessKeyId,
        SecretAccessKey = Validated.Secret,
        RoleArn = Validated.RoleArn,
        ExternalId = Validated.ExternalId,
        Audience = "scalr_kms",
    };

    private static IEnumerable<string> Superfluous(string type, params string[] fields) =>
        fields.Select(field => $"Credentials:{field} does not belong to credentials of type {type}; leave it empty.");
}
