using System.Security.Cryptography;
using LocalAws;
using Scalr.Byok.Kms.Tests.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>Re-encryption between streams in memory, which needs no copy of the messages.</summary>
[CancelAfter(120_000)]
internal sealed class ReencryptMemoryTests
{
    private static readonly byte[] Plaintext = RandomNumberGenerator.GetBytes(3_000_000);

    private KeyChange _change = null!;

    [SetUp]
    public async Task StartAsync() => _change = await KeyChange.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _change.DisposeAsync();

    [Test]
    public async Task Reencrypt_moves_messages_of_any_length_and_frame_length([Values(1, 2)] int threads)
    {
        var ring = _change.Ring(options => (options.FrameLength, options.MaxDegreeOfParallelism) = (50_000, threads));
        foreach (var frameLength in new[] { 4096, 65_536, 1 << 20 })
        {
            var writer = _change.World.Ring(
                new ByokKeySettings { KeyArn = _change.OldKey.Arn, Credentials = _change.OldCredentials },
                options => (options.AllowedRegions, options.FrameLength) = ([_change.OldKey.Region], frameLength));
            foreach (var length in new[] { 0, 1, 49_999, 50_000, 50_001, frameLength, 2 * frameLength, 3_000_000 })
            {
                var message = await writer.EncryptAsync(Plaintext.AsMemory(0, length));
                using var source = Source([9, .. message], 1);
                using MemoryStream destination = new();
                destination.Write([4, 5]);

                Assert.That(await ring.ReencryptAsync(source, destination), Is.True);

                Assert.That(source.Position, Is.EqualTo(source.Length));
                var moved = destination.ToArray()[2..];
                Assert.That(PlainHeader.Read(moved).FrameLength, Is.EqualTo(50_000));
                Assert.That(
                    (await _change.New.DecryptAsync(moved)).AsSpan().SequenceEqual(Plaintext.AsSpan(0, length)),
                    $"{length} bytes in frames of {frameLength}");
            }
        }
    }

    [Test]
    public async Task Reencrypt_ends_no_message_whose_old_one_was_changed([Values(1, 2)] int threads, [Values(0.5, 1.0)] double place)
    {
        var ring = _change.Ring(options => options.MaxDegreeOfParallelism = threads);
        var message = await _change.EncryptOldAsync(Plaintext);
        message[(int)(place * (message.Length - 1))] ^= 1;
        using var source = Source(message);
        using MemoryStream destination = new();

        await Assert.ThatAsync(() => ring.ReencryptAsync(source, destination), Throws.TypeOf<ByokDecryptionException>());

        Assert.That(source.Position, Is.Zero);
        await Assert.ThatAsync(
            async () => await _change.New.DecryptAsync(destination.ToArray()), Throws.TypeOf<ByokDecryptionException>());
    }

    [Test]
    public async Task Reencrypt_writes_nothing_of_a_message_that_is_current()
    {
        using var source = Source(await _change.EncryptAsync(_change.New, Plaintext));
        using MemoryStream destination = new();

        Assert.That(await _change.Both.ReencryptAsync(source, destination), Is.False);

        Assert.That((source.Position, destination.Length), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task Reencrypt_passes_on_the_exception_of_a_destination_that_is_full([Values(1, 2)] int threads)
    {
        var ring = _change.Ring(options => options.MaxDegreeOfParallelism = threads);
        using var source = Source(await _change.EncryptOldAsync(Plaintext));
        using MemoryStream destination = new(new byte[2_500_000], 0, 2_500_000, writable: true, publiclyVisible: true);
        destination.SetLength(0);

        await Assert.ThatAsync(() => ring.ReencryptAsync(source, destination), Throws.TypeOf<NotSupportedException>());
    }

    private static MemoryStream Source(byte[] bytes, int position = 0) =>
        new(bytes, 0, bytes.Length, writable: false, publiclyVisible: true) { Position = position };
}
