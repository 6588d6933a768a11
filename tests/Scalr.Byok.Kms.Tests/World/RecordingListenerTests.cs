using System.Net.Http;
using System.Net.Sockets;

namespace Scalr.Byok.Kms.Tests.World;

/// <summary>The listener answers as a server does, so that no test waits for ever on a clock that stands still.</summary>
internal sealed class RecordingListenerTests
{
    [Test]
    public async Task A_connection_without_a_request_delays_no_other()
    {
        await using RecordingListener listener = new("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        using TcpClient unused = new();
        await unused.ConnectAsync(listener.Address.Host, listener.Address.Port);
        using HttpClient http = new() { Timeout = TimeSpan.FromSeconds(30) };

        var answer = await http.GetStringAsync(listener.Address);

        Assert.That((answer, listener.Heads.Count), Is.EqualTo(("ok", 1)));
    }
}
