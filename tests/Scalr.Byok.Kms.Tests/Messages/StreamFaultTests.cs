using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>
/// What streams do to a run, and what a run never does to streams: whatever happens, it says so, and it is over when it says it is.
/// </summary>
[TestFixture(true, 1)]
[TestFixture(true, 2)]
[TestFixture(true, 5)]
[TestFixture(false, 1)]
[TestFixture(false, 2)]
[TestFixture(false, 5)]
internal sealed class StreamFaultTests
{
    private const int Length = 3_000_000;
    private const int Middle = Length / 2;
    private const string Own = "the stream's own exception";

    private static readonly byte[] Plaintext = StreamSamples.Plaintext(Length);
    private static readonly byte[] Message = Sample.Message(Plaintext, Sample.Template(frameLength: 4096));

    private readonly List<Exception> _unobserved = [];
    private readonly bool _encrypts;
    private readonly MessageOptions _options;
    private readonly byte[] _input;
    private readonly byte[] _output;

    private SourceStream _source = null!;
    private SinkStream _sink = null!;

    public StreamFaultTests(bool encrypts, int degree)
    {
        _encrypts = encrypts;
        _options = Streamed.Options(degree) with { FrameLength = 4096 };
        (_input, _output) = encrypts ? (Plaintext, Message) : (Message, Plaintext);
    }

    [OneTimeSetUp]
    public void Watch() => TaskScheduler.UnobservedTaskException += Note;

    [OneTimeTearDown]
    public void NoExceptionGoesUnobserved()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        TaskScheduler.UnobservedTaskException -= Note;
        Assert.That(_unobserved, Is.Empty);
    }

    [SetUp]
    public void Open() => (_source, _sink) = (new SourceStream(_input, new Chunk(100_000, Later: true)), new SinkStream(later: true));

    [TearDown]
    public async Task NoStreamIsTouchedAfterTheEndAsync()
    {
        Assert.That((_source.UnderWay, _sink.UnderWay), Is.EqualTo((0, 0)), "no call is under way at the end");
        _source.End();
        _sink.End();
        await OthersAsync();
        Assert.That((_source.LateCalls, _sink.LateCalls), Is.EqualTo((0, 0)), "and none comes after it");
        Assert.That((_source.Overlaps, _sink.Overlaps), Is.EqualTo((0, 0)), "one call at a time");
        Assert.That((_source.IsClosed, _sink.IsClosed), Is.EqualTo((false, false)), "left open");
        _source.Dispose();
        _sink.Dispose();
    }

    [Test]
    public async Task Run_passes_on_what_the_source_throws([Values(0, Middle, int.MaxValue)] int offset, [Values] bool cancellation)
    {
        Exception fault = cancellation ? new OperationCanceledException(Own) : new Fault();
        _source.At(Math.Min(offset, _input.Length), fault);

        await AssertFailsWithAsync(fault);
    }

    [Test]
    public async Task Run_passes_on_what_the_destination_throws([Values(0, Middle, int.MaxValue)] int offset, [Values] bool cancellation)
    {
        Exception fault = cancellation ? new OperationCanceledException(Own) : new Fault();
        _sink.At(Math.Min(offset, _output.Length), fault);

        await AssertFailsWithAsync(fault);
    }

    [Test]
    public async Task Run_passes_on_what_one_of_both_throws()
    {
        Exception[] faults = [new Fault(), new Fault()];
        _source.At(Middle, faults[0]);
        _sink.At(Middle - 300_000, faults[1]);

        var thrown = await Assert.CatchAsync(() => RunAsync());

        Assert.That(faults, Has.Member(thrown));
    }

    [Test]
    public async Task Run_ends_when_it_is_cancelled_while_a_read_is_pending([Values(0, Middle, int.MaxValue)] int offset)
    {
        Hold hold = new();
        _source.At(Math.Min(offset, _input.Length), hold.ObeyAsync);

        await AssertCancelledAsync(hold);
    }

    [Test]
    public async Task Run_ends_when_it_is_cancelled_while_a_write_is_pending([Values(0, Middle, int.MaxValue)] int offset)
    {
        Hold hold = new();
        _sink.At(Math.Min(offset, _output.Length), hold.ObeyAsync);

        await AssertCancelledAsync(hold);
    }

    [Test]
    public async Task Run_ends_when_it_is_cancelled_though_no_stream_cares([Values] bool bySource)
    {
        using CancellationTokenSource cancellation = new();
        ((WatchedStream)(bySource ? _source : _sink)).At(Middle, _ => cancellation.CancelAsync());

        var thrown = (await Assert.CatchAsync<OperationCanceledException>(() => RunAsync(cancellation.Token)))!;

        Assert.That(thrown.CancellationToken, Is.EqualTo(cancellation.Token));
        AssertNoSuccess();
    }

    [Test]
    public async Task Run_waits_for_a_read_that_does_not_end_though_the_destination_has_failed([Values] bool failsAtBeingCancelled)
    {
        var overlaps = _options.MaxDegreeOfParallelism > 1; // in turn, nothing is read while there is something to write
        var ahead = overlaps ? 150_000 : 1_000_000;         // within what is read ahead, or beyond it
        Hold read = new();
        Hold write = new();
        Fault fault = new();
        _source.At(ahead, async token =>
        {
            using var cancelled = token.Register(() => _ = failsAtBeingCancelled ? throw new Fault() : 0);
            await read.IgnoreAsync(token);
        });
        _sink.At(1000, async token =>
        {
            await write.IgnoreAsync(token);
            throw fault;
        });

        var run = RunAsync();
        await write.Reached;
        if (overlaps)
        {
            await read.Reached;
            write.Release();
            await AssertNotOverAsync(run, _source);
            read.Release();
        }
        else
        {
            write.Release();
        }

        Assert.That(await Assert.CatchAsync(() => run), Is.SameAs(fault));
        Assert.That(_source.BytesRead, overlaps ? Is.GreaterThanOrEqualTo(ahead) : Is.LessThan(ahead));
    }

    [Test]
    public async Task Run_waits_for_a_write_that_does_not_end_though_the_source_has_failed()
    {
        Hold write = new();
        Fault fault = new();
        _sink.At(1000, write.IgnoreAsync);
        _source.At(1_000_000, fault);

        var run = RunAsync();
        await write.Reached;
        await AssertNotOverAsync(run, _sink);
        write.Release();

        Assert.That(await Assert.CatchAsync(() => run), Is.SameAs(fault));
        AssertNoSuccess();
    }

    private static async Task OthersAsync()
    {
        for (var i = 0; i < 200; i++)
        {
            await Task.Yield();
        }
    }

    private static async Task AssertNotOverAsync(Task run, WatchedStream pending)
    {
        await OthersAsync();
        Assert.That((run.IsCompleted, pending.UnderWay), Is.EqualTo((false, 1)), "a buffer is still in the stream's hands");
    }

    private Task RunAsync(CancellationToken cancellationToken = default) => _encrypts
        ? Streamed.EncryptAsync(_source, _sink, _options, cancellationToken: cancellationToken)
        : Streamed.DecryptAsync(_source, _sink, _options, cancellationToken);

    private async Task AssertFailsWithAsync(Exception fault)
    {
        Assert.That(await Assert.CatchAsync(() => RunAsync()), Is.SameAs(fault), "its own exception, and not another around it");
        AssertNoSuccess();
    }

    private async Task AssertCancelledAsync(Hold hold)
    {
        using CancellationTokenSource cancellation = new();
        var run = RunAsync(cancellation.Token);
        await hold.Reached;

        await cancellation.CancelAsync();

        var thrown = (await Assert.CatchAsync<OperationCanceledException>(() => run))!;
        Assert.That(thrown.CancellationToken, Is.EqualTo(cancellation.Token), "the caller's");
        AssertNoSuccess();
    }

    private void AssertNoSuccess()
    {
        Assert.That(_output.AsSpan().StartsWith(_sink.Content), "nothing was written that is not true");
        Assert.That(_sink.Flushes, Is.Empty);
    }

    private void Note(object? sender, UnobservedTaskExceptionEventArgs e)
    {
        lock (_unobserved)
        {
            _unobserved.AddRange(e.Exception.Flatten().InnerExceptions.Where(exception => exception.Message == Own));
        }
    }

    private sealed class Fault() : IOException(Own);
}
