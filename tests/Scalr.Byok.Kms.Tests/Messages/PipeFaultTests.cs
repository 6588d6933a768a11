using System.IO.Pipelines;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>What pipes do to a call, and in what state a call leaves the pipes.</summary>
[TestFixture(true, 1)]
[TestFixture(true, 2)]
[TestFixture(false, 1)]
[TestFixture(false, 2)]
[CancelAfter(60_000)]
internal sealed class PipeFaultTests
{
    private const int Length = 1_000_000;
    private const int Middle = Length / 2;
    private const int Arrival = 50_000;

    private static readonly byte[] Plaintext = StreamSamples.Plaintext(Length);
    private static readonly byte[] Message = Sample.Message(Plaintext, Sample.Template(frameLength: 4096));

    private readonly bool _encrypts;
    private readonly MessageOptions _options;
    private readonly byte[] _input;
    private readonly byte[] _output;

    private StrictPipeReader _source = null!;
    private StrictPipeWriter _sink = null!;

    public PipeFaultTests(bool encrypts, int degree)
    {
        _encrypts = encrypts;
        _options = Streamed.Options(degree) with { FrameLength = 4096 };
        (_input, _output) = encrypts ? (Plaintext, Message) : (Message, Plaintext);
    }

    [SetUp]
    public void Open() => (_source, _sink) = (new StrictPipeReader(_input, Arrival, true, 4096), new StrictPipeWriter(later: true));

    [TearDown]
    public void ThePipesCanBeUsedFurther()
    {
        Assert.That(_source.IsReading, Is.False, "every read was advanced");
        Assert.That(_output.AsSpan().StartsWith(_sink.Content), "nothing was written that is not true");
        Assert.That(_sink.IsRestUntouched);
        Assert.That(_encrypts || !_sink.Unused.ContainsAnyExcept((byte)0, (byte)0xCC), "no plaintext is left behind");
    }

    [Test]
    public async Task A_fault_of_the_source_is_passed_on([Values(0, Middle, int.MaxValue)] int offset)
    {
        IOException fault = new("the source's own");
        _source.At(Math.Min(offset, _input.Length - 1), _ => throw fault);

        Assert.That(await Assert.CatchAsync(() => RunAsync()), Is.SameAs(fault));
    }

    [Test]
    public async Task A_fault_of_a_flush_is_passed_on([Values(1, 3)] int flush)
    {
        IOException fault = new("the sink's own");
        _sink.OnFlush = (number, _) => number == flush ? throw fault : default;

        Assert.That(await Assert.CatchAsync(() => RunAsync()), Is.SameAs(fault));
        Assert.That(_sink.Flushes, Has.Count.EqualTo(flush));
    }

    [Test]
    public async Task A_completed_sink_is_passed_on()
    {
        Pipe sink = new();
        await sink.Writer.CompleteAsync();

        await Assert.ThatAsync(() => RunAsync(sink.Writer), Throws.InvalidOperationException);
        await sink.Reader.CompleteAsync();
    }

    [Test]
    public async Task A_cancelled_read_ends_the_call_and_loses_nothing([Values(0, Middle)] int offset)
    {
        _source.CancelAt(offset);

        await Assert.ThatAsync(() => RunAsync(), Throws.TypeOf<OperationCanceledException>().With.Message.Contains("read"));
        Assert.That(_source.BytesConsumed, Is.LessThanOrEqualTo(offset));
    }

    [Test]
    public async Task A_cancelled_flush_ends_the_call()
    {
        _sink.OnFlush = (number, _) => new(new FlushResult(isCanceled: number == 2, isCompleted: false));

        await Assert.ThatAsync(() => RunAsync(), Throws.TypeOf<OperationCanceledException>().With.Message.Contains("flush"));
        Assert.That(_sink.Flushes, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task A_reader_that_completes_early_ends_the_call()
    {
        _sink.OnFlush = (number, _) => new(new FlushResult(isCanceled: false, isCompleted: number == 2));

        await Assert.ThatAsync(() => RunAsync(), Throws.TypeOf<IOException>().With.Message.Contains("has completed"));
        Assert.That(_sink.Flushes, Has.Count.EqualTo(2), "nothing more is written");
        Assert.That(_source.BytesConsumed, Is.LessThan(_input.Length));
    }

    [Test]
    public async Task A_reader_that_completes_at_the_end_has_it_all()
    {
        _sink.OnFlush = (_, _) => new(new FlushResult(isCanceled: false, isCompleted: _sink.BytesWritten == _output.Length));

        await RunAsync();

        Assert.That(_sink.Content.SequenceEqual(_output));
    }

    [Test]
    public async Task The_callers_token_ends_a_read([Values(0, Middle)] int offset)
    {
        using CancellationTokenSource cancellation = new();
        Hold hold = new();
        _source.At(offset, token => new(hold.ObeyAsync(token)));
        var run = RunAsync(cancellationToken: cancellation.Token);
        await hold.Reached;

        await cancellation.CancelAsync();

        Assert.That((await Assert.CatchAsync<OperationCanceledException>(() => run))!.CancellationToken, Is.EqualTo(cancellation.Token));
    }

    [Test]
    public async Task The_callers_token_ends_a_flush_that_waits_for_a_slow_reader()
    {
        using CancellationTokenSource cancellation = new();
        Hold hold = new();
        _sink.OnFlush = async (_, token) =>
        {
            await hold.ObeyAsync(token);
            return default;
        };
        var run = RunAsync(cancellationToken: cancellation.Token);
        await hold.Reached;
        Assert.That(_source.BytesConsumed, Is.LessThan(2 * Arrival), "nothing is read meanwhile");

        await cancellation.CancelAsync();

        Assert.That((await Assert.CatchAsync<OperationCanceledException>(() => run))!.CancellationToken, Is.EqualTo(cancellation.Token));
    }

    [Test]
    public async Task A_denial_ends_a_read_that_waits_and_erases_the_key([Values] bool isObeyed)
    {
        using ControlledUse use = new();
        Hold hold = new();
        _source.At(Middle, token => new(isObeyed ? hold.ObeyAsync(token) : hold.IgnoreAsync(token)));
        var run = RunAsync(use: use);
        await hold.Reached;
        var written = _sink.BytesWritten;

        var denial = use.Deny();
        if (!isObeyed)
        {
            hold.Release();
        }

        Assert.That(await Assert.CatchAsync(() => run), Is.SameAs(denial));
        Assert.That(_sink.BytesWritten, Is.EqualTo(written), "nothing after the denial");
    }

    [Test]
    public async Task A_batch_that_may_not_be_used_is_neither_read_nor_written([Values(1, 3)] int batch)
    {
        ByokServiceException refused = new("not confirmed");
        using ControlledUse use = new() { OnEnsure = number => number == batch ? refused : null };

        Assert.That(await Assert.CatchAsync(() => RunAsync(use: use)), Is.SameAs(refused));

        Assert.That(_sink.Flushes, Has.Count.EqualTo(batch - 1));
        if (batch == 1)
        {
            var header = _encrypts ? 0 : MessageHeader.Read(Message, Sample.Options).Length;
            Assert.That((_sink.BytesWritten, _source.BytesConsumed), Is.EqualTo((0, header)), "not even a header is written");
        }
    }

    [Test]
    public async Task A_message_of_the_longest_length_is_carried_and_none_longer([Values(int.MaxValue, Arrival)] int arrival)
    {
        _source = new StrictPipeReader(_input, arrival);
        await RunAsync(limits: _options with { MaxMessageLength = Message.Length });
        Assert.That(_sink.Content.SequenceEqual(_output));

        (_source, _sink) = (new StrictPipeReader(_input, arrival), new StrictPipeWriter());
        var thrown = await Assert.CatchAsync(() => RunAsync(limits: _options with { MaxMessageLength = Message.Length - 1 }));

        Assert.That(thrown, _encrypts
            ? Is.TypeOf<ArgumentException>().With.Property("ParamName").EqualTo("plaintext").And.Message.Contains("MaxMessageLength")
            : Is.TypeOf<ByokDecryptionException>().With.Message.EqualTo(HeaderErrors.MessageTooLong(Message.Length - 1)));
        if (arrival == int.MaxValue)
        {
            Assert.That(_sink.BytesWritten, Is.Zero, "its length is known at once");
        }
    }

    private Task RunAsync(
        PipeWriter? sink = null, IStreamUse? use = null, MessageOptions? limits = null, CancellationToken cancellationToken = default) =>
        _encrypts
            ? Piped.EncryptAsync(_source, sink ?? _sink, limits ?? _options, use, cancellationToken)
            : Piped.DecryptAsync(_source, sink ?? _sink, limits ?? _options, use, cancellationToken);

    /// <summary>A stream's use of its data key, in the hands of the test.</summary>
    private sealed class ControlledUse : IStreamUse, IDisposable
    {
        private readonly CancellationTokenSource _stopped = new();
        private int _asked;

        public CancellationToken Stopped => _stopped.Token;

        public Exception? End { get; private set; }

        /// <summary>What each question is answered with, by its number from 1 on; null for yes.</summary>
        public Func<int, Exception?> OnEnsure { get; init; } = _ => null;

        public Exception Deny()
        {
            End = new ByokServiceException("denied");
            _stopped.Cancel();
            return End;
        }

        public void Dispose() => _stopped.Dispose();

        public ValueTask EnsureAsync(CancellationToken cancellationToken) =>
            OnEnsure(++_asked) is { } refused ? ValueTask.FromException(refused) : default;
    }
}
