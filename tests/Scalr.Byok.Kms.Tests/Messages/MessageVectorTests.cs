using System.Security.Cryptography;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>Messages of AWS's SDKs, messages made by hand, and damaged ones, each judged as its manifest says.</summary>
public sealed class MessageVectorTests
{
    // How many of each set are what: found by looking at the bytes, not by asking the library.
    [TestCase("crafted", 6, 33, 56, 19, 4, 1)]
    [TestCase("js-generated", 17, 0, 147, 19, 0, 0)]
    [TestCase("js-generated-kms", 5, 0, 38, 8, 0, 0)]
    [TestCase("mutated", 0, 31, 163, 20, 0, 0)]
    public void Read_judges_every_own_vector_as_its_manifest_says(
        string set, int accepted, int refused, int legacy, int withSignature, int nonFramed, int open) =>
        Judge(Path.Combine(VectorSet.Own, set), new Tally(accepted, refused, legacy, withSignature, nonFramed, open));

    [TestCase("public-c-unit", 0, 1, 23, 0, 0, 0)]
    [TestCase("public-commitment-kat", 9, 1, 0, 11, 2, 0)]
    [TestCase("public-dafny-4.1.0", 3, 1, 40, 5, 0, 0)]
    [TestCase("public-js-fixtures", 0, 0, 4, 0, 0, 0)]
    [TestCase("public-net-4.0.0-invalid", 0, 1, 12, 1, 0, 0)]
    [TestCase("public-net-4.0.0-valid", 0, 1, 2, 0, 0, 0)]
    [TestCase("public-net-4.0.1", 2, 2, 28, 4, 0, 0)]
    public void Read_judges_every_public_vector_as_its_manifest_says(
        string set, int accepted, int refused, int legacy, int withSignature, int nonFramed, int open)
    {
        if (VectorSet.Public() is not { } folder)
        {
            Assert.Ignore("The vectors published with AWS's SDKs are not here: set BYOK_VECTORS to their folder.");
            return;
        }

        Judge(Path.Combine(folder, set), new Tally(accepted, refused, legacy, withSignature, nonFramed, open));
    }

    private static void Judge(string folder, Tally expected)
    {
        Tally found = default;
        using (Assert.EnterMultipleScope())
        {
            foreach (Vector vector in VectorSet.Load(folder).Vectors)
            {
                Assert.That(vector.Usable, Is.EqualTo("offline"), vector.Name);
                found = found.Plus(Judge(vector));
            }
        }

        Assert.That(found, Is.EqualTo(expected));
    }

    private static Tally Judge(Vector vector)
    {
        if (LegacySuite(vector.Message) is { } legacy)
        {
            AssertRefused(vector, $"suite {legacy}");
            return new Tally { Legacy = 1 };
        }

        if (vector.Message is [0x02, 0x05, 0x78, ..])
        {
            AssertRefused(vector, "not supported yet");
            return new Tally { Signed = 1 };
        }

        if (IsNonFramed(vector))
        {
            AssertRefused(vector, "not supported yet");
            return new Tally { NonFramed = 1 };
        }

        if (vector.Requirement == "either")
        {
            TestContext.Out.WriteLine($"{vector.Name}: {Record(vector)}");
            return new Tally { Open = 1 };
        }

        if (vector.Expect == "success" && !vector.HasUnstoredContext)
        {
            AssertAccepted(vector);
            return new Tally { Accepted = 1 };
        }

        AssertRefused(vector, "");
        return new Tally { Refused = 1 };
    }

    private static void AssertAccepted(Vector vector)
    {
        MessageHeader header = MessageHeader.Read(vector.Message, MessageOptions.Unlimited);
        byte[] plaintext = Read(vector);

        Assert.That(Convert.ToHexStringLower(SHA256.HashData(plaintext)), Is.EqualTo(vector.PlaintextSha256), vector.Name);
        Assert.That(header.Length, Is.EqualTo(vector.HeaderLength), vector.Name);
        Assert.That(header.Body.FrameLength, Is.EqualTo(vector.FrameLength), vector.Name);
        Assert.That(header.EncryptionContext.Pairs, Is.EquivalentTo(vector.HeaderEncryptionContext!), vector.Name);
        Assert.That(header.EncryptedDataKeys, Has.Count.EqualTo(vector.EdkCount), vector.Name);
        Assert.That(
            header.EncryptedDataKeys.Select(key => (key.ProviderId, Convert.ToHexStringLower(key.ProviderInfo.Span))),
            Is.EqualTo(vector.Edks!.Select(key => (key.ProviderId, key.ProviderInfo))),
            vector.Name);
    }

    private static void AssertRefused(Vector vector, string reason) =>
        Assert.That(() => Read(vector), Throws.TypeOf<ByokDecryptionException>().With.Message.Contains(reason), vector.Name);

    private static string Record(Vector vector)
    {
        try
        {
            return $"read, {Read(vector).Length} bytes";
        }
        catch (ByokDecryptionException refusal)
        {
            return $"refused: {refusal.Message}";
        }
    }

    private static byte[] Read(Vector vector)
    {
        MessageHeader header = MessageHeader.Read(vector.Message, MessageOptions.Unlimited);
        using DataKey dataKey = DataKey.CopyFrom(Convert.FromHexString(vector.DataKey!));
        return MessageReader.Read(header, vector.Message, dataKey);
    }

    private static string? LegacySuite(byte[] message) => message is not [0x01, 0x80, byte high, byte low, ..] ? null : (high, low) switch
    {
        (0x00, 0x14) => "0014 (ALG_AES_128_GCM_IV12_TAG16_NO_KDF)",
        (0x00, 0x46) => "0046 (ALG_AES_192_GCM_IV12_TAG16_NO_KDF)",
        (0x00, 0x78) => "0078 (ALG_AES_256_GCM_IV12_TAG16_NO_KDF)",
        (0x01, 0x14) => "0114 (ALG_AES_128_GCM_IV12_TAG16_HKDF_SHA256)",
        (0x01, 0x46) => "0146 (ALG_AES_192_GCM_IV12_TAG16_HKDF_SHA256)",
        (0x01, 0x78) => "0178 (ALG_AES_256_GCM_IV12_TAG16_HKDF_SHA256)",
        (0x02, 0x14) => "0214 (ALG_AES_128_GCM_IV12_TAG16_HKDF_SHA256_ECDSA_P256)",
        (0x03, 0x46) => "0346 (ALG_AES_192_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384)",
        (0x03, 0x78) => "0378 (ALG_AES_256_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384)",
        _ => null,
    };

    // The manifest knows where the header ends; the content type stands before frame length, commitment and tag.
    private static bool IsNonFramed(Vector vector) =>
        vector.Message is [0x02, 0x04, 0x78, ..] && vector.HeaderLength is { } length && vector.Message[length - 16 - 32 - 4 - 1] == 0x01;

    private readonly record struct Tally(int Accepted, int Refused, int Legacy, int Signed, int NonFramed, int Open)
    {
        public Tally Plus(Tally other) => new(
            Accepted + other.Accepted,
            Refused + other.Refused,
            Legacy + other.Legacy,
            Signed + other.Signed,
            NonFramed + other.NonFramed,
            Open + other.Open);
    }
}
