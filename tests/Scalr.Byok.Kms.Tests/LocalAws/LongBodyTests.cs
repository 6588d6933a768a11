using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Http.Json;
using LocalAws;

namespace Scalr.Byok.Kms.Tests.LocalAwsTests;

/// <summary><see cref="Fault.LongBody"/>: every byte of it to who wants it, and none to who has gone.</summary>
[CancelAfter(30_000)]
internal sealed class LongBodyTests
{
    [Test]
    public async Task LongBody_sends_its_prefix_and_then_as_much_as_it_takes([Values] bool isChunked)
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var key = aws.Account.CreateKey(LocalAwsFixture.East1);
        aws.Server.Faults.Add(Fault.LongBody(503, "application/x-amz-json-1.1", """{"KeyId":"é""", 100_000, isChunked));
        using var http = new HttpClient();

        using var answer = await http.SendAsync(Unsigned(aws), HttpCompletionOption.ResponseHeadersRead);

        var (head, headers) = (answer.Headers, answer.Content.Headers);
        Assert.That(
            (answer.StatusCode, headers.ContentType?.MediaType),
            Is.EqualTo((HttpStatusCode.ServiceUnavailable, "application/x-amz-json-1.1")));
        Assert.That(
            (headers.ContentLength, head.TransferEncodingChunked), Is.EqualTo(isChunked ? ((long?)null, (bool?)true) : (100_000, null)));
        Assert.That(await answer.Content.ReadAsStringAsync(), Is.EqualTo("""{"KeyId":"é""" + new string('x', 100_000 - 12)));
        Assert.That(aws.Server.Log.Requests.Single().ErrorCode, Is.EqualTo("fault:LongBody"));

        using var kms = aws.Kms();
        Assert.That(() => kms.DisableKeyAsync(key.Arn), Throws.InstanceOf<Exception>());
        Assert.That(key.State, Is.EqualTo(LocalKeyState.Enabled), "nothing was done");
    }

    [Test]
    public async Task LongBody_ends_when_the_client_goes_away([Values] bool isChunked)
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        using var connections = new Connections(aws.Server.Endpoint.Port);
        aws.Server.Faults.Add(Fault.LongBody(200, "text/plain", "", long.MaxValue, isChunked));
        using (var http = new HttpClient())
        using (var answer = await http.SendAsync(Unsigned(aws), HttpCompletionOption.ResponseHeadersRead))
        {
            await (await answer.Content.ReadAsStreamAsync()).ReadExactlyAsync(new byte[1 << 20]);
            Assert.That(connections.Active, Is.EqualTo(1));
        }

        // Kestrel counts a connection until the answer on it has ended.
        while (connections.Active > 0)
        {
            await Task.Yield();
            TestContext.CurrentContext.CancellationToken.ThrowIfCancellationRequested();
        }
    }

    [Test]
    public void LongBody_is_at_least_its_prefix() =>
        Assert.That(() => Fault.LongBody(200, "text/plain", "four", 3), Throws.TypeOf<ArgumentOutOfRangeException>());

    [Test]
    public async Task The_control_API_knows_LongBody()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        using var http = new HttpClient();

        await http.PostAsync(
            new Uri(aws.Server.Endpoint, "/_local/faults"),
            JsonContent.Create(
                new { kind = "longBody", status = 403, contentType = "text/plain", body = "<", length = 5, chunked = true }));
        using var answer = await http.SendAsync(Unsigned(aws), HttpCompletionOption.ResponseHeadersRead);

        Assert.That((answer.StatusCode, answer.Headers.TransferEncodingChunked), Is.EqualTo((HttpStatusCode.Forbidden, true)));
        Assert.That(await answer.Content.ReadAsStringAsync(), Is.EqualTo("<xxxx"));
    }

    private static HttpRequestMessage Unsigned(LocalAwsFixture aws) =>
        new(HttpMethod.Post, aws.Server.Endpoint) { Content = new StringContent("Action=GetCallerIdentity") };

    /// <summary>The connections to a port that Kestrel counts as active.</summary>
    private sealed class Connections : IDisposable
    {
        private readonly MeterListener _listener = new();
        private long _active;

        public Connections(int port)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "kestrel.active_connections")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((_, change, tags, _) =>
            {
                foreach (var tag in tags)
                {
                    if (tag.Key == "server.port" && Equals(tag.Value, port))
                    {
                        Interlocked.Add(ref _active, change);
                    }
                }
            });
            _listener.Start();
        }

        public long Active => Interlocked.Read(ref _active);

        public void Dispose() => _listener.Dispose();
    }
}
