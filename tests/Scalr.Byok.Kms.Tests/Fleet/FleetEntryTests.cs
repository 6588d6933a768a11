using System.Security.Cryptography;
using Microsoft.Extensions.Time.Testing;
using Scalr.Byok.Kms.Fleet;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Tests.Fleet;

/// <summary>An entry opens only as what it was written for.</summary>
internal sealed class FleetEntryTests
{
    private static readonly FleetSecret Ours = new(Convert.FromBase64String(FleetWorld.Secret));
    private static readonly FleetSecret Theirs = new(new byte[32]);
    private static readonly byte[] Slot = Ours.SlotOf("a key"u8);
    private static readonly FleetEntry Entry = new(
        new DateTime(2026, 11, 29).Ticks, 3, 1, ByokKeyUnavailableReason.KeyDisabled, new Guid(RandomNumberGenerator.GetBytes(16)),
        new Guid(RandomNumberGenerator.GetBytes(16)));

    [Test]
    public void An_entry_opens_as_it_was_written([Values] EntryKind kind)
    {
        var bytes = Ours.Seal(kind, Slot, Entry);

        Assert.That(bytes, Has.Length.EqualTo(78));
        Assert.That(Ours.TryOpen(kind, Slot, bytes, out var read), Is.True);
        Assert.That(read, Is.EqualTo(Entry));
    }

    [Test]
    public void An_entry_with_a_flipped_bit_is_absent()
    {
        var bytes = Ours.Seal(EntryKind.Decrypt, Slot, Entry);
        for (var bit = 0; bit < 8 * bytes.Length; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.That(Ours.TryOpen(EntryKind.Decrypt, Slot, bytes, out var read), Is.False, $"bit {bit}");
            Assert.That(read, Is.EqualTo(default(FleetEntry)));
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Assert.That(Ours.TryOpen(EntryKind.Decrypt, Slot, bytes, out _), Is.True);
    }

    [Test]
    public void An_entry_of_another_length_is_absent()
    {
        byte[] bytes = [.. Ours.Seal(EntryKind.Decrypt, Slot, Entry), .. new byte[10]];
        for (var length = 0; length <= bytes.Length; length++)
        {
            Assert.That(Ours.TryOpen(EntryKind.Decrypt, Slot, bytes.AsSpan(0, length), out _), Is.EqualTo(length == 78), $"{length} bytes");
        }
    }

    [Test]
    public void Random_bytes_are_absent()
    {
        for (var i = 0; i < 10_000; i++)
        {
            var bytes = RandomNumberGenerator.GetBytes(i % 2 == 0 ? 78 : RandomNumberGenerator.GetInt32(300));
            Assert.That(Ours.TryOpen(EntryKind.Decrypt, Slot, bytes, out _), Is.False);
        }
    }

    [Test]
    public void An_entry_of_another_kind_slot_or_secret_is_absent([Values] EntryKind kind, [Values] EntryKind other)
    {
        var bytes = Ours.Seal(kind, Slot, Entry);

        Assert.That(Ours.TryOpen(other, Slot, bytes, out _), Is.EqualTo(kind == other));
        Assert.That(Ours.TryOpen(kind, Ours.SlotOf("another key"u8), bytes, out _), Is.False);
        Assert.That(Theirs.TryOpen(kind, Slot, bytes, out _), Is.False);
        Assert.That(Theirs.SlotOf("a key"u8), Is.Not.EqualTo(Slot));
        Assert.That(Ours.ToString(), Is.EqualTo(nameof(FleetSecret)));
    }

    [TestCase(new[] { "a", "b" }, new[] { "ab" })]
    [TestCase(new[] { "a", null }, new[] { "a", "" })]
    [TestCase(new[] { "a" }, new[] { "a", null })]
    [TestCase(new[] { "ab", "c" }, new[] { "a", "bc" })]
    public void Different_identities_have_different_bytes(string?[] one, string?[] other)
    {
        Assert.That(FleetSharing.Encode("key", one), Is.Not.EqualTo(FleetSharing.Encode("key", other)));
        Assert.That(FleetSharing.Encode("key", one), Is.Not.EqualTo(FleetSharing.Encode("tenant", one)));
    }

    [Test]
    public void The_time_of_AWS_is_an_interval_that_contains_it()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var time = new AwsTime(new AgeClock(clock));
        Assert.That(time.LatestNow, Is.Null);

        var aws = new DateTimeOffset(2026, 1, 1, 0, 0, 0, 900, TimeSpan.Zero); // when AWS answers
        var sent = time.Clock.Now;
        clock.Advance(TimeSpan.FromMilliseconds(300));
        var answered = time.Clock.Now;
        clock.Advance(TimeSpan.FromMilliseconds(200));
        time.Note(sent, time.Clock.Now, new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        clock.Advance(TimeSpan.FromSeconds(10));

        var trueNow = aws.UtcTicks + time.Clock.Now - answered;
        Assert.That(time.LatestNow, Is.InRange(trueNow, trueNow + TimeSpan.FromSeconds(1.5).Ticks));
        var trueSent = aws.UtcTicks - (answered - sent);
        Assert.That(time.EarliestAt(sent), Is.InRange(trueSent - TimeSpan.FromSeconds(1.5).Ticks, trueSent));
        Assert.That(time.EarliestAt(time.Clock.Now), Is.Null, "no answer has arrived since");

        time.Note(sent, sent, new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero));
        Assert.That(time.LatestNow, Is.GreaterThanOrEqualTo(trueNow), "an older answer changes nothing");
    }
}
