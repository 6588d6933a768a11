using System.Buffers.Binary;
using System.Text;
using CsCheck;

namespace Scalr.Byok.Kms.Tests.DataKeys;

/// <summary>The place that a value is bound to, and the bytes that stand for it.</summary>
internal sealed class ByokAssociatedDataTests
{
    private static readonly Guid Id = Guid.Parse("00112233-4455-6677-8899-aabbccddeeff");

    private static readonly Gen<string> Text = Gen.String.Where(text => !text.Any(char.IsSurrogate));

    [Test]
    public void Texts_give_the_bytes_that_they_always_gave()
    {
        AssertBytes("00000002616200000002c3bc", ByokAssociatedData.For("ab", "ü"));
        AssertBytes("000000097661726961626c65730000000576616c7565000000023432", ByokAssociatedData.For("variables", "value", "42"));
        AssertBytes("00000000", ByokAssociatedData.For(""));
        Text.Array[1, 5].Sample(texts => ByokAssociatedData.For(texts).ToArray().AsSpan().SequenceEqual(OfOldVersion(texts)), iter: 2000);
    }

    [Test]
    public void Guids_and_integers_have_bytes_that_no_text_has()
    {
        AssertBytes("8100001000112233445566778899aabbccddeeff", ByokAssociatedData.For(Id));
        AssertBytes("820000100000000000000000000000000000002a", ByokAssociatedData.For(42));
        AssertBytes("82000010ffffffffffffffffffffffffffffffff", ByokAssociatedData.For(-1));
        AssertBytes("820000100000000000000000ffffffffffffffff", ByokAssociatedData.For(ulong.MaxValue));
        AssertBytes("00000001618200001000000000000000000000000000000001", ByokAssociatedData.For("a", 1));
    }

    [Test]
    public void Each_part_counts_with_its_kind_and_its_end()
    {
        Assert.That(ByokAssociatedData.For("ab", "c"), Is.Not.EqualTo(ByokAssociatedData.For("a", "bc")));
        Assert.That(ByokAssociatedData.For("abc"), Is.Not.EqualTo(ByokAssociatedData.For("abc", "")));
        Assert.That(ByokAssociatedData.For(Id), Is.Not.EqualTo(ByokAssociatedData.For(Id.ToString())));
        Assert.That(ByokAssociatedData.For(1), Is.Not.EqualTo(ByokAssociatedData.For("1")));
        Assert.That(ByokAssociatedData.For(new Guid(new byte[16])), Is.Not.EqualTo(ByokAssociatedData.For(0)));
        Assert.That(ByokAssociatedData.For(-1), Is.Not.EqualTo(ByokAssociatedData.For(ulong.MaxValue)));
    }

    [Test]
    public void An_integer_is_the_same_in_every_type()
    {
        var place = ByokAssociatedData.For("row", 42);

        Assert.That(ByokAssociatedData.For("row", 42L), Is.EqualTo(place));
        Assert.That(ByokAssociatedData.For("row", 42u), Is.EqualTo(place));
        Assert.That(ByokAssociatedData.For("row", 42ul), Is.EqualTo(place));
        Assert.That(ByokAssociatedData.For("row", (short)42), Is.EqualTo(place));
        Assert.That(ByokAssociatedData.For(int.MinValue), Is.EqualTo(ByokAssociatedData.For((long)int.MinValue)));
        Assert.That(ByokAssociatedData.For(uint.MaxValue), Is.EqualTo(ByokAssociatedData.For((long)uint.MaxValue)));
    }

    [Test]
    public void Different_parts_never_give_the_same_bytes()
    {
        var part = Gen.OneOf<object>(
            Text.Select(text => (object)text),
            Gen.Guid.Select(id => (object)id),
            Gen.Long.Select(number => (object)number),
            Gen.ULong.Select(number => (object)number));
        part.Array[1, 4].Select(part.Array[1, 4]).Sample(
            (one, other) => Same(one, other) == (Of(one) == Of(other)) && Of(one) == Of(one), iter: 3000);

        static bool Same(object[] one, object[] other) => one.Select(Number).SequenceEqual(other.Select(Number));

        static object Number(object part) => part switch { long number => (Int128)number, ulong number => (Int128)number, _ => part };

        static ByokAssociatedData Of(object[] parts) => ByokAssociatedData.For([.. parts.Select(Part)]);

        static ByokAssociatedDataPart Part(object part) => part switch
        {
            string text => text,
            Guid id => id,
            long number => number,
            _ => (ulong)part,
        };
    }

    [Test]
    public void Mixed_parts_bind_a_value_to_exactly_their_place()
    {
        using var key = ByokModelFactory.DataKey();
        var encrypted = key.Encrypt("abc"u8, ByokAssociatedData.For("variables", Id, 42));

        Assert.That(key.DecryptText(encrypted, ByokAssociatedData.For("variables", Id, 42L)), Is.EqualTo("abc"));
        Assert.Throws<ByokDecryptionException>(() => key.DecryptText(encrypted, ByokAssociatedData.For("variables", Id, 43)));
        Assert.Throws<ByokDecryptionException>(() => key.DecryptText(encrypted, ByokAssociatedData.For("variables", Id.ToString(), 42)));
        Assert.Throws<ByokDecryptionException>(() => key.DecryptText(encrypted, ByokAssociatedData.None));
    }

    [Test]
    public void Every_method_for_values_requires_a_place([Values(typeof(ByokDataKey), typeof(ByokDataKeySet))] Type type)
    {
        var methods = type.GetMethods().Where(method => method.Name.StartsWith("Encrypt", StringComparison.Ordinal)
            || method.Name.StartsWith("Decrypt", StringComparison.Ordinal)).ToList();

        Assert.That(methods, Has.Count.GreaterThanOrEqualTo(7));
        foreach (var method in methods)
        {
            var last = method.GetParameters()[^1];
            Assert.That((last.ParameterType, last.IsOptional), Is.EqualTo((typeof(ByokAssociatedData), false)), method.ToString());
        }
    }

    [Test]
    public void Own_bytes_are_copied()
    {
        byte[] bytes = [1, 2, 3];
        var place = ByokAssociatedData.FromBytes(bytes);
        bytes[0] = 9;
        place.ToArray()[1] = 9;

        Assert.That(place.ToArray(), Is.EqualTo(new byte[] { 1, 2, 3 }));
        Assert.That(place, Is.EqualTo(ByokAssociatedData.FromBytes([1, 2, 3])));
    }

    [Test]
    public void Nothing_is_a_place_only_on_purpose()
    {
        const string message =
            "Nothing binds the value to a place. Give at least one part, or use ByokAssociatedData.None on purpose. (Parameter '{0}')";

        AssertRefused(string.Format(null, message, "parts"), () => ByokAssociatedData.For(Array.Empty<string>()));
        AssertRefused(string.Format(null, message, "parts"), () => ByokAssociatedData.For(ReadOnlySpan<ByokAssociatedDataPart>.Empty));
        AssertRefused(string.Format(null, message, "bytes"), () => ByokAssociatedData.FromBytes([]));
        Assert.That(ByokAssociatedData.None.ToArray(), Is.Empty);
        Assert.That(ByokAssociatedData.None, Is.Not.EqualTo(default(ByokAssociatedData)));
        Assert.That(ByokAssociatedData.None == default, Is.False);
        Assert.That(default(ByokAssociatedData).Equals(default), Is.True);
    }

    [Test]
    public void A_part_that_is_missing_or_no_Unicode_is_refused()
    {
        const string message = "A part is null or not set. Give a text, a GUID or an integer. (Parameter 'parts')";

        AssertRefused(message, () => ByokAssociatedData.For("a", null!));
        AssertRefused(message, () => ByokAssociatedData.For(1, (string)null!));
        AssertRefused(message, () => ByokAssociatedData.For(1, default(ByokAssociatedDataPart)));
        AssertRefused(
            "The text is not valid Unicode: it contains an unpaired surrogate. (Parameter 'parts')",
            () => ByokAssociatedData.For(1, "\ud800"));
    }

    [Test]
    public void Longer_than_the_limit_is_refused_before_anything_is_allocated()
    {
        const string message = "The associated data is longer than 65536 bytes. (Parameter '{0}')";
        string fits = new('a', ByokAssociatedData.MaxLength - 4), huge = new('я', 50_000_000);

        Assert.That(ByokAssociatedData.For(fits).Length, Is.EqualTo(ByokAssociatedData.MaxLength));
        AssertRefused(string.Format(null, message, "parts"), () => ByokAssociatedData.For(fits + "a"));
        AssertRefused(string.Format(null, message, "parts"), () => ByokAssociatedData.For(fits, 1));
        AssertRefused(string.Format(null, message, "parts"), () => ByokAssociatedData.For(new string('я', 40_000)));
        AssertRefused(
            string.Format(null, message, "bytes"), () => ByokAssociatedData.FromBytes(new byte[ByokAssociatedData.MaxLength + 1]));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<ArgumentException>(() => ByokAssociatedData.For(Enumerable.Repeat(huge, 100).ToArray()));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(100_000));
    }

    [Test]
    public void A_place_costs_one_array()
    {
        _ = ByokAssociatedData.For("variables", Id, 42);
        var before = GC.GetAllocatedBytesForCurrentThread();

        var place = ByokAssociatedData.For("variables", Id, 42);

        Assert.That(
            GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThanOrEqualTo(24 + place.Length + 8), "an array's head and bytes");
    }

    [Test]
    public void Text_shows_the_length_and_nothing_else()
    {
        Assert.That(ByokAssociatedData.For("acme").ToString(), Is.EqualTo("Associated data of 8 bytes"));
        Assert.That(ByokAssociatedData.None.ToString(), Is.EqualTo("No associated data"));
        Assert.That(default(ByokAssociatedData).ToString(), Is.EqualTo("Associated data that is not set"));
        Assert.That(((ByokAssociatedDataPart)"acme").ToString(), Does.Not.Contain("acme"));
    }

    [Test]
    public void Equal_places_have_equal_hash_codes()
    {
        var (one, same, other) = (ByokAssociatedData.For("a", 1), ByokAssociatedData.For("a", 1L), ByokAssociatedData.For("a", 2));

        Assert.That((one == same, one != same, one == other, one != other), Is.EqualTo((true, false, false, true)));
        Assert.That(one.Equals((object)same), Is.True);
        Assert.That(one.Equals("a"), Is.False);
        Assert.That(new HashSet<ByokAssociatedData> { one, same, other, ByokAssociatedData.None, default }, Has.Count.EqualTo(4));
    }

    /// <summary>Associated data as the first version made it, written independently from its description.</summary>
    private static byte[] OfOldVersion(string[] texts)
    {
        var bytes = new List<byte>();
        foreach (var text in texts)
        {
            var utf8 = Encoding.UTF8.GetBytes(text);
            var length = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(length, utf8.Length);
            bytes.AddRange([.. length, .. utf8]);
        }

        return [.. bytes];
    }

    private static void AssertBytes(string expected, ByokAssociatedData place) =>
        Assert.That(Convert.ToHexStringLower(place.ToArray()), Is.EqualTo(expected));

    private static void AssertRefused(string message, Action call) =>
        Assert.That(Assert.Throws<ArgumentException>(call)!.Message, Is.EqualTo(message));
}
