using static Scalr.Byok.Kms.Tests.Keys.KeyArnSamples;

namespace Scalr.Byok.Kms.Tests.PoliciesTests;

/// <summary>What no policy is made of, and the parameter that is named for it.</summary>
public sealed class ByokPoliciesRefusalTests
{
    private const string Account = "111122223333";
    private const string Audience = "scalr_kms";
    private const string ExternalId = "external-id-4Zk8Qw7";

    private static readonly KmsKeyArn Key = KmsKeyArn.Parse(MultiRegion);

    public static IEnumerable<TestCaseData> Refused()
    {
        yield return Case("a key that is none", "keyArn", () => ByokPolicies.KeyPermissions(default(KmsKeyArn)));
        yield return Case(
            "a replica of a key that is none", "keyArn", () => ByokPolicies.KeyPermissions(default(KmsKeyArn), ["us-east-2"]));
        yield return Case("a replica of a single-Region key", "replicaRegions",
            () => ByokPolicies.KeyPermissions(KmsKeyArn.Parse(SingleRegion), ["us-east-2"]));
        foreach (var region in new[]
        {
            null!,
            "",
            " ",
            "*",
            "US-EAST-2",
            "us-east-2 ",
            "us-east-2:999988887777:key/x",
            "Frankfurt",
            "cn-north-1",
        })
        {
            yield return Case(
                $"the replica Region '{region}'", "replicaRegions", () => ByokPolicies.KeyPermissions(Key, ["eu-west-1", region]));
        }

        yield return Case("the key's own Region", "replicaRegions", () => ByokPolicies.KeyPermissions(Key, ["us-east-1"]));
        yield return Case(
            "a replica Region twice", "replicaRegions", () => ByokPolicies.KeyPermissions(Key, ["us-east-2", "eu-west-1", "us-east-2"]));
        foreach (var key in new[] { "", " ", "a b", "ä", "a\n", "${aws:userid}", new string('a', 256) })
        {
            yield return Case($"the context key {Shown(key)}", "encryptionContext", () => Conditional(new() { [key] = "x" }));
            yield return Case($"the required key {Shown(key)}", "requiredContextKeys", () => Conditional([], key));
        }

        foreach (var value in new[] { null!, "", "${aws:userid}", "a${", "a\0b", "a\n", "\u0085", "a\ud83d", "\udd11" })
        {
            yield return Case($"the context value {Shown(value)}", "encryptionContext", () => Conditional(new() { ["a"] = value }));
        }

        yield return Case("no required key", "requiredContextKeys", () => Conditional([], [null!]));
        yield return Case("a required key twice", "requiredContextKeys", () => Conditional([], "a", "A"));
        yield return Case("a required key with a value", "requiredContextKeys", () => Conditional(new() { ["a"] = "x" }, "A"));
        yield return Case(
            "two context keys that differ by case alone", "encryptionContext", () => Conditional(new() { ["a"] = "x", ["A"] = "y" }));
        yield return Case("a session policy for no list", "keyArns", () => ByokPolicies.SessionPolicy(null!));
        yield return Case("a session policy for no key", "keyArns", () => ByokPolicies.SessionPolicy([]));
        yield return Case("a session policy for a key that is none", "keyArns", () => ByokPolicies.SessionPolicy([Key, default]));

        foreach (var externalId in new[]
        {
            null!, "", "a", new string('a', 1225), "a b", "a*", "a?b", "${aws:username}", "a\"b", "ab\n", "äb", "a\u0663",
        })
        {
            yield return Case(
                $"the external ID {Shown(externalId)}",
                "externalId",
                () => ByokPolicies.AssumeRoleTrust(externalId, ByokPolicies.ScalrAccountId));
        }

        foreach (var account in new[]
        {
            null!, "", "*", "11112222333", "1111222233334", "1111-2222-3333", " 11122223333", "11112222333\u0663", "${aws:userid}",
        })
        {
            yield return Case($"the host {Shown(account)}", "hostAccountId", () => ByokPolicies.AssumeRoleTrust(ExternalId, account));
            yield return Case(
                $"the account {Shown(account)}",
                "awsAccountId",
                () => ByokPolicies.OidcTrust(account, Audience, "acme", ByokPolicies.ScalrProviderHost));
        }

        foreach (var partition in new[] { "", "AWS", "aws ", "aws-", "*", "amazon", "aws:iam" })
        {
            yield return Case(
                $"the partition {Shown(partition)}",
                "partition",
                () => ByokPolicies.AssumeRoleTrust(ExternalId, "615271354814", partition));
            yield return Case($"the provider's partition {Shown(partition)}", "partition",
                () => ByokPolicies.OidcTrust(Account, Audience, "acme", "scalr.io", partition));
        }

        foreach (var audience in new[] { null!, "", "a b", "a\tb", "ä", "\ud800", new string('a', 256), "${aws:username}", "a${b" })
        {
            yield return Case(
                $"the audience {Shown(audience)}",
                "audience",
                () => ByokPolicies.OidcTrust(Account, audience, "acme", ByokPolicies.ScalrProviderHost));
        }

        foreach (var name in new[]
        {
            null!, "", " ", "*", "acm*", "acm?", "?", "${aws:username}", "acme${", "${*}", "a\0b", "acme\n", "a\u007fb", "a\u0085b",
            "a\ud83d", "\udd11a", "\udd11\ud83d", new string('a', 256),
        })
        {
            yield return Case(
                $"the name {Shown(name)}",
                "accountName",
                () => ByokPolicies.OidcTrust(Account, Audience, name, ByokPolicies.ScalrProviderHost));
            yield return Case($"the subject {Shown(name)}", "subject",
                () => ByokPolicies.OidcTrustForSubject(Account, Audience, name, "scalr.io", "aws"));
        }

        yield return Case("a name that makes a subject of 256", "accountName",
            () => ByokPolicies.OidcTrust(Account, Audience, new string('a', 248), ByokPolicies.ScalrProviderHost));
        foreach (var provider in new[]
        {
            null!,
            "",
            "https://scalr.io",
            "//scalr.io",
            "scalr.io:443",
            "scalr",
            "localhost",
            "10.0.0.1",
            "*",
            "*.scalr.io",
            "scalr.i?",
            "Scalr.io",
            "scalr.io ",
            "scalr.io\n",
            ".scalr.io",
            "scalr.io.",
            "scalr..io",
            "-scalr.io",
            "scalr-.io",
            "scalr_x.io",
            "schälr.io",
            "a@scalr.io",
            "/a",
            "scalr.io//",
            "scalr.io/a//b",
            "scalr.io/./a",
            "scalr.io/..",
            "scalr.io/*",
            "scalr.io/a b",
            "scalr.io/a:b",
            "scalr.io/a?b",
            "scalr.io/a#b",
            "scalr.io/%61", "scalr.io/${aws:userid}", "scalr.io\\a", new string('a', 64) + ".io", "scalr.io/" + new string('a', 239),
        })
        {
            yield return Case(
                $"the provider {Shown(provider)}", "providerHost", () => ByokPolicies.OidcTrust(Account, Audience, "acme", provider));
        }
    }

    [TestCaseSource(nameof(Refused))]
    public void Policies_are_refused_for(string parameter, Func<string> make)
    {
        var thrown = Assert.Catch<ArgumentException>(() => make());

        Assert.That(thrown!.ParamName, Is.EqualTo(parameter));
        Assert.That(thrown.Message, Does.Match(@"^[A-Z].{10,}\. \(Parameter '\w+'\)$"), "a sentence");
    }

    [Test]
    public void Limits_are_where_AWS_has_them()
    {
        var provider = "scalr.io/" + new string('a', 238);
        Assert.That(() => ByokPolicies.OidcTrust(Account, new string('a', 255), new string('a', 247), provider), Throws.Nothing);

        provider = new string('a', 63) + ".io";
        Assert.That(() => ByokPolicies.OidcTrustForSubject(Account, "a", new string('a', 255), provider, "aws-eusc"), Throws.Nothing);
    }

    [Test]
    public void Complaints_do_not_quote_the_external_id()
    {
        var thrown = Assert.Throws<ArgumentException>(
            () => ByokPolicies.AssumeRoleTrust("S3cret with spaces", ByokPolicies.ScalrAccountId));

        Assert.That(thrown!.ToString(), Does.Not.Contain("S3cret"));
    }

    [TestCase(
        "acme*",
        "The account name has a * or a ?, which StringLike treats as a wildcard: others would be trusted too. (Parameter 'accountName')")]
    [TestCase("${aws:userid}",
        "The account name has a ${, which starts a policy variable: AWS would replace it. (Parameter 'accountName')")]
    public void Complaints_say_why(string accountName, string message) =>
        Assert.That(
            () => ByokPolicies.OidcTrust(Account, Audience, accountName, ByokPolicies.ScalrProviderHost),
            Throws.ArgumentException.With.Message.EqualTo(message));

    [Test]
    public void Complaints_do_not_quote_values_of_the_encryption_context()
    {
        var thrown = Assert.Throws<ArgumentException>(() => Conditional(new() { ["tenant"] = "acme-${x}" }));

        Assert.That(thrown!.Message, Does.Contain("'tenant'").And.Not.Contain("acme"));
    }

    private static string Conditional(Dictionary<string, string> pairs, params string[] required) =>
        ByokPolicies.KeyPermissions(Key, encryptionContext: pairs, requiredContextKeys: required);

    private static TestCaseData Case(string name, string parameter, Func<string> make) =>
        new TestCaseData(parameter, make).SetArgDisplayNames(name);

    /// <summary>A text as the name of a test: short, and in characters that every runner prints.</summary>
    private static string Shown(string? text) => text switch
    {
        null => "null",
        { Length: > 60 } => $"of {text.Length}",
        _ => $"'{string.Concat(text.Select(c => c is >= ' ' and <= '~' ? c.ToString() : $"U+{(int)c:X4}"))}'",
    };
}
