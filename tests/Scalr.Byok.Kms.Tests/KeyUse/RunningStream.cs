using System.IO.Pipelines;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>A call on streams that goes on for as long as it is fed.</summary>
internal sealed class RunningStream : IAsyncDisposable
{
    private const int Piece = 128 << 10;

    // For all tests together: each page of new memory costs more than the encryption of what it holds.
    private static readonly byte[] Plaintext = new byte[100 * Piece];

    private readonly FedStream _source = new();
    private readonly SinkStream _sink = new(keeps: false);
    private readonly CancellationTokenSource _stop = new();
    private readonly ReadOnlyMemory<byte> _content;
    private readonly Task _run;
    private int _fed;

    private RunningStream(ReadOnlyMemory<byte> content, Func<Stream, Stream, CancellationToken, Task> run)
    {
        _content = content;
        _run = run(_source, _sink, _stop.Token);
    }

    /// <summary>How many bytes came out.</summary>
    public long BytesWritten => _sink.BytesWritten;

    /// <summary>The call.</summary>
    public Task Run => _run;

    public static async Task<RunningStream> StartAsync(
        bool encrypts, IByokKeyRing ring, IReadOnlyDictionary<string, string> context, bool isPiped = false)
    {
        if (encrypts)
        {
            return new RunningStream(Plaintext, (source, sink, token) => isPiped
                ? ring.EncryptAsync(Source(source), Sink(sink), context, token)
                : ring.EncryptAsync(source, sink, context, token));
        }

        var message = await ring.EncryptAsync(Plaintext, context);
        return new RunningStream(message, (source, sink, token) => isPiped
            ? ring.DecryptAsync(Source(source), Sink(sink), context, token)
            : ring.DecryptAsync(source, sink, context, token));

        static PipeReader Source(Stream stream) => PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true));
        static PipeWriter Sink(Stream stream) => PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true));
    }

    /// <summary>Feeds the call until it has written one more segment, and waits until it wants more.</summary>
    /// <exception cref="ByokException">The call has ended with it.</exception>
    public async Task MoveAsync()
    {
        var before = BytesWritten;
        await ByokWorld.UntilAsync(
            () =>
            {
                if (_run.IsCompleted || BytesWritten >= before + Piece)
                {
                    return _run.IsCompleted || _source.IsHungry;
                }

                if (_source.IsHungry)
                {
                    _source.Feed(_content.Slice(_fed, Piece)); // throws if the test is longer than the stream
                    _fed += Piece;
                }

                return false;
            },
            "the stream neither moved nor ended");
        if (_run.IsCompleted)
        {
            await _run;
        }
    }

    /// <summary>Cancels the call and waits for its end.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await ByokWorld.UntilAsync(() => _run.IsCompleted, "the stream did not end");
        _stop.Dispose();
        await _source.DisposeAsync();
        await _sink.DisposeAsync();
        Assert.That((_source.LateCalls, _source.Overlaps), Is.EqualTo((0, 0)));
    }
}
