using Microsoft.AspNetCore.Connections;

namespace LocalAws;

/// <summary>The number of TCP connections that clients have opened to the server, and of those that are still open.</summary>
public sealed class Connections
{
    private int _accepted;
    private int _open;

    internal Connections()
    {
    }

    /// <summary>The number of connections since the start.</summary>
    public int Accepted => Volatile.Read(ref _accepted);

    /// <summary>The number of open connections. The server notices a moment later that a client has closed one.</summary>
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
