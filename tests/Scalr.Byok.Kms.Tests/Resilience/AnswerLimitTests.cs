using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using LocalAws;
using Scalr.Byok.Kms.Resilience;
using Scalr.Byok.Kms.Tests.LocalAwsTests;

namespace Scalr.Byok.Kms.Tests.Resilience;

/// <summary>The bound on every answer's body, and what it leaves as it is.</summary>
[CancelAfter(30_000)]
internal sealed class AnswerLimitTests
{
    private const int MiB = 1 << 20;

    [Test]
    public async Task A_body_of_1_MiB_passes_and_a_longer_one_does_not([Values(200, 403)] int status, [Values] bool isChunked)
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        aws.Server.Faults.Add(Fault.LongBody(status, "text/plain", "", MiB, isChunked) with { Times = 1 });
        aws.Server.Faults.Add(Fault.LongBody(status, "text/plain", "", MiB + 1, isChunked) with { Times = 1 });
        using var http = Limited();

        Assert.That(await LengthAsync(http, aws.Server.Endpoint), Is.EqualTo(MiB));
        var thrown = await Assert.CatchAsync<Exception>(() => LengthAsync(http, aws.Server.Endpoint));

        Assert.That(AnswerTooLargeException.In(thrown), Is.Not.Null.And.Message.EqualTo("AWS answered with more than 1 MiB"));
    }

    [Test]
    public async Task A_length_beside_chunks_deceives_nobody()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var server = AnswerAsync(listener, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n");
        using var http = Limited();

        await Assert.ThrowsAsync<AnswerTooLargeException>(() => LengthAsync(http, new Uri($"http://{listener.LocalEndpoint}")));

        await server;
    }

    [TestCase(0)]
    [TestCase(10)]
    [TestCase(4096)]
    [TestCase(4097)]
    [TestCase(100_000)]
    public async Task A_proper_answer_passes_with_its_headers(int length)
    {
        foreach (var isChunked in new[] { false, true })
        {
            var bytes = RandomNumberGenerator.GetBytes(length);
            var body = new WatchedBody(bytes);
            var content = new StreamContent(body)
            {
                Headers = { { "Content-Type", "application/x-amz-json-1.1" }, { "x-amz-other", "value" } },
            };
            content.Headers.ContentLength = isChunked ? null : length;
            using var http = Limited(content);

            using var answer = await http.GetAsync(new Uri("http://aws"), HttpCompletionOption.ResponseHeadersRead);

            Assert.That(
                answer.Content.Headers.GetValues("x-amz-other").Concat([answer.Content.Headers.ContentType!.MediaType]),
                Is.EqualTo(["value", "application/x-amz-json-1.1"]));
            Assert.That(await answer.Content.ReadAsByteArrayAsync(), Is.EqualTo(bytes));
            Assert.That(body.IsClosed, Is.True, "gives the connection back");
        }
    }

    [Test]
    public async Task A_body_is_erased_when_it_is_done_with()
    {
        var bytes = new byte[] { 1, 2, 3, 4 };
        var content = new AnswerContent(bytes, 3);
        Assert.That(await content.ReadAsByteArrayAsync(), Is.EqualTo(new byte[] { 1, 2, 3 }));

        content.Dispose();

        Assert.That(bytes, Is.All.Zero);
    }

    [Test]
    public async Task A_length_of_more_than_1_MiB_is_refused_unread()
    {
        var body = new WatchedBody([]);
        using var http = Limited(new StreamContent(body) { Headers = { { "Content-Length", "1048577" } } });

        await Assert.ThrowsAsync<AnswerTooLargeException>(
            () => http.GetAsync(new Uri("http://aws"), HttpCompletionOption.ResponseHeadersRead));

        Assert.That((body.Reads, body.IsClosed), Is.EqualTo((0, true)));
    }

    [Test]
    public async Task A_body_that_stalls_ends_with_its_token([Values(200, 400)] int status)
    {
        var body = new WatchedBody(null);
        using var http = Limited(new StreamContent(body), (HttpStatusCode)status);
        using var patience = new CancellationTokenSource();
        var call = http.GetAsync(new Uri("http://aws"), HttpCompletionOption.ResponseHeadersRead, patience.Token);
        Assert.That((body.Reads, call.IsCompleted), Is.EqualTo((1, false)));

        await patience.CancelAsync();

        await Assert.CatchAsync<OperationCanceledException>(() => call);
        Assert.That(body.IsClosed, Is.True);
    }

    [Test]
    public async Task Connections_are_used_again_save_after_an_answer_that_is_too_long()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        using var http = Limited();
        async Task CallAsync(Fault? fault)
        {
            aws.Server.Faults.Clear();
            _ = fault is null ? null : aws.Server.Faults.Add(fault);
            await LengthAsync(http, aws.Server.Endpoint);
        }

        foreach (var isChunked in new[] { false, true })
        {
            await CallAsync(null);
            await CallAsync(Fault.LongBody(200, "text/plain", "", MiB, isChunked));
            await CallAsync(Fault.LongBody(403, "text/plain", "", MiB, isChunked));
        }

        Assert.That(aws.Server.Connections.Accepted, Is.EqualTo(1));
        await Assert.ThrowsAsync<AnswerTooLargeException>(
            () => CallAsync(Fault.LongBody(200, "text/plain", "", 1L << 30, isChunked: true)));
        await CallAsync(null);
        Assert.That(aws.Server.Connections.Accepted, Is.EqualTo(2));
    }

    [Test]
    public void Nothing_goes_past_the_limit_by_calling_it_synchronously()
    {
        using var http = Limited();
        using var request = new HttpRequestMessage(HttpMethod.Get, "http://127.0.0.1");

        Assert.That(() => http.Send(request), Throws.TypeOf<NotSupportedException>().With.Message.Contains("asynchronous"));
    }

    private static HttpClient Limited() => new(new AnswerLimit(new SocketsHttpHandler()));

    private static HttpClient Limited(HttpContent content, HttpStatusCode status = HttpStatusCode.OK) =>
        new(new AnswerLimit(new Answering(new HttpResponseMessage(status) { Content = content })));

    /// <summary>As the AWS SDK does it: head first, then the stream.</summary>
    private static async Task<long> LengthAsync(HttpClient http, Uri address)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new StringContent("Action=GetCallerIdentity") };
        using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await using var body = await answer.Content.ReadAsStreamAsync();
        var (length, buffer) = (0L, new byte[5000]);
        for (int read; (read = await body.ReadAsync(buffer)) > 0; length += read)
        {
        }

        return length;
    }

    /// <summary>The head, then chunks without end.</summary>
    private static async Task AnswerAsync(TcpListener listener, string head)
    {
        using var client = await listener.AcceptTcpClientAsync();
        var stream = client.GetStream();
        try
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(head));
            for (var chunk = Encoding.ASCII.GetBytes($"1000\r\n{new string('x', 0x1000)}\r\n"); ;)
            {
                await stream.WriteAsync(chunk);
            }
        }
        catch (IOException)
        {
            // The client has gone, as it should.
        }
    }

    private sealed class Answering(HttpResponseMessage answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(answer);
    }

    /// <summary>A body that counts how often it is read; null for one that never comes.</summary>
    private sealed class WatchedBody(byte[]? bytes) : MemoryStream(bytes ?? [])
    {
        public int Reads { get; private set; }

        public bool IsClosed { get; private set; }

        public override bool CanSeek => false;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Reads++;
            if (bytes is null)
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            return await base.ReadAsync(buffer, cancellationToken);
        }

        protected override void Dispose(bool disposing)
        {
            IsClosed = true;
            base.Dispose(disposing);
        }
    }
}
