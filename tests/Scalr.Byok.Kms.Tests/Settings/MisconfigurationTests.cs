namespace Scalr.Byok.Kms.Tests.Settings;

/// <summary>
/// Mistakes that people make in configuration, and the exact messages that they read: the path, what was found, what is expected.
/// </summary>
internal sealed class MisconfigurationTests
{
    private const string Later = "Customers:Acme: the credentials and the Regions are checked once the options of AddScalrByok are valid.";

    public static IEnumerable<TestCaseData> All() => [.. Shapes(), .. Durations(), .. Values(), .. KeyRings()];

    [TestCaseSource(nameof(All))]
    public void The_start_says_what_is_wrong(string[] changes, string[] messages)
    {
        var found = Misconfigured.Start(changes);

        Assert.That(found, Is.EqualTo(messages));
        Assert.That(found, Has.None.Contains("S3cret"));
    }

    [Test]
    public void The_table_is_long() => Assert.That(All().Count(), Is.GreaterThanOrEqualTo(60));

    [Test]
    public void Good_configuration_starts_without_a_word()
    {
        Assert.That(Misconfigured.Start(), Is.Empty);
        Assert.That(Misconfigured.Warnings(), Is.Empty);
    }

    private static IEnumerable<TestCaseData> Shapes()
    {
        yield return Case("AllowedRegions as a list in a list",
            ["Byok:AllowedRegions:0:0=us-east-1"],
            ["Byok:AllowedRegions has Byok:AllowedRegions:0 below it; expected a list of Regions, or one text such as "
                + "us-east-1,eu-west-1.", Later]);
        yield return Case("AllowedRegions with names",
            ["Byok:AllowedRegions:First=us-east-1"],
            ["Byok:AllowedRegions has Byok:AllowedRegions:First below it; expected a list of Regions, or one text such as "
                + "us-east-1,eu-west-1.", Later]);
        yield return Case("AllowedRegions of commas alone",
            ["Byok:AllowedRegions=, ,"],
            ["Byok:AllowedRegions is empty; expected Regions, such as us-east-1,eu-west-1.", Later]);
        yield return Case("AllowedRegions emptied over a list",
            ["Byok:AllowedRegions=", "Byok:AllowedRegions:0=us-east-1"],
            ["Byok:AllowedRegions is empty; expected Regions, such as us-east-1,eu-west-1.", Later]);
        yield return Case("AllowedRegions as an empty text or list, which would allow the default Regions",
            ["-Byok:AllowedRegions", "Byok:AllowedRegions="],
            ["Byok:AllowedRegions is empty; expected Regions, such as us-east-1,eu-west-1.", Later]);
        yield return Case("AllowedRegions as one text with a mistake",
            ["Byok:AllowedRegions=us-east-1, Frankfurt"],
            ["Byok:AllowedRegions:1: Not an AWS Region: the text, 9 characters long and not shown, is none; expected a name in lower "
                + "case such as 'us-east-1'.", Later]);
        yield return Case("AllowedRegions with semicolons",
            ["Byok:AllowedRegions=us-east-1;us-east-2"],
            ["Byok:AllowedRegions has Regions that are not separated by commas; expected one text such as us-east-1,eu-west-1.", Later]);
        yield return Case("AllowedRegions with spaces between",
            ["Byok:AllowedRegions=us-east-1 us-east-2"],
            ["Byok:AllowedRegions has Regions that are not separated by commas; expected one text such as us-east-1,eu-west-1.", Later]);
        yield return Case("AllowedRegions as a text without the key's Region",
            ["Byok:AllowedRegions=eu-west-1", "Byok:AllowedRegions:0=us-east-1"],
            ["Customers:Acme:KeyArn: Region us-east-1 is not allowed; allowed are eu-west-1."]);
        yield return Case("A Region in capitals",
            ["Byok:AllowedRegions:0=US-EAST-1"],
            ["Byok:AllowedRegions:0: Not an AWS Region: found 'US-EAST-1'; expected a name in lower case such as 'us-east-1'.", Later]);
        yield return Case("A Region in capitals behind a gap",
            ["Byok:AllowedRegions:7=US-EAST-1"],
            ["Byok:AllowedRegions:7: Not an AWS Region: found 'US-EAST-1'; expected a name in lower case such as 'us-east-1'.", Later]);
        yield return Case("A Region with a space",
            ["Byok:AllowedRegions:0=us-east-1 "],
            ["Byok:AllowedRegions:0 has a space at position 10 of 10 characters. Remove it.", Later]);
        yield return Case("HostIdentity as a text",
            ["Byok:HostIdentity=AKIAIOSFODNN7EXAMPLE"],
            ["Byok:HostIdentity is a text; expected a section with AccessKeyId, SecretAccessKey, SessionToken.", Later]);
        yield return Case("HostIdentity as a list",
            ["Byok:HostIdentity:0=AKIAIOSFODNN7EXAMPLE", "Byok:HostIdentity:1=S3cretlrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE"],
            ["Byok:HostIdentity is a list; expected a section with AccessKeyId, SecretAccessKey, SessionToken.", Later]);
        yield return Case("Endpoints as a text",
            ["Byok:Endpoints=https://kms.example.com"],
            ["Byok:Endpoints is a text; expected a section with Kms, Sts, UseSystemProxy.", Later]);
        yield return Case("Endpoints:Kms as a text",
            ["Byok:Endpoints:Kms=http://localhost:4566"],
            ["Byok:Endpoints:Kms is a text; expected an address for each Region, such as Byok:Endpoints:Kms:us-east-1, or "
                + "Byok:Endpoints:Kms:* for all Regions.", Later]);
        yield return Case("Endpoints:Kms as a list",
            ["Byok:Endpoints:Kms:0=https://kms.example.com"],
            ["Byok:Endpoints:Kms is a list; expected an address for each Region, such as Byok:Endpoints:Kms:us-east-1, or "
                + "Byok:Endpoints:Kms:* for all Regions.", Later]);
        yield return Case("An endpoint with a user name",
            ["Byok:Endpoints:Kms:*=https://host:S3cret@kms.example.com"],
            ["Byok:Endpoints:Kms:* must not have a user name, a query or a fragment; expected an address, such as "
                + "https://kms.example.com.", Later]);
        yield return Case("An endpoint with a query",
            ["Byok:Endpoints:Sts:*=https://sts.example.com/?token=S3cret"],
            ["Byok:Endpoints:Sts:* must not have a user name, a query or a fragment; expected an address, such as "
                + "https://kms.example.com.", Later]);
        yield return Case("An endpoint over http",
            ["Byok:Endpoints:Kms:us-east-1=http://kms.example.com"],
            ["Byok:Endpoints:Kms:us-east-1 must be an https address; plain http is accepted on loopback only.", Later]);
        yield return Case("An endpoint without a scheme",
            ["Byok:Endpoints:Kms:*=kms.example.com"],
            ["Byok:Endpoints:Kms:* must be an https address; plain http is accepted on loopback only.", Later]);
        yield return Case("An endpoint in quotes",
            ["Byok:Endpoints:Sts:*=\"https://sts.example.com\""],
            ["Byok:Endpoints:Sts:* has a quotation mark (U+0022) at position 1, a quotation mark (U+0022) at position 25 of 25 "
                + "characters. Remove them.", Later]);
        yield return Case("An endpoint of no Region",
            ["Byok:Endpoints:Sts:all=https://sts.example.com"],
            ["Byok:Endpoints:Sts: 'all' is neither the name of an AWS Region, which is in lower case, nor *.", Later]);
        yield return Case("An endpoint of a Region in capitals",
            ["Byok:Endpoints:Kms:US-EAST-1=https://kms.example.com"],
            ["Byok:Endpoints:Kms: 'US-EAST-1' is neither the name of an AWS Region, which is in lower case, nor *.", Later]);
        yield return Case("An empty endpoint",
            ["Byok:Endpoints:Sts:*="],
            ["Byok:Endpoints:Sts:* is empty; expected an address, such as https://kms.example.com.", Later]);
        yield return Case("DataKeyCache as a text",
            ["Byok:DataKeyCache=off"],
            ["Byok:DataKeyCache is a text; expected a section with MaxAge, MaxMessages, MaxBytes, MaxKeys, OutageGrace.", Later]);
        yield return Case("Resilience as a text",
            ["Byok:Resilience=none"],
            ["Byok:Resilience is a text; expected a section with TotalTimeout, AttemptTimeout, MaxRetryAttempts, RetryDelay, "
                + "BreakerFailureRatio, BreakerMinimumThroughput, BreakerSamplingDuration, BreakDuration, MaxConcurrentCalls, "
                    + "MaxConnectionsPerEndpoint, MaxSessionStartsPerSecond.", Later]);
        yield return Case("FrameLength as a section",
            ["Byok:FrameLength:Value=4096"],
            ["Byok:FrameLength has settings below it, such as Byok:FrameLength:Value; expected a whole number, such as 65536.", Later]);
        yield return Case("A secret where a number is expected",
            ["Byok:FrameLength=S3cretlrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE"],
            ["Byok:FrameLength is a text of 40 characters, which is not shown; expected a whole number, such as 65536.", Later]);
        yield return Case("A secret where a duration is expected",
            ["Byok:SessionDuration=S3cretlrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE"],
            ["Byok:SessionDuration is a text of 40 characters, which is not shown; expected hh:mm:ss, such as 01:00:00 for 1 hour.",
                Later]);
        yield return Case("A secret where true or false is expected",
            ["Byok:Endpoints:UseSystemProxy=S3cretlrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE"],
            ["Byok:Endpoints:UseSystemProxy is a text of 40 characters, which is not shown; expected true or false.", Later]);
        yield return Case("FrameLength with a unit",
            ["Byok:FrameLength=64k"],
            ["Byok:FrameLength is '64k'; expected a whole number, such as 65536.", Later]);
        yield return Case("FrameLength with a point",
            ["Byok:FrameLength=65536.0"],
            ["Byok:FrameLength is '65536.0'; expected a whole number, such as 65536.", Later]);
        yield return Case("FrameLength with a comma",
            ["Byok:FrameLength=65,536"],
            ["Byok:FrameLength is '65,536'; expected a whole number, such as 65536.", Later]);
        yield return Case("FrameLength beyond the type",
            ["Byok:FrameLength=3000000000"],
            ["Byok:FrameLength is '3000000000', which is too large; expected a whole number, such as 65536.", Later]);
        yield return Case("FrameLength beyond its limit",
            ["Byok:FrameLength=20000000"],
            ["Byok:FrameLength is 20000000; it must be 16 to 16777216.", Later]);
        yield return Case("An empty FrameLength",
            ["Byok:FrameLength="],
            ["Byok:FrameLength is empty; expected a whole number, such as 65536.", Later]);
        yield return Case("FrameLength in quotes",
            ["Byok:FrameLength=\"4096\""],
            ["Byok:FrameLength has a quotation mark (U+0022) at position 1, a quotation mark (U+0022) at position 6 of 6 characters. "
                + "Remove them.", Later]);
        yield return Case("MaxMessageLength with a unit",
            ["Byok:MaxMessageLength=64GiB"],
            ["Byok:MaxMessageLength is '64GiB'; expected a whole number, such as 68719476736.", Later]);
        yield return Case("A ratio with a comma",
            ["Byok:Resilience:BreakerFailureRatio=0,5"],
            ["Byok:Resilience:BreakerFailureRatio is '0,5'; expected a number with a point, such as 0.5.", Later]);
        yield return Case("A ratio in percent",
            ["Byok:Resilience:BreakerFailureRatio=50"],
            ["Byok:Resilience:BreakerFailureRatio is 50; it must be above 0 and at most 1.", Later]);
        yield return Case("RestrictSessions in words",
            ["Byok:RestrictSessions=yes"],
            ["Byok:RestrictSessions is 'yes'; expected true or false.", Later]);
        yield return Case("RestrictSessions as a number",
            ["Byok:RestrictSessions=1"],
            ["Byok:RestrictSessions is '1'; expected true or false.", Later]);
    }

    private static IEnumerable<TestCaseData> Durations()
    {
        yield return Case("KeyRingIdleTimeout as a bare number",
            ["Byok:KeyRingIdleTimeout=15"],
            ["Byok:KeyRingIdleTimeout is '15', which .NET reads as 15 days; expected hh:mm:ss, such as 00:15:00 for 15 minutes.", Later]);
        yield return Case("ConfirmationInterval as a bare number",
            ["Byok:ConfirmationInterval=60"],
            ["Byok:ConfirmationInterval is '60', which .NET reads as 60 days; expected hh:mm:ss, such as 00:00:15 for 15 seconds.", Later]);
        yield return Case("MaxAge of one",
            ["Byok:DataKeyCache:MaxAge=1"],
            ["Byok:DataKeyCache:MaxAge is '1', which .NET reads as 1 day; expected hh:mm:ss, such as 00:15:00 for 15 minutes.", Later]);
        yield return Case("A negative bare number",
            ["Byok:DataKeyCache:MaxAge=-1"],
            ["Byok:DataKeyCache:MaxAge is '-1', which .NET reads as -1 day; expected hh:mm:ss, such as 00:15:00 for 15 minutes.", Later]);
        yield return Case("SessionDuration as 24 hours",
            ["Byok:SessionDuration=24:00:00"],
            ["Byok:SessionDuration is '24:00:00', which .NET reads as 24 days; expected hh:mm:ss, such as 01:00:00 for 1 hour.", Later]);
        yield return Case("Minutes and seconds, which would be hours and minutes",
            ["Byok:KeyRingIdleTimeout=15:00"],
            ["Byok:KeyRingIdleTimeout is '15:00', which .NET reads as hours and minutes; expected hh:mm:ss, such as 00:15:00 for 15 "
                + "minutes.", Later]);
        yield return Case("Half a minute, which would be half an hour",
            ["Byok:RoleCheckInterval=00:30"],
            ["Byok:RoleCheckInterval is '00:30', which .NET reads as hours and minutes; expected hh:mm:ss, such as 00:15:00 for 15 "
                + "minutes.", Later]);
        yield return Case("A duration with a unit",
            ["Byok:Resilience:TotalTimeout=10s"],
            ["Byok:Resilience:TotalTimeout is '10s'; expected hh:mm:ss, such as 00:00:15 for 15 seconds.", Later]);
        yield return Case("A duration of ISO 8601",
            ["Byok:Resilience:AttemptTimeout=PT2S"],
            ["Byok:Resilience:AttemptTimeout is 'PT2S'; expected hh:mm:ss, such as 00:00:15 for 15 seconds.", Later]);
        yield return Case("A short session",
            ["Byok:SessionDuration=00:05:00"],
            ["Byok:SessionDuration is 00:05:00; AWS STS accepts 00:15:00 to 12:00:00.", Later]);
        yield return Case("A zero interval",
            ["Byok:ConfirmationInterval=0"],
            ["Byok:ConfirmationInterval is 00:00:00; it must be 1 second to 1 hour.", Later]);
    }

    private static IEnumerable<TestCaseData> Values()
    {
        yield return Case("An account with hyphens",
            ["Byok:HostAccountId=6152-7135-4814"],
            ["Byok:HostAccountId is not an AWS account id of 12 digits.", Later]);
        yield return Case("An account with a space",
            ["Byok:HostAccountId= 615271354814"],
            ["Byok:HostAccountId has a space at position 1 of 13 characters. Remove it.", Later]);
        yield return Case("An account that is empty",
            ["Byok:HostAccountId="],
            ["Byok:HostAccountId is empty. Set it to the AWS account of the host, 12 digits, or leave it out.", Later]);
        yield return Case("No account of the host, for AssumeRole",
            ["-Byok:HostAccountId", "-Customers:Acme:Credentials", "Customers:Acme:Credentials:Type=AssumeRole",
                $"Customers:Acme:Credentials:RoleArn={Validated.RoleArn}",
                $"Customers:Acme:Credentials:ExternalId={Validated.ExternalId}"],
            ["Customers:Acme:Credentials:Type AssumeRole needs the AWS account of the host; the host must set HostAccountId in the "
                + "options of AddScalrByok."]);
        yield return Case("The host's own key",
            ["Byok:HostAccountId=111122223333"],
            ["Customers:Acme:KeyArn is in account 111122223333, which is HostAccountId, the host's own. Use the customer's account, or "
                + "set AllowHostAccount to accept the host's."]);
        yield return Case("Too many previous keys allowed",
            ["Byok:MaxPreviousKeys=1000"],
            ["Byok:MaxPreviousKeys is 1000; it must be 0 to 100.", Later]);
        yield return Case("A session name with a line break",
            ["Byok:RoleSessionName=host\n"],
            ["Byok:RoleSessionName has a line break at position 5 of 5 characters. Remove it.", Later]);
        yield return Case("Half a host identity",
            ["Byok:HostIdentity:AccessKeyId=AKIAIOSFODNN7EXAMPLE"],
            ["Byok:HostIdentity: AccessKeyId and SecretAccessKey belong together; give both or, for the AWS SDK's default credentials "
                + "chain, neither.", Later]);
        yield return Case("A host identity with a tab",
            [
                "Byok:HostIdentity:AccessKeyId=AKIAIOSFODNN7EXAMPLE",
                "Byok:HostIdentity:SecretAccessKey=S3cretlrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE\t",
            ],
            ["Byok:HostIdentity:SecretAccessKey has a tab at position 41 of 41 characters. Remove it.", Later]);
        yield return Case("A host identity that is swapped",
            [
                "Byok:HostIdentity:AccessKeyId=S3cretlrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE",
                "Byok:HostIdentity:SecretAccessKey=AKIAIOSFODNN7EXAMPLE",
            ],
            [
                "Byok:HostIdentity:AccessKeyId looks like a secret access key; expected the access key ID, such as AKIA…. Were the two "
                + "halves swapped?",
                "Byok:HostIdentity:SecretAccessKey looks like an access key ID; expected the secret access key. Were the two halves "
                + "swapped?",
                Later,
            ]);
        yield return Case("A session token of the host in other quotes",
            [
                "Byok:HostIdentity:AccessKeyId=ASIAIOSFODNN7EXAMPLE",
                "Byok:HostIdentity:SecretAccessKey=S3cretlrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE",
                "Byok:HostIdentity:SessionToken=\uFF02S3cret\uFF02",
            ],
            ["Byok:HostIdentity:SessionToken has a quotation mark (U+FF02) at position 1, a quotation mark (U+FF02) at position 8 of 8 "
                + "characters. Remove them.", Later]);
        yield return Case("A session token of the host with a letter that is not ASCII",
            [
                "Byok:HostIdentity:AccessKeyId=ASIAIOSFODNN7EXAMPLE",
                "Byok:HostIdentity:SecretAccessKey=S3cretlrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE",
                "Byok:HostIdentity:SessionToken=S3cr\u00E9t",
            ],
            ["Byok:HostIdentity:SessionToken has characters that no session token has; expected visible ASCII characters.", Later]);
        yield return Case("A temporary host identity without a token",
            [
                "Byok:HostIdentity:AccessKeyId=ASIAIOSFODNN7EXAMPLE",
                "Byok:HostIdentity:SecretAccessKey=S3cretlrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE",
            ],
            ["Byok:HostIdentity:AccessKeyId is that of a temporary session (ASIA…), which needs its SessionToken, too.", Later]);
    }

    private static IEnumerable<TestCaseData> KeyRings()
    {
        yield return Case("No customer",
            ["-Customers:Acme"],
            ["Key ring 'acme': The configuration section Customers:Acme does not exist or is empty; expected KeyArn and Credentials in "
                + "it."]);
        yield return Case("A customer as a text",
            ["-Customers:Acme", "Customers:Acme=arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"],
            ["Customers:Acme is a text; expected a section with KeyArn, Credentials, ReplicaRegions, PreviousKeys."]);
        yield return Case("No key ARN", ["-Customers:Acme:KeyArn"], ["Customers:Acme:KeyArn is missing."]);
        yield return Case("A misspelled key ARN",
            ["-Customers:Acme:KeyArn", "Customers:Acme:KeyARM=x"],
            ["Customers:Acme:KeyArn is missing."]);
        yield return Case("KeyArn as a section",
            ["-Customers:Acme:KeyArn", "Customers:Acme:KeyArn:Arn=x"],
            ["Customers:Acme:KeyArn has settings below it, such as Customers:Acme:KeyArn:Arn; expected one text."]);
        yield return Case("A key ARN in quotes",
            ["Customers:Acme:KeyArn=\"arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab\""],
            ["Customers:Acme:KeyArn has a quotation mark (U+0022) at position 1, a quotation mark (U+0022) at position 77 of 77 "
                + "characters. Remove them."]);
        yield return Case("A key ARN with a zero-width space",
            ["Customers:Acme:KeyArn=arn:aws:kms:us-east-1:\u200B111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"],
            ["Customers:Acme:KeyArn has a zero-width space (U+200B) at position 23 of 76 characters. Remove it."]);
        yield return Case("A key ARN with a byte order mark",
            ["Customers:Acme:KeyArn=\uFEFFarn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"],
            ["Customers:Acme:KeyArn has a byte order mark (U+FEFF) at position 1 of 76 characters. Remove it."]);
        yield return Case("An alias",
            ["Customers:Acme:KeyArn=alias/acme"],
            ["Customers:Acme:KeyArn: Not a KMS key ARN: 'alias/acme' is the name of an alias; expected the full ARN of the key it "
                + "points to, arn:{partition}:kms:{region}:{account}:key/{key id}. 'aws kms describe-key' prints it as KeyMetadata.Arn."]);
        yield return Case("A key elsewhere",
            ["Customers:Acme:KeyArn=arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"],
            ["Customers:Acme:KeyArn: Region eu-west-1 is not allowed; allowed are us-east-1, us-east-2."]);
        yield return Case("Credentials as a text",
            ["-Customers:Acme:Credentials", "Customers:Acme:Credentials=AccessKeys"],
            ["Customers:Acme:Credentials is a text; expected a section with Type, AccessKeyId, SecretAccessKey, RoleArn, ExternalId, "
                + "Audience."]);
        yield return Case("Credentials as a list",
            ["Customers:Acme:Credentials:0=AccessKeys"],
            ["Customers:Acme:Credentials is a list; expected a section with Type, AccessKeyId, SecretAccessKey, RoleArn, ExternalId, "
                + "Audience."]);
        yield return Case("No credentials",
            ["-Customers:Acme:Credentials"],
            ["Customers:Acme:Credentials:Type is missing; it is one of AccessKeys, AssumeRole, Oidc."]);
        yield return Case("An unknown type",
            ["Customers:Acme:Credentials:Type=IAM"],
            ["Customers:Acme:Credentials:Type is none of AccessKeys, AssumeRole, Oidc."]);
        yield return Case("A type with a space",
            ["Customers:Acme:Credentials:Type=AccessKeys "],
            ["Customers:Acme:Credentials:Type has a space at position 11 of 11 characters. Remove it."]);
        yield return Case("Swapped halves",
            [
                "Customers:Acme:Credentials:AccessKeyId=S3cretlrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE",
                "Customers:Acme:Credentials:SecretAccessKey=AKIAIOSFODNN7EXAMPLE",
            ],
            [
                "Customers:Acme:Credentials:AccessKeyId looks like a secret access key; expected the access key ID, such as AKIA…. Were "
                + "the two halves swapped?",
                "Customers:Acme:Credentials:SecretAccessKey looks like an access key ID; expected the secret access key. Were the two "
                + "halves swapped?",
            ]);
        yield return Case("A secret in quotes",
            ["Customers:Acme:Credentials:SecretAccessKey='S3cretlrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE'"],
            ["Customers:Acme:Credentials:SecretAccessKey has a quotation mark (U+0027) at position 1, a quotation mark (U+0027) at "
                + "position 42 of 42 characters. Remove them."]);
        yield return Case("A secret in quotes between a byte order mark and a line break",
            ["Customers:Acme:Credentials:SecretAccessKey=\uFEFF\"S3cretlrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE\"\n"],
            ["Customers:Acme:Credentials:SecretAccessKey has a byte order mark (U+FEFF) at position 1, a quotation mark (U+0022) at "
                + "position 2, a quotation mark (U+0022) at position 43 and 1 more of 44 characters. Remove them."]);
        yield return Case("A secret in two kinds of quotes",
            ["Customers:Acme:Credentials:SecretAccessKey=\"'S3cretlrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE"],
            ["Customers:Acme:Credentials:SecretAccessKey has a quotation mark (U+0022) at position 1, a quotation mark (U+0027) at "
                + "position 2 of 42 characters. Remove them."]);
        yield return Case("A secret in single angle quotes",
            ["Customers:Acme:Credentials:SecretAccessKey=\u2039S3cretlrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE\u203A"],
            ["Customers:Acme:Credentials:SecretAccessKey has a quotation mark (U+2039) at position 1, a quotation mark (U+203A) at "
                + "position 42 of 42 characters. Remove them."]);
        yield return Case("A secret with characters that show nothing",
            ["Customers:Acme:Credentials:SecretAccessKey=S3cretlrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE\u3164\U000E0020"],
            ["Customers:Acme:Credentials:SecretAccessKey has an invisible character (U+3164) at position 41, an invisible character "
                + "(U+E0020) at position 42 of 43 characters. Remove them."]);
        yield return Case("A secret with a no-break space",
            ["Customers:Acme:Credentials:SecretAccessKey=S3cretlrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE\u00A0"],
            ["Customers:Acme:Credentials:SecretAccessKey has a no-break space (U+00A0) at position 41 of 41 characters. Remove it."]);
        yield return Case("A secret with spaces everywhere",
            ["Customers:Acme:Credentials:SecretAccessKey= S 3 c ret"],
            ["Customers:Acme:Credentials:SecretAccessKey has a space at position 1, a space at position 3, a space at position 5 and 1 "
                + "more of 10 characters. Remove them."]);
        yield return Case("A temporary access key",
            ["Customers:Acme:Credentials:AccessKeyId=ASIAIOSFODNN7EXAMPLE"],
            ["Customers:Acme:Credentials:AccessKeyId is that of a temporary session (ASIA…), which ends within hours. Give an IAM "
                + "user's access key (AKIA…) or use AssumeRole."]);
        yield return Case("ReplicaRegions as a text with the key's own",
            ["Customers:Acme:ReplicaRegions=us-east-1,us-east-2"],
            ["Customers:Acme:ReplicaRegions:0 is us-east-1, the Region of the key itself."]);
        yield return Case("ReplicaRegions with a city and with China",
            ["Customers:Acme:ReplicaRegions=Frankfurt,cn-north-1"],
            ["Customers:Acme:ReplicaRegions:0: Not an AWS Region: the text, 9 characters long and not shown, is none; expected a name in "
                + "lower case such as 'us-east-1'.",
                "Customers:Acme:ReplicaRegions:1 is cn-north-1, which is not a Region of partition aws, the partition of the key."]);
        yield return Case("An external ID where a Region is expected",
            ["Customers:Acme:ReplicaRegions:0=S3cret-id-4Zk8Qw7"],
            ["Customers:Acme:ReplicaRegions:0: Not an AWS Region: the text, 17 characters long and not shown, is none; expected a name in "
                + "lower case such as 'us-east-1'."]);
        yield return Case("ReplicaRegions as a section",
            ["Customers:Acme:ReplicaRegions:us-east-2=true"],
            ["Customers:Acme:ReplicaRegions has Customers:Acme:ReplicaRegions:us-east-2 below it; expected a list of Regions, or one "
                + "text such as us-east-1,eu-west-1."]);
        yield return Case("PreviousKeys as a text",
            ["Customers:Acme:PreviousKeys=arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"],
            ["Customers:Acme:PreviousKeys is a text; expected a list of sections with KeyArn and Credentials, such as "
                + "Customers:Acme:PreviousKeys:0:KeyArn."]);
        yield return Case("PreviousKeys as a section",
            ["Customers:Acme:PreviousKeys:KeyArn=arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"],
            ["Customers:Acme:PreviousKeys has the name 'KeyArn' where a list has numbers; write Customers:Acme:PreviousKeys:0:… for its "
                + "first entry."]);
        yield return Case("PreviousKeys of texts",
            ["Customers:Acme:PreviousKeys:0=arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"],
            ["Customers:Acme:PreviousKeys:0 is a text; expected a section with KeyArn, Credentials."]);
        yield return Case("An empty previous key",
            ["Customers:Acme:PreviousKeys:0="],
            ["Customers:Acme:PreviousKeys:0 is empty; expected a section with KeyArn and Credentials."]);
        yield return Case("Lists whose numbers have gaps",
            [
                "Customers:Acme:ReplicaRegions:1=us-east-2",
                "Customers:Acme:ReplicaRegions:3=us-east-1",
                "Customers:Acme:PreviousKeys:1:KeyArn=alias/acme",
                "Customers:Acme:PreviousKeys:1:Credentials:Type=IAM",
                "Customers:Acme:PreviousKeys:4=alias/acme",
            ],
            [
                "Customers:Acme:PreviousKeys:4 is a text; expected a section with KeyArn, Credentials.",
                "Customers:Acme:ReplicaRegions:3 is us-east-1, the Region of the key itself.",
                "Customers:Acme:PreviousKeys:1:KeyArn: Not a KMS key ARN: 'alias/acme' is the name of an alias; expected the full ARN of "
                + "the key it points to, arn:{partition}:kms:{region}:{account}:key/{key id}. 'aws kms describe-key' prints it as "
                + "KeyMetadata.Arn.",
                "Customers:Acme:PreviousKeys:1:Credentials:Type is none of AccessKeys, AssumeRole, Oidc.",
            ]);
        yield return Case("A previous key without credentials",
            ["Customers:Acme:PreviousKeys:0:KeyArn=arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"],
            ["Customers:Acme:PreviousKeys:0:Credentials:Type is missing; it is one of AccessKeys, AssumeRole, Oidc."]);
        yield return Case("Fields of another type",
            ["Customers:Acme:Credentials:RoleArn=arn:aws:iam::111122223333:role/byok"],
            ["Customers:Acme:Credentials:RoleArn does not belong to credentials of type AccessKeys; leave it empty."]);
        yield return Case("A role with a line break",
            [
                "Customers:Acme:Credentials:Type=AssumeRole",
                "-Customers:Acme:Credentials:AccessKeyId",
                "-Customers:Acme:Credentials:SecretAccessKey",
                "Customers:Acme:Credentials:RoleArn=arn:aws:iam::111122223333:role/byok\r\n",
                "Customers:Acme:Credentials:ExternalId=\u201CS3cret-id\u201D",
            ],
            [
                "Customers:Acme:Credentials:RoleArn has a line break at position 36, a line break at position 37 of 37 characters. "
                + "Remove them.",
                "Customers:Acme:Credentials:ExternalId has a quotation mark (U+201C) at position 1, a quotation mark (U+201D) at "
                + "position 11 of 11 characters. Remove them.",
            ]);
        yield return Case("An audience with a soft hyphen",
            [
                "Customers:Acme:Credentials:Type=Oidc",
                "-Customers:Acme:Credentials:AccessKeyId",
                "-Customers:Acme:Credentials:SecretAccessKey",
                "Customers:Acme:Credentials:RoleArn=arn:aws:iam::111122223333:role/byok",
                "Customers:Acme:Credentials:Audience=scalr\u00ADkms",
            ],
            ["Customers:Acme:Credentials:Audience has an invisible character (U+00AD) at position 6 of 9 characters. Remove it."]);
    }

    private static TestCaseData Case(string name, string[] changes, string[] messages) =>
        new TestCaseData(changes, messages).SetArgDisplayNames(name);
}
