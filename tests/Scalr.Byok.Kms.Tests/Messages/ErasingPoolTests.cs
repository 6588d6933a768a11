using System.Buffers;
using System.IO.Pipelines;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>The memory of the pipe that carries plaintext between two messages.</summary>
internal sealed class ErasingPoolTests
{
    [Test]
    public void Memory_is_as_long_as_was_asked_for_and_erased_at_its_end([Values(1, 100, 4096, 1_000_000)] int length)
    {
        var owner = ErasingPool.Instance.Rent(length);
        var memory = owner.Memory;
        memory.Span.Fill(7);

        owner.Dispose();
        owner.Dispose();

        Assert.That(memory.Length, Is.EqualTo(length));
        Assert.That(memory.Span.ContainsAnyExcept((byte)0), Is.False);
    }

    [Test]
    public async Task A_pipe_takes_all_its_memory_from_it_also_for_long_pieces()
    {
        Pipe pipe = new(new PipeOptions(ErasingPool.Instance, pauseWriterThreshold: 0));
        var memory = pipe.Writer.GetMemory(3_000_000);
        memory.Span.Fill(7);
        pipe.Writer.Advance(3_000_000);
        await pipe.Writer.FlushAsync();
        var read = await pipe.Reader.ReadAsync();

        pipe.Reader.AdvanceTo(read.Buffer.End);

        // Filled again by the next user of the shared pool, but this test's thread rents nothing in between.
        Assert.That(memory.Span.ContainsAnyExcept((byte)0), Is.False, "erased once it was consumed");
        await pipe.Writer.CompleteAsync();
        await pipe.Reader.CompleteAsync();
    }
}
