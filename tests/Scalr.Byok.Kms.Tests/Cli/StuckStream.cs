namespace Scalr.Byok.Kms.Tests.Cli;

/// <summary>A pipe whose writer goes quiet: reads block, whatever happens, once so much was read.</summary>
internal sealed class StuckStream(byte[] content, int end, Action stuck) : MemoryStream(content, writable: false)
{
    private readonly ManualResetEventSlim _never = new();

    public override int Read(byte[] buffer, int offset, int count)
    {
        if (Position >= end)
        {
            stuck();
            _never.Wait();
        }

        return base.Read(buffer, offset, (int)Math.Min(count, end - Position));
    }

    protected override void Dispose(bool disposing)
    {
        _never.Set();
        base.Dispose(disposing);
    }
}
