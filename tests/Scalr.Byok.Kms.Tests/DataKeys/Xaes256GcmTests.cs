using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Tests.KeyUse;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.DataKeys;

/// <summary>Series of values: which nonces share a first half, and that nothing of them outlives the key.</summary>
internal sealed class Xaes256GcmTests
{
    private static readonly int Values = Repetitions.Of(debug: 100_000, release: 1_000_000);
    private static readonly byte[] Key = [.. Enumerable.Range(7, 32).Select(i => (byte)i)];

    [Test]
    public void A_series_has_65536_values()
    {
        using var key = DataKey.CopyFrom(Key);
        using XaesCiphers ciphers = new(key);
        var first = Encrypt(ciphers, now: 0);
        for (var i = 2; i <= 65_536; i++)
        {
            if (!Prefix(Encrypt(ciphers, now: 0)).SequenceEqual(Prefix(first)))
            {
                Assert.Fail($"Value {i} begins a new series.");
            }
        }

        var old = ciphers.Series.Single();
        var next = Encrypt(ciphers, now: 0);

        Assert.That(Prefix(next).SequenceEqual(Prefix(first)), Is.False);
        Assert.That((old.IsErased, ciphers.Series.Single().IsErased), Is.EqualTo((true, false)));
    }

    [Test]
    public void A_series_lasts_for_10_seconds()
    {
        const long began = 1_000_000_000_000;
        using var key = DataKey.CopyFrom(Key);
        using XaesCiphers ciphers = new(key);

        var first = Encrypt(ciphers, began);
        var last = Encrypt(ciphers, began + TimeSpan.FromSeconds(10).Ticks - 1);
        var next = Encrypt(ciphers, began + TimeSpan.FromSeconds(10).Ticks);

        Assert.That(Prefix(last).SequenceEqual(Prefix(first)));
        Assert.That(Prefix(next).SequenceEqual(Prefix(first)), Is.False);
    }

    [Test]
    public void The_second_half_of_a_nonce_is_random()
    {
        using var key = DataKey.CopyFrom(Key);
        using XaesCiphers ciphers = new(key);
        var ones = new int[96];
        const int count = 20_000;
        for (var i = 0; i < count; i++)
        {
            var suffix = Encrypt(ciphers, now: 0).AsSpan(12);
            for (var bit = 0; bit < 96; bit++)
            {
                ones[bit] += (suffix[bit / 8] >> (bit % 8)) & 1;
            }
        }

        // The standard deviation is 71, so a random bit is outside of this range once in 10^11 runs.
        Assert.That(ones, Has.All.InRange((count / 2) - 500, (count / 2) + 500));
    }

    [Test]
    [Category("Slow")]
    public async Task Nonces_of_many_threads_differ_while_series_end_and_keys_are_erased()
    {
        const int threads = 8;
        var now = 0L;
        var current = New();
        var left = Values;
        var erasures = 0;
        var written = await Task.WhenAll(Enumerable.Range(0, threads).Select(_ => Task.Factory.StartNew(
            Write, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        current.Dispose();

        HashSet<(UInt128, ulong)> nonces = [];
        Dictionary<UInt128, int> series = [];
        using var reader = New();
        foreach (var (nonce, tag) in written.SelectMany(each => each))
        {
            var bytes = nonce.AsSpan();
            var (low, high) = (System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes), BitConverter.ToUInt64(bytes[16..]));
            nonces.Add((low, high));
            series[low >> 32] = series.GetValueOrDefault(low >> 32) + 1;
            if (!reader.TryDecrypt(nonce, [], tag, [], []))
            {
                Assert.Fail("A value is not under the key.");
            }
        }

        TestContext.Out.WriteLine($"{nonces.Count} values, {series.Count} series, {erasures} erasures");
        Assert.That(nonces, Has.Count.EqualTo(Values), "different nonces");
        Assert.That(series.Values, Has.All.LessThanOrEqualTo(XaesCiphers.MaxValues));
        Assert.That(erasures, Is.GreaterThan(10));

        Xaes256Gcm New() => new(DataKey.CopyFrom(Key));

        List<(byte[] Nonce, byte[] Tag)> Write()
        {
            List<(byte[], byte[])> made = [];
            while (Interlocked.Decrement(ref left) is var number && number >= 0)
            {
                if (number % 5000 == 0)
                {
                    // A revocation, while the other threads encrypt.
                    Interlocked.Exchange(ref current, New()).Dispose();
                    Interlocked.Increment(ref erasures);
                }
                else if (number % 1777 == 0)
                {
                    Interlocked.Add(ref now, XaesCiphers.MaxTime.Ticks);
                }

                var (nonce, tag) = (new byte[24], new byte[16]);
                while (!TryEncrypt(nonce, tag))
                {
                }

                made.Add((nonce, tag));
            }

            return made;
        }

        bool TryEncrypt(byte[] nonce, byte[] tag)
        {
            try
            {
                Volatile.Read(ref current).Encrypt(Volatile.Read(ref now), nonce, [], [], tag, []);
                return true;
            }
            catch (ObjectDisposedException)
            {
                return false; // erased: the next try finds its successor
            }
        }
    }

    [Test]
    public void Dispose_erases_every_cipher()
    {
        Xaes256Gcm xaes = new(DataKey.CopyFrom(Key));
        for (var i = 0; i < 10; i++)
        {
            Open(xaes, Key, Nonce((byte)i));
            Open(xaes, Key, Nonce((byte)i));
            Encrypt(xaes);
        }

        var idle = xaes.Idle.ToList();
        var series = idle.SelectMany(ciphers => ciphers.Series).ToList();
        Assert.That(series, Has.Count.GreaterThan(XaesCiphers.MaxRead), "what was written, and what was read last");
        Assert.That(series, Has.All.Property(nameof(XaesSeries.IsErased)).False);

        xaes.Dispose();

        Assert.That(xaes.IsErased && idle.TrueForAll(ciphers => ciphers.IsErased) && series.TrueForAll(each => each.IsErased));
        Assert.Throws<ObjectDisposedException>(() => Encrypt(xaes));
        Assert.Throws<ObjectDisposedException>(() => Open(xaes, Key, Nonce(1)));
    }

    [Test]
    [Platform("Linux")]
    public void Dispose_leaves_no_derived_key_in_memory()
    {
        Xaes256Gcm xaes = new(DataKey.CopyFrom(Key));
        var derived = PlainXaes.DeriveKey(Key, Encrypt(xaes));
        ModelAws.Mask(derived); // the search knows keys under a mask, so that it does not find its own copies
        GC.Collect();
        Assert.That(PlaintextScan.Count([derived]), Is.Positive, "the search finds the key of a series");

        xaes.Dispose();

        // The plain implementation made arrays with the key, which the collector has freed but not cleared. Those are found in both cases.
        Overwrite();
        Assert.That(PlaintextScan.Count([derived]), Is.Zero);

        static void Overwrite()
        {
            for (var i = 0; i < 3; i++)
            {
                GC.Collect();
                GC.KeepAlive(Enumerable.Range(0, 200_000).Select(_ => new byte[32]).ToList());
            }
        }
    }

    [Test]
    public void A_value_that_was_under_way_at_the_erasure_is_whole_or_fails()
    {
        for (var round = 0; round < 50; round++)
        {
            Xaes256Gcm xaes = new(DataKey.CopyFrom(Key));
            using Barrier barrier = new(3);
            var threads = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
            {
                barrier.SignalAndWait();
                List<(byte[] Nonce, byte[] Tag)> made = [];
                try
                {
                    while (true)
                    {
                        var (nonce, tag) = (new byte[24], new byte[16]);
                        xaes.Encrypt(now: 0, nonce, [], [], tag, []);
                        made.Add((nonce, tag));
                    }
                }
                catch (ObjectDisposedException)
                {
                    return made;
                }
            })).ToArray();
            barrier.SignalAndWait();
            Thread.Yield();
            xaes.Dispose();
            Task.WaitAll(threads);

            // On a busy machine the erasure comes late. Only what was made last was under way.
            foreach (var (nonce, tag) in threads.SelectMany(thread => thread.Result.TakeLast(200)))
            {
                Assert.That(PlainXaes.Open(Key, nonce, tag, []), Is.Empty);
            }

            Assert.That(xaes.IsErased);
        }
    }

    [Test]
    public void Keys_share_no_series()
    {
        var keys = Enumerable.Range(0, 20).Select(_ => new Xaes256Gcm(DataKey.CopyFrom(Key))).ToList();
        var written = keys.SelectMany((xaes, i) => Enumerable.Range(0, 50).Select(_ => (i, Convert.ToHexString(Prefix(Encrypt(xaes))))));

        var keysOfEach = written.Distinct().GroupBy(each => each.Item2).Select(series => series.Count());
        Assert.That(keysOfEach, Has.All.EqualTo(1));
        keys.ForEach(xaes => xaes.Dispose());
    }

    [Test]
    public void A_series_that_was_read_serves_its_own_key_only()
    {
        var otherKey = Key.Reverse().ToArray();
        using Xaes256Gcm xaes = new(DataKey.CopyFrom(Key)), other = new(DataKey.CopyFrom(otherKey));
        var nonce = Nonce(1);

        // Both have read a value with this first half, and each has its own derived key for it.
        Assert.That((Open(xaes, Key, nonce), Open(other, otherKey, nonce)), Is.EqualTo((true, true)));
        Assert.That((Open(xaes, Key, nonce), Open(other, otherKey, nonce)), Is.EqualTo((true, true)));
        Assert.That((Open(xaes, otherKey, nonce), Open(other, Key, nonce)), Is.EqualTo((false, false)));
        Assert.That((Open(xaes, Key, nonce), Open(other, otherKey, nonce)), Is.EqualTo((true, true)));
    }

    [Test]
    public void The_last_series_that_were_read_are_kept()
    {
        using var key = DataKey.CopyFrom(Key);
        using XaesCiphers ciphers = new(key);
        List<XaesSeries> seen = [];
        for (var i = 0; i < 10; i++)
        {
            Assert.That(Open(ciphers, Nonce((byte)(i + 1)), forged: false) && Open(ciphers, Nonce((byte)(i + 1)), forged: false));
            seen.Add(ciphers.Series.Except(seen).Single());
        }

        Assert.That(seen.Select(each => each.IsErased), Is.EqualTo(Enumerable.Range(0, 10).Select(i => i < 10 - XaesCiphers.MaxRead)));
        for (var i = 10 - XaesCiphers.MaxRead; i < 10; i++)
        {
            Assert.That(Open(ciphers, Nonce((byte)(i + 1)), forged: false) && !Open(ciphers, Nonce((byte)(i + 1)), forged: true));
        }

        Assert.That(Open(ciphers, Nonce(100), forged: true) || Open(ciphers, Nonce(100), forged: true), Is.False);
        Assert.That(ciphers.Series, Is.EquivalentTo(seen[^XaesCiphers.MaxRead..]), "forged values replace nothing");
    }

    [Test]
    public void A_value_costs_the_memory_of_its_result()
    {
        using var key = ByokModelFactory.DataKey();
        var (value, place) = (new byte[32], ByokAssociatedData.For("variables", "value", "42"));
        var encrypted = key.Encrypt(value, place);

        Assert.That(Allocated(() => key.Encrypt(value, place)), Is.EqualTo(Allocated(() => new byte[encrypted.Length])));
        Assert.That(Allocated(() => key.Decrypt(encrypted, place)), Is.EqualTo(Allocated(() => new byte[value.Length])));

        // The least of several: where the system moves the thread to another processor, ciphers are made there once.
        static long Allocated(Func<byte[]> action) => Enumerable.Range(0, 20).Min(_ =>
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 100; i++)
            {
                action();
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        });
    }

    private static byte[] Nonce(byte number) => [.. Enumerable.Repeat(number, 24)];

    private static ReadOnlySpan<byte> Prefix(byte[] nonce) => nonce.AsSpan(0, 12);

    private static byte[] Encrypt(XaesCiphers ciphers, long now)
    {
        var nonce = new byte[24];
        ciphers.Encrypt(now, nonce, [], [], new byte[16], []);
        return nonce;
    }

    private static byte[] Encrypt(Xaes256Gcm xaes)
    {
        var nonce = new byte[24];
        xaes.Encrypt(now: 0, nonce, [], [], new byte[16], []);
        return nonce;
    }

    /// <summary>Whether it opens what the plain implementation wrote under a key.</summary>
    private static bool Open(Xaes256Gcm xaes, byte[] key, byte[] nonce) =>
        xaes.TryDecrypt(nonce, [], PlainXaes.Seal(key, nonce, [], []), [], []);

    private static bool Open(XaesCiphers ciphers, byte[] nonce, bool forged)
    {
        var tag = PlainXaes.Seal(Key, nonce, [], []);
        tag[0] ^= (byte)(forged ? 1 : 0);
        return ciphers.TryDecrypt(nonce, [], tag, [], []);
    }
}
