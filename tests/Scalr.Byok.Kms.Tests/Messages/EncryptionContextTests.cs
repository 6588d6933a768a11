using System.Collections;
using System.Text;
using CsCheck;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Tests.Messages;

public sealed class EncryptionContextTests
{
    private const string Secret = "do-not-repeat-me";

    private static readonly Gen<string> GenText = Gen.OneOf(
            Gen.Int[0x20, 0x7e], Gen.Int[0x80, 0x7ff], Gen.Int[0x800, 0xd7ff], Gen.Int[0xe000, 0xffff], Gen.Int[0x10000, 0x10ffff])
        .Select(char.ConvertFromUtf32).Array[0, 8].Select(string.Concat);

    [Test]
    public void Create_sorts_by_the_bytes_of_the_keys_and_not_by_their_characters()
    {
        // U+10000 is a surrogate pair, d800 dc00 in UTF-16, and sorts before U+FFFD there; in UTF-8 after it.
        var context = Create(("\U00010000", ""), ("\ufffd", ""), ("a", ""), ("B", ""), ("", ""), ("aa", ""));

        Assert.That(string.Join(' ', KeysInOrder(context)), Is.EqualTo(" B a aa \ufffd \U00010000"));
    }

    [Test]
    public void Compare_orders_text_as_its_bytes_are_ordered() =>
        Gen.Select(GenText, GenText).Sample((left, right) =>
            Math.Sign(Utf8Order.Compare(left, right)) == Math.Sign(
                Encoding.UTF8.GetBytes(left).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(right))));

    [Test]
    public void Create_then_parse_gives_the_same_context() =>
        Gen.Dictionary(GenText, GenText)[0, 10].Sample(pairs =>
        {
            var context = EncryptionContext.Create(pairs, "pairs");

            Assert.That(EncryptionContext.TryParse(context.Section.Span, out var parsed));
            Assert.That(parsed, Is.EqualTo(context));
            Assert.That(parsed.GetHashCode(), Is.EqualTo(context.GetHashCode()));
            Assert.That(parsed.Pairs, Is.EquivalentTo(pairs));
        });

    [Test]
    public void Create_takes_null_and_no_pairs_as_empty()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(EncryptionContext.Create(null, "pairs"), Is.SameAs(EncryptionContext.Empty));
            Assert.That(Create(), Is.SameAs(EncryptionContext.Empty));
            Assert.That(EncryptionContext.Empty.Section.ToArray(), Is.EqualTo(new byte[] { 0, 0 }));
            Assert.That(EncryptionContext.Empty.Pairs, Is.Empty);
        }
    }

    [Test]
    public void Create_does_not_follow_later_changes_of_the_callers_pairs()
    {
        Dictionary<string, string> pairs = new() { ["a"] = "1" };
        var context = EncryptionContext.Create(pairs, "pairs");
        pairs["a"] = "2";

        Assert.That(context.Pairs["a"], Is.EqualTo("1"));
    }

    private static IEnumerable<TestCaseData> Unwritable()
    {
        yield return Case("a reserved key", "begins with 'aws-crypto-'", ("aws-crypto-x", Secret));
        foreach (var key in (string[])["scalr:tenant", "scalr:purpose", "scalr:", "scalr:later", "SCALR:Tenant"])
        {
            yield return Case(
                $"the library's {key}",
                $"'{key}' of the encryption context begins with 'scalr:', which is reserved",
                ("a", "1"),
                (key, Secret));
        }

        yield return Case("a null value", "A value of the encryption context is null", ("key", null!));
        yield return Case("a null key", "A key of the encryption context is null", (null!, Secret));
        yield return Case("half a surrogate pair in a key", "A key of the encryption context is not valid Unicode", ("\ud800", Secret));
        yield return Case(
            "half a surrogate pair in a value", "A value of the encryption context is not valid Unicode", ("key", Secret + "\udc00"));
        yield return Case(
            "a key too long", "A key of the encryption context takes more than 32767 bytes", (new string('k', 32_768), Secret));
        yield return Case(
            "a value too long", "A value of the encryption context takes more than 32767 bytes", ("key", Secret + new string('v', 32_768)));
        yield return Case(
            "a value too long in bytes only",
            "The encryption context takes more than 32767 bytes",
            ("key", Secret + new string('\u20ac', 20_000)));
        yield return Case(
            "too much together",
            "The encryption context takes more than 32767 bytes",
            ("a", Secret + new string('v', 16_000)), ("b", new string('v', 16_800)));
        yield return Case("a key twice", "has a key twice", ("key", Secret), ("key", "2"));

        static TestCaseData Case(string what, string complaint, params (string, string)[] pairs) =>
            new TestCaseData(complaint, pairs).SetArgDisplayNames(what);
    }

    [Test]
    public void CreateExpected_takes_the_keys_that_the_format_puts_into_a_signed_message()
    {
        var pairs = new Dictionary<string, string> { ["aws-crypto-public-key"] = "Ag==", ["a"] = "1" };

        Assert.That(() => EncryptionContext.Create(pairs, "pairs"), Throws.ArgumentException);
        Assert.That(EncryptionContext.CreateExpected(pairs, "pairs").Pairs, Is.EquivalentTo(pairs));
    }

    [TestCaseSource(nameof(Unwritable))]
    public void Create_refuses(string complaint, (string, string)[] pairs)
    {
        var refusal = Assert.Throws<ArgumentException>(
            () => EncryptionContext.Create(new PairList(pairs), "encryptionContext"))!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(refusal.Message, Does.Contain(complaint));
            Assert.That(refusal.ParamName, Is.EqualTo("encryptionContext"));
            Assert.That(refusal.ToString(), Does.Not.Contain(Secret), "values are never repeated");
            Assert.That(refusal.InnerException, Is.Null);
        }
    }

    [Test]
    public void Create_takes_the_longest_context_and_not_one_byte_more()
    {
        var room = EncryptionContext.MaxLength - 2 - 2 - 1 - 2;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Create(("k", new string('v', room))).Section.Length, Is.EqualTo(2 + EncryptionContext.MaxLength));
            Assert.That(() => Create(("k", new string('v', room + 1))), Throws.ArgumentException);
        }
    }

    [Test]
    public void Parse_reads_pairs_in_any_order_and_puts_them_in_theirs()
    {
        byte[] unsorted = [0, 14, 0, 2, 0, 1, .. "b"u8, 0, 1, .. "2"u8, 0, 1, .. "a"u8, 0, 1, .. "1"u8];

        Assert.That(EncryptionContext.TryParse(unsorted, out var parsed));
        Assert.That(parsed, Is.EqualTo(Create(("a", "1"), ("b", "2"))));
    }

    [Test]
    public void Parse_reads_an_empty_context_with_a_count()
    {
        Assert.That(EncryptionContext.TryParse([0, 2, 0, 0], out var parsed));
        Assert.That(parsed, Is.SameAs(EncryptionContext.Empty));
    }

    [Test]
    public void Parse_reads_all_that_the_format_allows()
    {
        byte[] section = [0xff, 0xff, 0, 1, 0, 0, 0xff, 0xf9, .. new byte[0xfff9]];

        Assert.That(EncryptionContext.TryParse(section, out var parsed));
        Assert.That(parsed.Pairs[""], Has.Length.EqualTo(0xfff9));
    }

    [Test]
    public void Contains_wants_every_given_pair_with_the_same_value()
    {
        var context = Create(("a", "1"), ("c", "3"), ("e", "5"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(context.Contains(EncryptionContext.Empty));
            Assert.That(context.Contains(context));
            Assert.That(context.Contains(Create(("a", "1"))));
            Assert.That(context.Contains(Create(("a", "1"), ("e", "5"))));
            Assert.That(context.Contains(Create(("e", "5"))));
            Assert.That(context.Contains(Create(("a", "2"))), Is.False, "another value");
            Assert.That(context.Contains(Create(("a", "1"), ("b", "1"))), Is.False, "a key in between");
            Assert.That(context.Contains(Create(("f", "5"))), Is.False, "a key behind");
            Assert.That(context.Contains(Create(("", "1"))), Is.False, "a key before");
            Assert.That(EncryptionContext.Empty.Contains(context), Is.False);
        }
    }

    [Test]
    public void Contains_agrees_with_a_dictionary() =>
        Gen.Select(GenFew(), GenFew()).Sample((mine, given) =>
            EncryptionContext.Create(mine, "mine").Contains(EncryptionContext.Create(given, "given"))
            == given.All(pair => mine.TryGetValue(pair.Key, out var value) && value == pair.Value));

    private static Gen<Dictionary<string, string>> GenFew() =>
        Gen.Dictionary(Gen.Char['a', 'd'].Select(char.ToString), Gen.Char['1', '2'].Select(char.ToString))[0, 4];

    private static EncryptionContext Create(params (string Key, string Value)[] pairs) =>
        EncryptionContext.Create(new PairList(pairs), "pairs");

    private static List<string> KeysInOrder(EncryptionContext context)
    {
        List<string> keys = [];
        var pairs = ContextSection.Pairs(context.Section.Span);
        while (pairs.TryRead())
        {
            keys.Add(Encoding.UTF8.GetString(pairs.Key));
        }

        return keys;
    }

    /// <summary>A dictionary as hosts may write their own: with null keys, or one key twice.</summary>
    private sealed class PairList((string Key, string Value)[] pairs) : IReadOnlyDictionary<string, string>
    {
        public int Count => pairs.Length;

        public IEnumerable<string> Keys => pairs.Select(pair => pair.Key);

        public IEnumerable<string> Values => pairs.Select(pair => pair.Value);

        public string this[string key] => pairs.First(pair => pair.Key == key).Value;

        public bool ContainsKey(string key) => pairs.Any(pair => pair.Key == key);

        public bool TryGetValue(string key, out string value) => (value = pairs.FirstOrDefault(pair => pair.Key == key).Value) is not null;

        public IEnumerator<KeyValuePair<string, string>> GetEnumerator() =>
            pairs.Select(pair => KeyValuePair.Create(pair.Key, pair.Value)).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
