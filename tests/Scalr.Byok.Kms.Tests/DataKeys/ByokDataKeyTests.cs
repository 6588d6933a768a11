using System.Buffers;
using CsCheck;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.DataKeys;

/// <summary>Values under one data key, without AWS.</summary>
internal sealed class ByokDataKeyTests
{
    private const string OneMessage =
        "The message could not be authenticated: it was changed or cut short, or it belongs to another key, encryption context "
        + "or place. Treat it as hostile.";

    private static readonly ByokAssociatedData Place = ByokAssociatedData.For("variables", "value", "42");

    private ByokDataKey _key = null!;

    [SetUp]
    public void SetUp() => _key = ByokModelFactory.DataKey();

    [TearDown]
    public void TearDown() => _key.Dispose();

    [Test]
    public void Decrypt_gives_back_what_was_encrypted() =>
        Gen.Byte.Array[0, 1000].Select(Gen.Byte.Array[0, 600]).Sample(
            (value, bytes) =>
            {
                var place = bytes.Length == 0 ? ByokAssociatedData.None : ByokAssociatedData.FromBytes(bytes);
                var encrypted = _key.Encrypt(value, place);
                var (written, opened) = (new ArrayBufferWriter<byte>(), new ArrayBufferWriter<byte>());
                _key.Encrypt(value, written, place);
                _key.Decrypt(written.WrittenSpan, opened, place);
                return encrypted.Length == value.Length + ByokDataKey.Overhead
                    && _key.Decrypt(encrypted, place).AsSpan().SequenceEqual(value)
                    && opened.WrittenSpan.SequenceEqual(value);
            },
            iter: 2000);

    [Test]
    public void DecryptText_gives_back_what_was_encrypted() =>
        Gen.String.Where(text => !text.Any(char.IsSurrogate)).Sample(
            text => _key.DecryptText(_key.EncryptText(text, Place), Place) == text
                && _key.DecryptText(_key.EncryptText(text.AsSpan(), Place), Place) == text,
            iter: 2000);

    [Test]
    public void Every_byte_flipped_cut_or_appended_is_refused([Values(0, 1, 20)] int length)
    {
        var encrypted = _key.Encrypt(new byte[length], Place);
        for (var i = 0; i < encrypted.Length; i++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                var flipped = (byte[])encrypted.Clone();
                flipped[i] ^= (byte)(1 << bit);
                AssertRefused(flipped, Place);
            }

            AssertRefused(encrypted[..i], Place);
            AssertRefused(encrypted[(i + 1)..], Place);
            AssertRefused([.. encrypted[..i], .. encrypted[(i + 1)..]], Place);
        }

        for (var added = 0; added < 256; added++)
        {
            AssertRefused([.. encrypted, (byte)added], Place);
            AssertRefused([(byte)added, .. encrypted], Place);
        }

        AssertRefused([.. encrypted, .. encrypted], Place);
        Assert.That(_key.Decrypt(encrypted, Place), Has.Length.EqualTo(length), "the value itself is good");
    }

    [Test]
    public void Another_table_column_row_or_key_is_refused_in_the_same_words()
    {
        var encrypted = _key.EncryptText("abc", Place);

        AssertRefused(encrypted, ByokAssociatedData.For("variable", "value", "42"));
        AssertRefused(encrypted, ByokAssociatedData.For("variables", "name", "42"));
        AssertRefused(encrypted, ByokAssociatedData.For("variables", "value", "43"));
        AssertRefused(encrypted, ByokAssociatedData.None);
        AssertRefused(_key.EncryptText("abc"), Place);
        using var other = ByokModelFactory.DataKey();
        AssertRefused(other.EncryptText("abc", Place), Place);
        AssertRefused([.. _key.EncryptText("x").AsSpan(0, 8), .. other.EncryptText("abc", Place).AsSpan(8)], Place);
    }

    [Test]
    public void A_value_of_another_tenant_is_refused_though_the_32_bytes_are_the_same()
    {
        using var secret = DataKey.Generate();
        using ByokDataKey one = Of(secret, "acme"u8), other = Of(secret, "globex"u8), none = Of(secret, default);
        var encrypted = one.EncryptText("abc", Place);

        foreach (var key in (ByokDataKey[])[other, none])
        {
            Assert.That(key.Head.SequenceEqual(one.Head), Is.False);
            AssertRefused(key, encrypted, Place);
            AssertRefused(key, [.. key.Head, .. encrypted.AsSpan(8)], Place);
        }

        Assert.That(one.DecryptText(encrypted, Place), Is.EqualTo("abc"));
    }

    [Test]
    public void Encrypting_twice_gives_nothing_to_compare()
    {
        var encrypted = Enumerable.Range(0, 1000).Select(_ => _key.EncryptText("abc", Place)).ToList();

        Assert.That(encrypted.Select(e => Convert.ToHexString(e.AsSpan(8, 24))).Distinct().Count(), Is.EqualTo(1000), "nonces");
        Assert.That(encrypted.Select(e => Convert.ToHexString(e.AsSpan(32, 3))).Distinct().Count(), Is.GreaterThan(990), "ciphertexts");
        Assert.That(encrypted.Select(e => Convert.ToHexString(e.AsSpan(0, 8))).Distinct().Count(), Is.EqualTo(1), "version and key id");
    }

    [Test]
    public void Text_that_is_not_Unicode_is_the_callers_mistake()
    {
        foreach (var text in (string[])["\ud800", "abc\udc00def", "\udc00\ud800"])
        {
            Assert.That(
                Assert.Throws<ArgumentException>(() => _key.EncryptText(text, Place))!.Message,
                Is.EqualTo("The text is not valid Unicode: it contains an unpaired surrogate. (Parameter 'text')"));
            Assert.Throws<ArgumentException>(() => ByokAssociatedData.For("a", text));
        }

        Assert.Throws<ArgumentNullException>(() => _key.EncryptText((string)null!, Place));
    }

    [Test]
    public void Bytes_that_are_no_text_are_refused_as_text() =>
        Assert.That(
            Assert.Throws<ByokDecryptionException>(() => _key.DecryptText(_key.Encrypt([0xff, 0xfe])))!.Message, Is.EqualTo(OneMessage));

    [Test]
    public void Long_texts_and_long_associated_data_fit()
    {
        var (text, bytes) = (new string('я', 100_000), new byte[ByokAssociatedData.MaxLength]);
        var place = ByokAssociatedData.FromBytes(bytes);

        Assert.That(_key.DecryptText(_key.EncryptText(text, place), place), Is.EqualTo(text));
        bytes[^1] ^= 1;
        AssertRefused(_key.EncryptText(text, place), ByokAssociatedData.FromBytes(bytes));
        AssertRefused(_key.EncryptText(text), place);
    }

    [Test]
    public void A_room_that_fails_is_erased_and_not_advanced_over()
    {
        var encrypted = _key.EncryptText("abcdefghijklmnop");
        encrypted[^1] ^= 1;
        var room = new RecordedBuffer();

        Assert.Throws<ByokDecryptionException>(() => _key.Decrypt(encrypted, room, ByokAssociatedData.None));

        Assert.That(room.Asked.Single(), Is.EqualTo(16));
        Assert.That(room.Advanced, Is.Empty);
        Assert.That(room.Room.ContainsAnyExcept((byte)0), Is.False);
        Assert.That(room.IsRestUntouched, Is.True);
    }

    [Test]
    public void A_disposed_key_neither_encrypts_nor_decrypts()
    {
        var encrypted = _key.EncryptText("abc");
        _key.Dispose();
        _key.Dispose();

        Assert.Throws<ObjectDisposedException>(() => _key.EncryptText("abc"));
        Assert.Throws<ObjectDisposedException>(() => _key.Decrypt(encrypted));
        Assert.Throws<ObjectDisposedException>(() => _key.DecryptText(encrypted));
    }

    [Test]
    [Category("Slow")]
    public async Task A_key_erased_in_use_never_encrypts_under_zeros()
    {
        for (var round = 0; round < 100; round++)
        {
            using var secret = DataKey.Generate();
            var cipher = ValueCipher.Derive(secret, default);
            using var twin = ValueCipher.Derive(secret, default);
            using var started = new CountdownEvent(2);
            var workers = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
            {
                started.Signal();
                var made = new List<byte[]>();
                try
                {
                    while (true)
                    {
                        var encrypted = new byte[3 + ValueCipher.Overhead];
                        cipher.Encrypt(now: 0, "abc"u8, default, encrypted);
                        made.Add(encrypted);
                    }
                }
                catch (ObjectDisposedException)
                {
                    return made;
                }
            })).ToArray();
            started.Wait();
            cipher.Dispose();

            // On a busy machine the erasure comes late. Only what was made last was under way.
            foreach (var encrypted in (await Task.WhenAll(workers)).SelectMany(made => made.TakeLast(200)))
            {
                Assert.That(twin.TryDecrypt(encrypted, default, new byte[3]), Is.True, "under the key, or not at all");
            }
        }
    }

    [Test]
    public void Many_threads_use_one_key()
    {
        var values = Enumerable.Range(0, 2000).Select(i => $"value {i}").ToList();

        var opened = values.AsParallel()
            .AsOrdered().WithDegreeOfParallelism(8).Select(value => _key.DecryptText(_key.EncryptText(value, Place), Place)).ToList();

        Assert.That(opened, Is.EqualTo(values));
    }

    [Test]
    public void A_key_for_testing_is_opened_again_and_says_what_it_is()
    {
        using var again = ByokModelFactory.DataKey(_key.EncryptedKey.Span);

        Assert.That(again.DecryptText(_key.EncryptText("abc")), Is.EqualTo("abc"));
        Assert.That(System.Text.Encoding.Latin1.GetString(_key.EncryptedKey.Span), Does.StartWith("for testing, not encrypted: "));
        Assert.Throws<ArgumentException>(() => ByokModelFactory.DataKey("other"u8));
        Assert.That(_key.ToString(), Is.EqualTo(typeof(ByokDataKey).FullName), "nothing secret");
    }

    [Test]
    public void Several_keys_encrypt_under_the_first_and_decrypt_under_all()
    {
        var (old, strange) = (ByokModelFactory.DataKey(), ByokModelFactory.DataKey());
        using var keys = new ByokDataKeySet(ByokModelFactory.DataKey(_key.EncryptedKey.Span), old);
        var (stored, fresh) = (old.EncryptText("abc", Place), keys.EncryptText("def", Place));

        Assert.That(
            (keys.DecryptText(stored, Place), keys.DecryptText(fresh, Place), _key.DecryptText(fresh, Place)),
            Is.EqualTo(("abc", "def", "def")));
        Assert.That(
            (keys.NeedsReencryption(stored), keys.NeedsReencryption(fresh), keys.NeedsReencryption([])), Is.EqualTo((true, false, true)));
        Assert.That(keys.Primary.EncryptedKey.Span.SequenceEqual(_key.EncryptedKey.Span), Is.True);
        Assert.That(Assert.Throws<ByokDecryptionException>(() => keys.Decrypt(strange.EncryptText("x")))!.Message, Is.EqualTo(OneMessage));
        Assert.That(Assert.Throws<ByokDecryptionException>(() => keys.Decrypt([]))!.Message, Is.EqualTo(OneMessage));
        keys.Dispose();
        Assert.Throws<ObjectDisposedException>(() => old.EncryptText("abc"));
        Assert.Throws<ArgumentException>(() => new ByokDataKeySet());
        Assert.Throws<ArgumentException>(() => new ByokDataKeySet(_key, null!));
    }

    [Test]
    public void No_method_takes_associated_data_that_is_not_set()
    {
        using var keys = new ByokDataKeySet(ByokModelFactory.DataKey(_key.EncryptedKey.Span));
        var encrypted = _key.EncryptText("abc");
        var room = new RecordedBuffer();

        AssertNotSet(() => _key.EncryptText("abc", default), () => keys.EncryptText("abc", default));
        AssertNotSet(() => _key.Encrypt("abc"u8, default), () => keys.Encrypt("abc"u8, default));
        AssertNotSet(() => _key.EncryptText("abc".AsSpan(), default), () => keys.EncryptText("abc".AsSpan(), default));
        AssertNotSet(() => _key.Encrypt("abc"u8, room, default), () => keys.Encrypt("abc"u8, room, default));
        AssertNotSet(() => _key.Decrypt(encrypted, default), () => keys.Decrypt(encrypted, default));
        AssertNotSet(() => _key.Decrypt(encrypted, room, default), () => keys.Decrypt(encrypted, room, default));
        AssertNotSet(() => _key.DecryptText(encrypted, default), () => keys.DecryptText(encrypted, default));
        AssertNotSet(() => _key.Decrypt([], default), () => keys.DecryptText([], default));
        Assert.That(room.Asked, Is.Empty, "nothing was written");
    }

    [Test]
    public void Lengths_are_known_ahead()
    {
        foreach (var length in (int[])[0, 1, 1000])
        {
            var encrypted = _key.Encrypt(new byte[length], Place);

            Assert.That(encrypted, Has.Length.EqualTo(ByokDataKey.GetEncryptedLength(length)));
            Assert.That(ByokDataKey.GetDecryptedLength(encrypted.Length), Is.EqualTo(length));
        }

        Assert.That(
            _key.EncryptText("\uffff\uffff", Place),
            Has.Length.EqualTo(ByokDataKey.GetMaxEncryptedTextLength(2)),
            "the longest two characters");
        Assert.That(
            _key.EncryptText("\U0001F511", Place), Has.Length.LessThan(ByokDataKey.GetMaxEncryptedTextLength(2)), "a surrogate pair");
        Assert.That(ByokDataKey.GetEncryptedLength(Array.MaxLength - ByokDataKey.Overhead), Is.EqualTo(Array.MaxLength));
        Assert.Throws<ArgumentOutOfRangeException>(() => ByokDataKey.GetEncryptedLength(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => ByokDataKey.GetEncryptedLength(Array.MaxLength - ByokDataKey.Overhead + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => ByokDataKey.GetMaxEncryptedTextLength(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => ByokDataKey.GetMaxEncryptedTextLength(int.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => ByokDataKey.GetDecryptedLength(ByokDataKey.Overhead - 1));
    }

    private static ByokDataKey Of(DataKey secret, ReadOnlySpan<byte> tenant) =>
        new(default, ValueCipher.Derive(secret, tenant), open: null);

    private void AssertRefused(byte[] encrypted, ByokAssociatedData place) => AssertRefused(_key, encrypted, place);

    private static void AssertRefused(ByokDataKey key, byte[] encrypted, ByokAssociatedData place)
    {
        Assert.That(Assert.Throws<ByokDecryptionException>(() => key.Decrypt(encrypted, place))!.Message, Is.EqualTo(OneMessage));
    }

    private static void AssertNotSet(params Action[] calls)
    {
        foreach (var call in calls)
        {
            Assert.That(
                Assert.Throws<ArgumentException>(call)!.Message,
                Is.EqualTo(
                    "The associated data is not set. Use ByokAssociatedData.For(table, column, row) to bind the value to its place, "
                    + "or ByokAssociatedData.None if it has none. (Parameter 'associatedData')"));
        }
    }
}
