using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>What reads or writes a stream or a pipe, with the use of its data key.</summary>
internal readonly record struct InUse<T>(T Work, StreamUse Use) : IDisposable
    where T : class, IDisposable
{
    public static InUse<T> Begin(StreamUse use, Func<T> begin)
    {
        try
        {
            return new InUse<T>(begin(), use);
        }
        catch
        {
            use.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Work.Dispose();
        Use.Dispose();
    }
}
