using LocalAws;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>How a re-encryption ends early: cancelled by its caller, or with its ring.</summary>
internal sealed class ReencryptCancellationTests
{
    private KeyChange _change = null!;
    private byte[] _message = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _change = await KeyChange.StartAsync();
        _message = await _change.EncryptOldAsync(new byte[200_000]);
    }

    [TearDown]
    public async Task StopAsync() => await _change.DisposeAsync();

    [Test]
    public async Task Reencrypt_that_is_cancelled_before_it_starts_reads_nothing_and_calls_nobody([Values] bool current)
    {
        var message = await MessageAsync(current);
        var cancelled = new CancellationToken(canceled: true);
        using var source = new PieceStream(message);
        using var destination = new PieceStream();

        await AssertCancelledAsync(async () => await _change.Both.ReencryptAsync(message, cancellationToken: cancelled), cancelled);
        await AssertCancelledAsync(() => _change.Both.ReencryptAsync(source, destination, cancellationToken: cancelled), cancelled);

        Assert.That((source.Position, destination.Length), Is.EqualTo((0L, 0L)));
        Assert.That(_change.World.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task Reencrypt_that_is_cancelled_during_a_call_to_AWS_ends_at_once(
        [Values("Decrypt", "Encrypt")] string operation, [Values] bool asStream)
    {
        _change.World.Aws.Faults.Add(Fault.BlackHole() with { Operation = operation });
        using var cancellation = new CancellationTokenSource();
        using var destination = new MemoryStream();
        Task call = asStream
            ? _change.Both.ReencryptAsync(new MemoryStream(_message), destination, cancellationToken: cancellation.Token)
            : _change.Both.ReencryptAsync(_message, cancellationToken: cancellation.Token).AsTask();
        await _change.World.ReceivedAsync(operation);

        await cancellation.CancelAsync();

        await AssertCancelledAsync(() => call, cancellation.Token);
        Assert.That(destination.Length, Is.Zero);
    }

    [TestCase("source", 0)]
    [TestCase("source", 100_000)]
    [TestCase("destination", 0)]
    [TestCase("destination", 50_000)]
    public async Task Reencrypt_that_is_cancelled_while_a_stream_waits_ends_at_once(string which, int position)
    {
        var waits = new TaskCompletionSource();
        using var cancellation = new CancellationTokenSource();
        using var source = new PieceStream(_message)
        {
            NextPiece = () => 10_000,
            BeforeEach = (at, token) => PassAsync("source", at, token),
        };
        using var destination = new PieceStream { BeforeEach = (at, token) => PassAsync("destination", at, token) };
        var call = _change.Both.ReencryptAsync(source, destination, cancellationToken: cancellation.Token);
        await waits.Task;

        await cancellation.CancelAsync();

        await AssertCancelledAsync(() => call, cancellation.Token);

        async ValueTask PassAsync(string stream, long at, CancellationToken token)
        {
            if (stream == which && at >= position)
            {
                waits.SetResult();
                await Task.Delay(Timeout.Infinite, token);
            }
        }
    }

    [Test]
    public async Task Reencrypt_by_a_disposed_ring_says_so([Values] bool current)
    {
        var message = await MessageAsync(current);
        var (ring, provider) = OwnRing();
        await provider.DisposeAsync();

        await Assert.ThatAsync(async () => await ring.ReencryptAsync(message), Throws.TypeOf<ObjectDisposedException>());
        await Assert.ThatAsync(
            () => ring.ReencryptAsync(new MemoryStream(message), new MemoryStream()), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(_change.World.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task Reencrypt_by_a_ring_that_is_disposed_under_way_says_so(
        [Values("Decrypt", "Encrypt")] string operation, [Values] bool asStream)
    {
        var (ring, provider) = OwnRing();
        _change.World.Aws.Faults.Add(Fault.BlackHole() with { Operation = operation });
        var call = KeyChange.ReencryptAsync(ring, _message, asStream);
        await _change.World.ReceivedAsync(operation);

        await provider.DisposeAsync();

        await Assert.ThatAsync(() => call.WaitAsync(TimeSpan.FromSeconds(30)), Throws.TypeOf<ObjectDisposedException>());
    }

    private async Task<byte[]> MessageAsync(bool current) => current ? await _change.EncryptAsync(_change.New, [1, 2, 3]) : _message;

    /// <summary>The bound only ends a test that would never end.</summary>
    private static async Task AssertCancelledAsync(Func<Task> call, CancellationToken token) =>
        await Assert.ThatAsync(
            () => call().WaitAsync(TimeSpan.FromSeconds(30)),
            Throws.InstanceOf<OperationCanceledException>().With
                .Property(nameof(OperationCanceledException.CancellationToken))
                .EqualTo(token));

    /// <summary>A ring like the customer's, with the container that it is disposed with.</summary>
    private (IByokKeyRing Ring, ServiceProvider Provider) OwnRing()
    {
        var services = _change.World.Services();
        services.AddScalrByok().AddKeyRing(ring =>
        {
            ring.KeyArn = _change.NewKey.Arn;
            ring.Credentials = _change.World.Settings(ByokCredentialSettings.AccessKeysType).Credentials;
            ring.PreviousKeys = [new() { KeyArn = _change.OldKey.Arn, Credentials = _change.OldCredentials }];
        });
        var provider = _change.World.Build(services);
        return (provider.GetRequiredService<IByokKeyRing>(), provider);
    }
}
