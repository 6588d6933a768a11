using System.Data.Common;
using System.Globalization;
using System.Net.Mime;
using System.Text;

namespace WebHost.Webhooks;

/// <summary>Sends messages that are due, and repeats failed ones.</summary>
/// <param name="store">The messages.</param>
/// <param name="client">The connection to customers' addresses.</param>
/// <param name="options">How often messages are looked for.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
public sealed partial class WebhookSender(
    WebhookStore store, WebhookClient client, Moves.MoveOptions options, TimeProvider time, ILogger<WebhookSender> logger)
    : BackgroundService
{
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.PollInterval);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                while (await store.ClaimAsync(stoppingToken) is { } due)
                {
                    var (isDelivered, status) = await SendAsync(due.Delivery, due.Url, due.Secret, stoppingToken);
                    await store.EndAsync(due.Delivery, status, isDelivered, stoppingToken);
                }
            }
            catch (DbException e)
            {
                LogFailure(e); // the database is away
            }
        }
    }

    private async Task<(bool IsDelivered, string Status)> SendAsync(
        WebhookDelivery delivery, string url, string secret, CancellationToken stop)
    {
        var now = time.GetUtcNow().ToUnixTimeSeconds();
        using var request = new HttpRequestMessage(HttpMethod.Post, url)
        {
            Content = new StringContent(delivery.Payload, Encoding.UTF8, MediaTypeNames.Application.Json),
        };
        request.Headers.Add("webhook-id", delivery.Id);
        request.Headers.Add("webhook-timestamp", now.ToString(CultureInfo.InvariantCulture));
        request.Headers.Add("webhook-signature", WebhookSignature.Sign(secret, delivery.Id, now, delivery.Payload));
        try
        {
            using var answer = await client.SendAsync(request, stop);
            return (answer.IsSuccessStatusCode, $"The address answered {(int)answer.StatusCode}.");
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !stop.IsCancellationRequested)
        {
            return (false, "The address did not answer."); // no detail: it could describe the host's network
        }
    }

    [LoggerMessage(1, LogLevel.Error, "Webhook messages cannot be read or stored")]
    private partial void LogFailure(Exception exception);
}
