using System.Globalization;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using WebHost.Webhooks;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>The customer's address for messages, on loopback.</summary>
internal sealed class WebhookReceiver : IAsyncDisposable
{
    private readonly Channel<Message> _received = Channel.CreateUnbounded<Message>();
    private readonly WebApplication _app;

    private WebhookReceiver()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.Urls.Add("http://127.0.0.1:0");
        _app.MapPost("/", async (HttpRequest request) =>
        {
            using var reader = new StreamReader(request.Body);
            var headers = request.Headers;
            await _received.Writer.WriteAsync(new(
                headers["webhook-id"].ToString(),
                long.Parse(headers["webhook-timestamp"].ToString(), CultureInfo.InvariantCulture),
                headers["webhook-signature"].ToString(),
                await reader.ReadToEndAsync()));
        });
    }

    public string Address => _app.Urls.Single();

    public static async Task<WebhookReceiver> StartAsync()
    {
        var receiver = new WebhookReceiver();
        await receiver._app.StartAsync();
        return receiver;
    }

    /// <summary>The next message. Fails after a minute without one.</summary>
    public async Task<Message> ReadAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        return await _received.Reader.ReadAsync(limit.Token);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    /// <summary>What was received.</summary>
    internal sealed record Message(string Id, long Timestamp, string Signature, string Body)
    {
        public JsonNode Json => JsonNode.Parse(Body)!;

        public bool IsSignedWith(string secret) => Signature == WebhookSignature.Sign(secret, Id, Timestamp, Body);
    }
}
