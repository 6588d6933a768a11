using System.Text;
using CsCheck;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>What an operator's tool sees of a message: no key, no ring and no AWS in any of these.</summary>
public sealed class ByokMessageTests
{
    private const string Arn = "arn:aws:kms:us-east-1:111122223333:key/mrk-44444444444444444444444444444444";

    // How many messages of each set the library reads: found by looking at the bytes, not by asking the library.
    [TestCase("js-generated", 17, 19)]
    [TestCase("js-generated-kms", 5, 8)]
    [TestCase("crafted", 8, 8)]
    public void Read_shows_what_the_manifest_says(string set, int withoutSignature, int withSignature)
    {
        var all = VectorSet.Load(Path.Combine(VectorSet.Own, set));
        List<Vector> vectors = [.. all.Vectors.Where(vector => vector.Expect == "success" && vector.Message[0] == 2)];

        Assert.That(vectors.Count(vector => vector.Message[1] == 4), Is.EqualTo(withoutSignature));
        Assert.That(vectors.Count(vector => vector.Message[1] == 5), Is.EqualTo(withSignature));
        using (Assert.EnterMultipleScope())
        {
            foreach (var vector in vectors)
            {
                AssertAsItsManifestSays(vector);
            }
        }
    }

    [Test]
    public void Read_shows_a_message_of_this_library()
    {
        var message = Sample.Message();

        var header = ByokMessage.Read(message);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(header.AlgorithmSuiteId, Is.EqualTo(0x0478));
            Assert.That(header.AlgorithmSuite, Is.EqualTo("ALG_AES_256_GCM_HKDF_SHA512_COMMIT_KEY"));
            Assert.That(header.IsSigned, Is.False);
            Assert.That(header.MessageId.ToArray(), Is.EqualTo(Sample.MessageId));
            Assert.That(header.EncryptionContext, Is.EquivalentTo(Sample.Pairs));
            Assert.That(header.EncryptedDataKeyCount, Is.EqualTo(1));
            Assert.That(header.IsFramed);
            Assert.That(header.FrameLength, Is.EqualTo(Sample.FrameLength));
            Assert.That(message.AsSpan(header.HeaderLength, 4).ToArray(), Is.EqualTo(new byte[] { 0, 0, 0, 1 }), "the first frame");
        }
    }

    [Test]
    public void TryRead_shows_the_same_header()
    {
        var message = Sample.Message();

        Assert.That(ByokMessage.TryRead(message, out var header, out var error), Is.True);

        Assert.That(error, Is.Null);
        Assert.That(header!.EncryptionContext, Is.EquivalentTo(Sample.Pairs));
        Assert.That(header.HeaderLength, Is.EqualTo(ByokMessage.Read(message).HeaderLength));
    }

    [Test]
    public void Read_counts_every_encrypted_data_key_and_names_the_keys_of_AWS_KMS()
    {
        PlainKey[] keys =
        [
            new("aws-kms", Arn.Replace("east-1", "west-2", StringComparison.Ordinal), [1]),
            new("raw-aes", Arn, [2]),
            new("AWS-KMS", Arn, [3]),
            new("aws-kms", Arn, [4]),
            new("aws-kms", "arn:aws:kms:us-east-1:111122223333:alias/main", [5]),
            new("aws-kms", "", []),
            new("aws-kms", Arn, [6]),
        ];

        var header = ByokMessage.Read((SampleHeader() with { Keys = keys }).Write(new byte[32]));

        Assert.That(header.EncryptedDataKeyCount, Is.EqualTo(keys.Length));
        Assert.That(header.EncryptedDataKeys.Select(key => key.ProviderId), Is.EqualTo(keys.Select(key => key.Provider)));
        Assert.That(
            header.EncryptedDataKeys.Select(key => Encoding.UTF8.GetString(key.ProviderInfo.Span)),
            Is.EqualTo(keys.Select(key => key.Info)));
        Assert.That(header.EncryptedDataKeys.Select(key => key.Ciphertext.ToArray()), Is.EqualTo(keys.Select(key => key.Blob)));
        Assert.That(header.EncryptedDataKeys.Select(key => key.KeyArn).OfType<KmsKeyArn>(), Is.EqualTo(header.KeyArns));
        Assert.That(header.KeyArns.Select(key => key.ToString()), Is.EqualTo(new[] { keys[0].Info, Arn, Arn }));
    }

    [Test]
    public void Read_believes_what_was_forged()
    {
        // That is what "unauthenticated" means: nothing of this was written by who holds the key.
        var forged = SampleHeader() with
        {
            Context = PlainHeader.WriteContext(("tenant", "someone else")),
            Keys = [new PlainKey("aws-kms", Arn, [0])],
            Commitment = new byte[32],
            FrameLength = uint.MaxValue,
        };

        var header = ByokMessage.Read(forged.Write(new byte[32]));

        Assert.That(header.EncryptionContext, Is.EqualTo(new Dictionary<string, string> { ["tenant"] = "someone else" }));
        Assert.That(header.KeyArns.Single().ToString(), Is.EqualTo(Arn));
        Assert.That(header.FrameLength, Is.EqualTo(4_294_967_295));
    }

    [Test]
    public void Read_takes_a_beginning_that_has_the_whole_header()
    {
        var message = Sample.Message();
        var length = Sample.Template().HeaderLength;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(ByokMessage.Read(message.AsMemory(0, length)).HeaderLength, Is.EqualTo(length));
            Assert.That(ByokMessage.Read(message.AsMemory(0, length + 1)).HeaderLength, Is.EqualTo(length));
            Assert.That(ByokMessage.Read(message).HeaderLength, Is.EqualTo(length));
            for (var cut = 0; cut < length; cut++)
            {
                AssertRefused(message[..cut], HeaderErrors.TooShort, $"cut to {cut}");
            }
        }
    }

    [Test]
    public void Read_refuses_what_is_no_message_and_says_what_it_is()
    {
        using (Assert.EnterMultipleScope())
        {
            AssertRefused([], "The message is cut short: it ends within its header.");
            AssertRefused(
                Encoding.ASCII.GetBytes(Convert.ToBase64String(Sample.Message())), "This looks like a message in base64. Decode it first.");
            AssertRefused("AYADeAB4"u8.ToArray(), "This looks like a message in base64. Decode it first.");
            AssertRefused("{\"keyArn\":1}"u8.ToArray(), "This is not an AWS Encryption SDK message.");
            AssertRefused(new byte[1_000], "This is not an AWS Encryption SDK message.");
            AssertRefused(
                [2, 0x67, 0, .. Sample.Message()[3..]],
                "The message uses algorithm suite 6700, which is unknown in its version of the format.");
            AssertRefused([2, 5, 0x78, .. Sample.Message()[3..]], HeaderErrors.SignatureKeyMissing);
        }
    }

    [Test]
    public void Read_names_the_legacy_suite_that_it_refuses()
    {
        List<Vector> legacy =
            [.. VectorSet.Load(Path.Combine(VectorSet.Own, "js-generated-kms")).Vectors.Where(vector => vector.Message[0] == 1)];

        Assert.That(legacy, Has.Count.EqualTo(38));
        using (Assert.EnterMultipleScope())
        {
            foreach (var vector in legacy)
            {
                var suite = Convert.ToHexStringLower(vector.Message.AsSpan(2, 2));
                Assert.That(
                    () => ByokMessage.Read(vector.Message),
                    Throws.TypeOf<ByokDecryptionException>()
                        .With.Message.Match(
                            $"^The message uses algorithm suite {suite} \\(ALG_AES_.*\\), which does not commit to its key"));
            }
        }
    }

    [Test]
    public void Read_copies_so_that_nothing_changes_with_the_message()
    {
        var message = (SampleHeader() with { Keys = [new PlainKey("aws-kms", Arn, [1])] }).Write(new byte[32]);
        var header = ByokMessage.Read(message);

        Array.Fill(message, (byte)0x7f);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(header.MessageId.ToArray(), Is.EqualTo(Sample.MessageId));
            Assert.That(header.EncryptionContext, Is.EquivalentTo(Sample.Pairs));
            Assert.That(header.KeyArns.Single().ToString(), Is.EqualTo(Arn));
            Assert.That(header.AlgorithmSuiteId, Is.EqualTo(0x0478));
        }
    }

    [Test]
    public void Read_gives_out_nothing_that_can_be_changed()
    {
        var header = ByokMessage.Read(Sample.Message());

        Assert.That(
            () => ((IDictionary<string, string>)header.EncryptionContext).Add("tenant", "another"), Throws.TypeOf<NotSupportedException>());
        Assert.That(() => ((IList<KmsKeyArn>)header.KeyArns).Add(default), Throws.TypeOf<NotSupportedException>());
    }

    [Test]
    public void Read_throws_nothing_else_on_random_bytes() =>
        Gen.Select(
            Gen.OneOf(Gen.Const(Array.Empty<byte>()), Gen.Const(new byte[] { 2, 4, 0x78 }), Gen.Const(new byte[] { 2, 5, 0x78 })),
            Gen.Byte.Array[0, 400])
            .Sample((start, bytes) => ReadOrRefuse([.. start, .. bytes]), iter: 20_000);

    [TestCase("js-generated-kms", "kms-0578-ecmany-k3")]
    [TestCase("js-generated-kms", "kms-0478-ecnonascii-k1")]
    [TestCase("crafted", "ok-0478-nonframed-empty")]
    [Category("Slow")]
    public void Read_throws_nothing_else_on_changed_headers(string set, string name)
    {
        Vector vector = VectorSet.Load(Path.Combine(VectorSet.Own, set)).Vectors.Single(vector => vector.Name == name);
        var message = vector.Message[..vector.HeaderLength!.Value];
        Gen<(int At, byte Value)> genChange = Gen.Select(
            Gen.Int[0, message.Length - 1], Gen.OneOf(Gen.Byte, Gen.Const((byte)0), Gen.Const((byte)255)));
        Gen.Select(genChange.Array[0, 4], Gen.Int[0, message.Length]).Sample(
            (changes, cut) =>
            {
                byte[] changed = [.. message];
                foreach ((var at, var value) in changes)
                {
                    changed[at] = value;
                }

                ReadOrRefuse(changed);
                ReadOrRefuse(changed[..cut]);
            },
            iter: Repetitions.Of(1_000));
    }

    private static PlainHeader SampleHeader() => PlainHeader.Read(Sample.Message());

    private static void AssertAsItsManifestSays(Vector vector)
    {
        var header = ByokMessage.Read(vector.Message);

        var signs = vector.Message[1] == 5;
        Assert.That(header.AlgorithmSuiteId, Is.EqualTo(signs ? 0x0578 : 0x0478), vector.Name);
        Assert.That(
            header.AlgorithmSuite, Is.EqualTo("ALG_AES_256_GCM_HKDF_SHA512_COMMIT_KEY" + (signs ? "_ECDSA_P384" : "")), vector.Name);
        Assert.That(header.IsSigned, Is.EqualTo(signs), vector.Name);
        Assert.That(header.MessageId.ToArray(), Is.EqualTo(vector.Message[3..35]), vector.Name);
        Assert.That(header.EncryptionContext, Is.EquivalentTo(vector.HeaderEncryptionContext!), vector.Name);
        Assert.That(header.EncryptedDataKeyCount, Is.EqualTo(vector.EdkCount), vector.Name);
        Assert.That(header.IsFramed, Is.EqualTo(vector.FrameLength > 0), vector.Name);
        Assert.That(header.FrameLength, Is.EqualTo(vector.FrameLength), vector.Name);
        Assert.That(header.HeaderLength, Is.EqualTo(vector.HeaderLength), vector.Name);
        var arns = vector.Edks!.Where(key => key.ProviderId == "aws-kms" && key.ProviderInfo.Length > 0)
            .Select(key => Encoding.UTF8.GetString(Convert.FromHexString(key.ProviderInfo)));
        Assert.That(header.KeyArns.Select(key => key.ToString()), Is.EqualTo(arns), vector.Name);
    }

    private static void AssertRefused(byte[] message, string complaint, string what = "")
    {
        Assert.That(
            () => ByokMessage.Read(message),
            Throws.TypeOf<ByokDecryptionException>().With.Message.EqualTo(complaint).And.InnerException.Null,
            what);
        Assert.That(
            (ByokMessage.TryRead(message, out var header, out var error), header, error),
            Is.EqualTo((false, (UnauthenticatedHeader?)null, complaint)),
            what);
    }

    private static void ReadOrRefuse(byte[] message)
    {
        try
        {
            var header = ByokMessage.Read(message);
            Assert.That(header.HeaderLength, Is.LessThanOrEqualTo(message.Length));
            Assert.That(header.KeyArns, Has.Count.LessThanOrEqualTo(header.EncryptedDataKeyCount));
            Assert.That(ByokMessage.TryRead(message, out var tried), Is.True);
            Assert.That(tried!.HeaderLength, Is.EqualTo(header.HeaderLength));
        }
        catch (ByokDecryptionException e) // the only exception allowed
        {
            Assert.That((ByokMessage.TryRead(message, out _, out var error), error), Is.EqualTo((false, e.Message)));
        }
    }
}
