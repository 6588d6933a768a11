using System.Globalization;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>
/// What a look into a message costs, for any writer: memory in proportion to the header that is there, not to what it claims. Allocated
/// bytes are counted and compared for a header and one twice as long; time is not, since machines differ.
/// </summary>
public sealed class ByokMessageSizeTests
{
    /// <summary>Headers that claim much more than there is.</summary>
    private static IEnumerable<TestCaseData> Claims()
    {
        var header = PlainHeader.Read(Sample.Message());
        byte[] start = [.. header.Start, .. header.MessageId];
        yield return Case("a context of 64 KiB", [.. start, 0xff, 0xff, 0xff, 0xff, .. new byte[300]]);
        yield return Case("65,535 pairs", [.. start, 0, 6, 0xff, 0xff, 0, 1, 97, 0, .. new byte[300]]);
        yield return Case("a pair of 64 KiB", [.. start, 0, 6, 0, 1, 0xff, 0xff, 0, 0, .. new byte[300]]);
        yield return Case("65,535 encrypted data keys", [.. start, .. header.Context, 0xff, 0xff, .. new byte[300]]);
        yield return Case(
            "65,535 encrypted data keys of 64 KiB", [.. start, .. header.Context, 0xff, 0xff, .. Enumerable.Repeat((byte)0xff, 300)]);
        yield return Case("an encrypted data key of 64 KiB", [.. start, .. header.Context, 0, 1, 0, 0, 0, 0, 0xff, 0xff, .. new byte[300]]);

        static TestCaseData Case(string what, byte[] message) => new TestCaseData(message).SetArgDisplayNames(what);
    }

    [TestCaseSource(nameof(Claims))]
    public void Read_allocates_nothing_for_what_is_only_claimed(byte[] message)
    {
        Assert.That(message, Has.Length.LessThan(400));

        Assert.That(Allocated(message, isRefused: true), Is.LessThan(10 * message.Length), "mostly the exception");
    }

    [Test]
    public void TryRead_throws_nothing_and_allocates_nothing_for_what_is_no_message()
    {
        var message = new byte[100_000];
        Assert.That(ByokMessage.TryRead(message, out _), Is.False);
        var before = GC.GetAllocatedBytesForCurrentThread();

        ByokMessage.TryRead(message, out _, out _);

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1_000), "an exception takes more");
    }

    [Test]
    public void Read_allocates_nothing_for_the_frames_of_a_header()
    {
        var header = PlainHeader.Read(Sample.Message());
        var small = header.Write(new byte[32]);
        var large = (header with { FrameLength = uint.MaxValue }).Write(new byte[32]);

        Assert.That(ByokMessage.Read(large).FrameLength, Is.EqualTo(uint.MaxValue));
        Assert.That(Allocated(large), Is.EqualTo(Allocated(small)));
    }

    [Test]
    public void Read_takes_the_most_encrypted_data_keys_that_the_format_has()
    {
        var all = WithKeys(ushort.MaxValue);

        Assert.That(ByokMessage.Read(all).EncryptedDataKeyCount, Is.EqualTo(65_535));
        AssertInProportion(all, WithKeys(ushort.MaxValue / 2));

        static byte[] WithKeys(int count) =>
            (PlainHeader.Read(Sample.Message()) with { Keys = [.. Enumerable.Repeat(new PlainKey("", "", []), count)] }).Write(
                new byte[32]);
    }

    [Test]
    public void Read_takes_the_most_key_ARNs_in_proportion()
    {
        AssertInProportion(WithKeys(20_000), WithKeys(10_000));

        static byte[] WithKeys(int count) => (PlainHeader.Read(Sample.Message()) with
        {
            Keys = [.. Enumerable.Repeat(
                new PlainKey("aws-kms", "arn:aws:kms:us-east-1:111122223333:key/mrk-44444444444444444444444444444444", []), count)],
        }).Write(new byte[32]);
    }

    [TestCase("ascending")]
    [TestCase("descending")]
    [TestCase("shuffled")]
    public void Read_takes_the_longest_encryption_context_that_the_format_has(string order)
    {
        var all = WithPairs(8_191, order); // 8 bytes each behind the count, and one a byte longer
        var half = WithPairs(4_095, order);

        Assert.That(PlainHeader.Read(all).Context, Has.Length.EqualTo(2 + ushort.MaxValue));
        Assert.That(ByokMessage.Read(all).EncryptionContext, Has.Count.EqualTo(8_191));
        AssertInProportion(all, half);
    }

    [TestCase("ascending")]
    [TestCase("shuffled")]
    public void Read_finds_a_key_twice_among_thousands(string order)
    {
        List<(string Key, string Value)> pairs = [.. Pairs(4_000, order)];
        pairs.Add(pairs[17]);
        var message = (PlainHeader.Read(Sample.Message()) with { Context = PlainHeader.WriteContext([.. pairs]) }).Write(new byte[32]);

        Assert.That(
            () => ByokMessage.Read(message), Throws.TypeOf<ByokDecryptionException>().With.Message.EqualTo(HeaderErrors.ContextMalformed));
    }

    private static byte[] WithPairs(int count, string order) =>
        (PlainHeader.Read(Sample.Message()) with { Context = PlainHeader.WriteContext([.. Pairs(count, order)]) }).Write(new byte[32]);

    private static IEnumerable<(string Key, string Value)> Pairs(int count, string order)
    {
        var numbers = Enumerable.Range(0, count);
        numbers = order switch
        {
            "ascending" => numbers,
            "descending" => numbers.Reverse(),
            _ => numbers.Select(number => (int)((number * 48_271L) % count)), // 48,271 is prime, so each number comes once
        };
        return numbers.Select((number, i) => (number.ToString("x4", CultureInfo.InvariantCulture), i == 0 ? "12345" : ""));
    }

    private static void AssertInProportion(byte[] all, byte[] half)
    {
        var forAll = Allocated(all);

        Assert.That(forAll, Is.LessThan(40L * all.Length), "in proportion to what is there");
        Assert.That((double)forAll / Allocated(half), Is.LessThan(2.3), "twice as much for twice as long");
    }

    private static long Allocated(byte[] message, bool isRefused = false)
    {
        Assert.That(Measure(message).Refused, Is.EqualTo(isRefused), "and warms up");
        return Measure(message).Allocated;
    }

    private static (long Allocated, bool Refused) Measure(byte[] message)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var refused = false;
        try
        {
            ByokMessage.Read(message);
        }
        catch (ByokDecryptionException)
        {
            refused = true;
        }

        return (GC.GetAllocatedBytesForCurrentThread() - before, refused);
    }
}
