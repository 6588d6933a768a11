using System.Security.Cryptography;
using Amazon.Runtime;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework.Constraints;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.KeyRing;
using Scalr.Byok.Kms.Kms;
using Scalr.Byok.Kms.Resilience;
using Scalr.Byok.Kms.Tests.Messages;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>
/// What AWS's JavaScript key ring did with messages under KMS keys, done by ours: with the same keys, it comes to the same end by the
/// same calls. There is one difference, on purpose: JavaScript's strict mode opens a message of a replica only in its multi-Region kind.
/// </summary>
internal sealed class KmsVectorTests
{
    private const string NotOfThisRing = "The message is not encrypted under a key of this key ring.";

    [Test]
    public async Task Decrypt_comes_to_the_end_that_every_own_case_says([Values] bool streamed) =>
        Assert.That(
            await JudgeAsync(VectorSet.Load(Path.Combine(VectorSet.Own, "js-generated-kms")), streamed),
            Is.EqualTo(new Tally { Opened = 18, OpenedAsReplica = 1, Refused = 14, Legacy = 95, NotApplicable = 77 }));

    [Test]
    public async Task Decrypt_comes_to_the_end_that_every_case_says_that_the_environment_names([Values] bool streamed)
    {
        if (VectorSet.Named() is not { } sets)
        {
            Assert.Ignore($"No more vectors are named: {VectorSet.Variable} may name a folder with own/ and public/ in it.");
            return;
        }

        foreach (var set in sets.Where(set => set.Vectors.Exists(vector => vector.KeyringCases is not null)))
        {
            TestContext.Out.WriteLine($"{set.Name}: {await JudgeAsync(set, streamed)}");
        }
    }

    private static async Task<Tally> JudgeAsync(VectorSet set, bool streamed)
    {
        Tally tally = default;
        using (Assert.EnterMultipleScope())
        {
            foreach (var vector in set.Vectors)
            {
                foreach ((var number, var attempt) in (vector.KeyringCases ?? []).Index())
                {
                    tally += await JudgeAsync(
                        vector, attempt, streamed, $"{vector.Name}, case {number}: {attempt.Mode} {string.Join(' ', attempt.KeyIds)}");
                }
            }
        }

        return tally;
    }

    private static async Task<Tally> JudgeAsync(Vector vector, VectorCase attempt, bool streamed, string name)
    {
        // Our rings hold keys by their ARNs: no discovery, no aliases, no bare ids.
        KmsKeyArn[] keys = [.. attempt.KeyIds.Select(id => KmsKeyArn.TryParse(id, out var arn) ? arn : default)];
        if (attempt.Mode is not ("strict" or "mrk-strict") || keys is [] || keys.Contains(default))
        {
            return new Tally { NotApplicable = 1 };
        }

        VectorKms kms = new(vector, attempt.Kms);
        using var ring = CreateRing(keys, kms);
        Task<byte[]> OpenAsync() => DecryptAsync(ring, vector, streamed);
        if (vector.LegacySuite is { } legacy)
        {
            await Assert.ThatAsync(OpenAsync, Throws.TypeOf<ByokDecryptionException>().With.Message.Contains($"suite {legacy}"), name);
            Assert.That(kms.Calls, Is.Empty, name);
            return new Tally { Legacy = 1 };
        }

        if (attempt.Expect == "success")
        {
            await AssertOpenedAsync(OpenAsync, vector, name);
            AssertCalls(kms, attempt, name);
            return new Tally { Opened = 1 };
        }

        if (attempt.Mode == "strict" && FindReplica(vector, attempt) is { } replica)
        {
            await AssertOpenedAsync(OpenAsync, vector, name);
            Assert.That(kms.Calls, Is.EqualTo([replica]), name);
            return new Tally { OpenedAsReplica = 1 };
        }

        await Assert.ThatAsync(OpenAsync, RefusalOf(attempt), name);
        AssertCalls(kms, attempt, name);
        return new Tally { Refused = 1 };
    }

    private static ByokKeyRing CreateRing(KmsKeyArn[] keys, VectorKms kms)
    {
        AwsPipeline pipeline = new(new ByokResilienceOptions(), TimeProvider.System);
        AgeClock clock = new(TimeProvider.System);
        KmsClients clients = new(kms.CreateClient);
        KmsKey[] wrapping = [.. keys.Select(key => new KmsKey(
            [new KmsRegion(key, new AnonymousAWSCredentials(), clients, pipeline, clock, NullLogger.Instance)],
            failoverOnDenial: false,
            pipeline,
            clock,
            NullLogger.Instance))];
        ByokOptions options = new() { MaxEncryptedDataKeys = ushort.MaxValue, DataKeyCache = new() { MaxAge = TimeSpan.Zero } };
        return new ByokKeyRing(new CustomerKeys(wrapping[0], wrapping[1..]), RingOptions.From(options), clock, NullLogger.Instance);
    }

    /// <summary>
    /// The call by which our ring opens a message that names none of its keys, but a replica of one; null if it does not.
    /// </summary>
    private static VectorCall? FindReplica(Vector vector, VectorCase attempt)
    {
        string[] named = [.. vector.Edks!.Select(key => key.ProviderInfoText!)];
        return attempt.Kms is not null || named.Intersect(attempt.KeyIds).Any()
            ? null
            : named.SelectMany(arn => attempt.KeyIds.FindAll(id => VectorKms.AreSameKey(arn, id)))
                .Select(id => new VectorCall(id, id.Split(':')[3]))
                .FirstOrDefault();
    }

    private static async Task AssertOpenedAsync(Func<Task<byte[]>> open, Vector vector, string name)
    {
        byte[] plaintext = [];
        await Assert.ThatAsync(async () => plaintext = await open(), Throws.Nothing, name);
        Assert.That(Convert.ToHexStringLower(SHA256.HashData(plaintext)), Is.EqualTo(vector.PlaintextSha256), name);
    }

    private static async Task<byte[]> DecryptAsync(ByokKeyRing ring, Vector vector, bool streamed)
    {
        // The caller knows all pairs but the one that the format itself adds.
        var context =
            vector.HeaderEncryptionContext!.Where(pair => !pair.Key.StartsWith("aws-crypto-", StringComparison.Ordinal)).ToDictionary();
        if (!streamed)
        {
            return await ring.DecryptAsync(vector.Message, context);
        }

        MemoryStream plaintext = new();
        await ring.DecryptAsync(new MemoryStream(vector.Message), plaintext, context);
        return plaintext.ToArray();
    }

    private static void AssertCalls(VectorKms kms, VectorCase attempt, string name)
    {
        // Of several multi-Region keys JavaScript makes a ring each and asks one after the other; ours goes by the message.
        if (attempt.Mode == "mrk-strict" && attempt.KeyIds.Count > 1)
        {
            Assert.That(kms.Calls.Select(call => call.KeyId), Is.SubsetOf(attempt.KeyIds), name);
            return;
        }

        Assert.That(kms.Calls, Is.EqualTo(attempt.JsKmsDecryptCalls), name);
    }

    private static IResolveConstraint RefusalOf(VectorCase attempt) => attempt switch
    {
        { JsKmsDecryptCalls: [] } => Throws.TypeOf<ByokDecryptionException>().With.Message.StartsWith(NotOfThisRing),
        { Kms.Deny: [_, ..] } => Throws.TypeOf<ByokKeyUnavailableException>()
            .With.Property(nameof(ByokKeyUnavailableException.Reason)).EqualTo(ByokKeyUnavailableReason.AccessDenied),
        { Kms.AnswerKeyId: not null } => Throws.TypeOf<ByokServiceException>().With.Message.Contains("for another key"),
        _ => Throws.TypeOf<ByokDecryptionException>().With.Message.EqualTo(new ByokDecryptionException().Message),
    };

    private readonly record struct Tally
    {
        public int Opened { get; init; }

        public int OpenedAsReplica { get; init; }

        public int Refused { get; init; }

        public int Legacy { get; init; }

        public int NotApplicable { get; init; }

        public static Tally operator +(Tally left, Tally right) => new()
        {
            Opened = left.Opened + right.Opened,
            OpenedAsReplica = left.OpenedAsReplica + right.OpenedAsReplica,
            Refused = left.Refused + right.Refused,
            Legacy = left.Legacy + right.Legacy,
            NotApplicable = left.NotApplicable + right.NotApplicable,
        };
    }
}
