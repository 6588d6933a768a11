using System.IO.Pipelines;

namespace Scalr.Byok.Kms.Benchmarks;

/// <summary>The writing end of a pipe whose reader takes everything at once, without copying it.</summary>
internal sealed class FixedPipe(byte[] buffer) : PipeWriter
{
    private int _written;

    public override void Advance(int bytes) => _written += bytes;

    public override Memory<byte> GetMemory(int sizeHint = 0) => buffer.AsMemory(_written);

    public override Span<byte> GetSpan(int sizeHint = 0) => buffer.AsSpan(_written);

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => default;

    public override void CancelPendingFlush()
    {
    }

    public override void Complete(Exception? exception = null)
    {
    }
}
