using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Scalr.Byok.Kms.Tests.World;

/// <summary>Listens on loopback, keeps the head of every request as text, and answers each with the same text.</summary>
internal sealed class RecordingListener : IAsyncDisposable
{
    private const string End = "\r\n\r\n";
    private const string Length = "Content-Length:";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly byte[] _answer;
    private readonly Task _serving;

    /// <param name="answer">What each request gets; by default an HTTP 500.</param>
    public RecordingListener(string answer = "HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    {
        _answer = Encoding.UTF8.GetBytes(answer);
        _listener.Start();
        _serving = ServeAsync();
    }

    public Uri Address => new($"http://{_listener.LocalEndpoint}");

    /// <summary>The heads so far: request line and headers.</summary>
    public ConcurrentQueue<string> Heads { get; } = new();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _serving;
        _stop.Dispose();
    }

    private async Task ServeAsync()
    {
        List<Task> connections = [];
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                // Beside each other: a client may open a connection that it never uses.
                connections.Add(ServeOneAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
            catch (Exception e) when (IsEnd(e))
            {
                // Disposed, or the client has gone before it was served.
            }
        }

        await Task.WhenAll(connections);
    }

    private async Task ServeOneAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                await AnswerAsync(client.GetStream());
            }
            catch (Exception e) when (IsEnd(e))
            {
                // The next request comes on another connection.
            }
        }
    }

    private async Task AnswerAsync(NetworkStream stream)
    {
        var (request, buffer) = (new StringBuilder(), new byte[4096]);
        while (!IsWhole(request.ToString()) && await stream.ReadAsync(buffer, _stop.Token) is var read && read > 0)
        {
            request.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }

        if (request.Length == 0)
        {
            return;
        }

        Heads.Enqueue(request.ToString().Split(End)[0]);
        await stream.WriteAsync(_answer, _stop.Token);
    }

    /// <summary>Disposed, or the client has gone.</summary>
    private static bool IsEnd(Exception e) =>
        e is OperationCanceledException or SocketException or IOException or InvalidOperationException;

    /// <summary>With its body: a connection that is closed before the body was read may lose the answer.</summary>
    private static bool IsWhole(string request)
    {
        var end = request.IndexOf(End, StringComparison.Ordinal);
        if (end < 0)
        {
            return false;
        }

        var length = request[..end].Split("\r\n").FirstOrDefault(line => line.StartsWith(Length, StringComparison.OrdinalIgnoreCase));
        return request.Length >= end + End.Length + (length is null ? 0 : int.Parse(length[Length.Length..], CultureInfo.InvariantCulture));
    }
}
