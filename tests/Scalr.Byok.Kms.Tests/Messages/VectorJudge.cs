using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>Judges messages as their manifests say: each is read in every way there is, and has to come to the same in all.</summary>
internal static class VectorJudge
{
    /// <summary>Judges every vector of a set, and makes sure that there are as many as the manifest says.</summary>
    public static async Task<VectorTally> JudgeAsync(VectorSet set)
    {
        VectorTally tally = default;
        foreach (var vector in set.Vectors)
        {
            try
            {
                tally += await JudgeAsync(vector);
            }
            catch (Exception e) when (e is not AssertionException)
            {
                Assert.Fail($"{vector.Name}: {e}");
            }
        }

        Assert.That(tally.Total, Is.EqualTo(set.Count), set.Name);
        return tally;
    }

    private static async Task<VectorTally> JudgeAsync(Vector vector)
    {
        if (vector.LegacySuite is { } legacy)
        {
            await AssertRefusedAsync(vector, $"suite {legacy}, which does not commit to its key");
            return new VectorTally { Legacy = 1 };
        }

        if (vector.Usable == "header-only")
        {
            AssertHeader(vector);
            return new VectorTally { HeaderOnly = 1 };
        }

        Assert.That(vector.Usable, Is.EqualTo("offline"), vector.Name);
        if (vector.Requirement == "either")
        {
            await RecordAsync(vector);
            return new VectorTally { Open = 1 };
        }

        if (vector.UnstoredContext is { Count: > 0 } unstored)
        {
            await AssertRefusedByItsHeaderTagAsync(vector, unstored);
            return new VectorTally { Unstored = 1 };
        }

        if (vector.Expect == "success")
        {
            await AssertAcceptedAsync(vector);
            return new VectorTally { Accepted = 1 };
        }

        await AssertRefusedAsync(vector, "");
        return new VectorTally { Refused = 1 };
    }

    private static async Task AssertAcceptedAsync(Vector vector)
    {
        AssertHeader(vector);
        foreach (var reading in VectorReading.All)
        {
            var plaintext = await ReadAsync(vector, reading);
            Assert.That(plaintext, Has.Length.EqualTo(vector.PlaintextLength), $"{vector.Name}, {reading.Name}");
            Assert.That(
                Convert.ToHexStringLower(SHA256.HashData(plaintext)), Is.EqualTo(vector.PlaintextSha256), $"{vector.Name}, {reading.Name}");
        }
    }

    private static void AssertHeader(Vector vector)
    {
        var header = VectorReading.Header(vector.Message);
        Assert.That($"0x{header.Suite.Id:x4}", Is.EqualTo(vector.Suite), vector.Name);
        Assert.That(header.Length, Is.EqualTo(vector.HeaderLength), vector.Name);
        Assert.That(
            header.Body.ContentType, Is.EqualTo(vector.Content == "nonframed" ? ContentType.NonFramed : ContentType.Framed), vector.Name);
        Assert.That(header.Body.FrameLength, Is.EqualTo(vector.FrameLength), vector.Name);
        Assert.That(header.EncryptionContext.Pairs, Is.EquivalentTo(vector.HeaderEncryptionContext!), vector.Name);
        Assert.That(header.EncryptedDataKeys, Has.Count.EqualTo(vector.EdkCount), vector.Name);

        // Of very many encrypted data keys a manifest names only the first ones.
        Assert.That(
            header.EncryptedDataKeys.Take(vector.Edks!.Count)
                .Select(key => (key.ProviderId, Convert.ToHexStringLower(key.ProviderInfo.Span))),
            Is.EqualTo(vector.Edks.Select(key => (key.ProviderId, key.ProviderInfo))),
            vector.Name);
    }

    private static async Task AssertRefusedAsync(Vector vector, string reason)
    {
        foreach (var reading in VectorReading.All)
        {
            await Assert.ThatAsync(
                () => ReadAsync(vector, reading),
                Throws.TypeOf<ByokDecryptionException>().With.Message.Contains(reason).And.InnerException.Null,
                $"{vector.Name}, {reading.Name}");
        }
    }

    // Everything before the tag is in order, and so is the tag for those who know the pairs: nothing but the tag is left to refuse it.
    private static async Task AssertRefusedByItsHeaderTagAsync(Vector vector, Dictionary<string, string> unstored)
    {
        AssertHeader(vector);
        await AssertRefusedAsync(vector, new ByokDecryptionException().Message);
        if (vector.Expect != "success")
        {
            return;
        }

        PlainReader header = new(vector.Message);
        var stored = header.Take(vector.HeaderLength!.Value - 16);
        var tag = header.Take(16);
        var dataKey = Convert.FromHexString(vector.DataKey!);
        var messageId = stored[3..35];
        var contentKey = PlainReader.ContentKey(dataKey, messageId, suite: stored[1..3]);

        Assert.That(PlainReader.Commitment(dataKey, messageId), Is.EqualTo(stored[^32..]), vector.Name);
        Assert.That(
            () => PlainReader.Open(contentKey, new byte[12], [], tag, stored),
            Throws.TypeOf<AuthenticationTagMismatchException>(),
            vector.Name);
        Assert.That(
            () => PlainReader.Open(contentKey, new byte[12], [], tag, [.. stored, .. Serialized(unstored)]), Throws.Nothing, vector.Name);
    }

    private static async Task RecordAsync(Vector vector)
    {
        HashSet<string> outcomes = [];
        foreach (var reading in VectorReading.All)
        {
            outcomes.Add(await OutcomeAsync(vector, reading));
        }

        TestContext.Out.WriteLine($"{vector.Name}: {string.Join(", ", outcomes)}");
        Assert.That(outcomes, Has.Count.EqualTo(1), $"{vector.Name}: whatever becomes of it, it is the same for every reading");
    }

    private static async Task<string> OutcomeAsync(Vector vector, VectorReading reading)
    {
        try
        {
            return $"read, SHA-256 {Convert.ToHexStringLower(SHA256.HashData(await ReadAsync(vector, reading)))}";
        }
        catch (ByokDecryptionException)
        {
            return "refused";
        }
    }

    private static async Task<byte[]> ReadAsync(Vector vector, VectorReading reading)
    {
        // Without a data key of the right length it is a message that is refused before it is asked for: of a legacy suite, or none.
        var bytes = Convert.FromHexString(vector.DataKey ?? "");
        using var dataKey = bytes.Length == DataKey.Length ? DataKey.CopyFrom(bytes) : DataKey.Generate();
        return await reading.ReadAsync(vector.Message, dataKey);
    }

    /// <summary>Count, then pairs by the UTF-8 bytes of their keys, without the length before them that a header has.</summary>
    private static byte[] Serialized(Dictionary<string, string> pairs)
    {
        var sorted = pairs
            .Select(pair => (Key: Encoding.UTF8.GetBytes(pair.Key), Value: Encoding.UTF8.GetBytes(pair.Value)))
            .OrderBy(pair => Convert.ToHexString(pair.Key), StringComparer.Ordinal)
            .Select(pair => (byte[])[.. Number(pair.Key.Length), .. pair.Key, .. Number(pair.Value.Length), .. pair.Value]);
        return [.. Number(pairs.Count), .. sorted.SelectMany(bytes => bytes)];
    }

    private static byte[] Number(int value)
    {
        var bytes = new byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, checked((ushort)value));
        return bytes;
    }
}
