using System.Text.Json.Nodes;
using static Scalr.Byok.Kms.Tests.Keys.KeyArnSamples;

namespace Scalr.Byok.Kms.Tests.PoliciesTests;

/// <summary>Permission policies with conditions on the encryption context.</summary>
public sealed class ByokPoliciesConditionTests
{
    private static readonly KmsKeyArn Key = KmsKeyArn.Parse(MultiRegion);
    private static readonly Dictionary<string, string> Pairs = new() { ["scalr:tenant"] = "acme", ["app"] = "byok" };

    [Test]
    public void KeyPermissions_have_conditions_on_the_encryption_context_and_none_for_DescribeKey() =>
        ByokPoliciesTests.ShouldEqual(JsonNode.Parse(
            ByokPolicies.KeyPermissions(Key, ["us-east-2"], encryptionContext: Pairs, requiredContextKeys: ["record", "row"])), $$"""
            {
              "Version": "2012-10-17",
              "Statement": [
                {
                  "Effect": "Allow",
                  "Action": [ "kms:Encrypt", "kms:Decrypt" ],
                  "Resource": [ "{{MultiRegion}}", "arn:aws:kms:us-east-2:111122223333:key/{{Mrk}}" ],
                  "Condition": {
                    "StringEquals": {
                      "kms:EncryptionContext:scalr:tenant": "acme",
                      "kms:EncryptionContext:app": "byok"
                    },
                    "Null": {
                      "kms:EncryptionContext:record": "false",
                      "kms:EncryptionContext:row": "false"
                    }
                  }
                },
                {
                  "Effect": "Allow",
                  "Action": "kms:DescribeKey",
                  "Resource": [ "{{MultiRegion}}", "arn:aws:kms:us-east-2:111122223333:key/{{Mrk}}" ]
                }
              ]
            }
            """);

    [Test]
    public void KeyPermissions_with_conditions_have_one_statement_without_DescribeKey()
    {
        var statements =
            JsonNode.Parse(ByokPolicies.KeyPermissions(Key, describeKey: false, requiredContextKeys: ["record"]))!["Statement"]!.AsArray();

        Assert.That(statements, Has.Count.EqualTo(1));
        ByokPoliciesTests.ShouldEqual(statements[0]!["Condition"], """{ "Null": { "kms:EncryptionContext:record": "false" } }""");
    }

    [Test]
    public void KeyPermissions_without_pairs_and_keys_have_no_conditions() =>
        Assert.That(
            ByokPolicies.KeyPermissions(Key, encryptionContext: new Dictionary<string, string>(), requiredContextKeys: []),
            Is.EqualTo(ByokPolicies.KeyPermissions(Key)));
}
