using Microsoft.AspNetCore.Connections;

namespace LocalAws;

/// <summary>How many TCP connections clients have opened to the server, and how many of them are there still.</summary>
public sealed class Connections
{
    private int _accepted;
    private int _open;

    internal Connections()
    {
    }

    /// <summary>All since the start.</summary>
    public int Accepted => Volatile.Read(ref _accepted);

    /// <summary>Those that neither side has closed, as far as the server knows: it learns a moment later that a client has gone.</summary>
    public int Open => Volatile.Read(ref _open);

    internal async Task CountAsync(ConnectionDelegate serve, ConnectionContext connection)
    {
        Interlocked.Increment(ref _accepted);
        Interlocked.Increment(ref _open);
        try
        {
            await serve(connection);
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }
}
