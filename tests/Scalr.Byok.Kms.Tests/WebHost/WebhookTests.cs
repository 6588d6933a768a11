using System.Net;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using WebHost.Webhooks;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>The signed messages to a customer's address.</summary>
internal sealed class WebhookTests
{
    /// <summary>The example of the libraries of Standard Webhooks.</summary>
    [Test]
    public void The_signature_is_that_of_Standard_Webhooks() =>
        Assert.That(
            WebhookSignature.Sign(
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{\"test\": 2432232314}"),
            Is.EqualTo("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));

    [TestCase("8.8.8.8", true)]
    [TestCase("2600:1f18::1", true)]
    [TestCase("127.0.0.1", false)]
    [TestCase("10.1.2.3", false)]
    [TestCase("172.20.0.1", false)]
    [TestCase("192.168.1.1", false)]
    [TestCase("169.254.169.254", false)]
    [TestCase("100.64.0.1", false)]
    [TestCase("0.0.0.0", false)]
    [TestCase("::1", false)]
    [TestCase("fd00::1", false)]
    [TestCase("fe80::1", false)]
    [TestCase("::ffff:10.0.0.1", false)]
    [TestCase("2002:a00:1::", false)]
    public void Messages_go_to_public_addresses(string address, bool isPublic) =>
        Assert.That(WebhookClient.IsPublic(IPAddress.Parse(address)), Is.EqualTo(isPublic));

    [Test]
    public async Task A_denied_key_is_reported_with_a_signature_that_the_shown_secret_verifies()
    {
        var received = Channel.CreateUnbounded<(string Id, long Timestamp, string Signature, string Body)>();
        await using var receiver = await ReceiveAsync(received.Writer);
        await using var world = await WebHostWorld.StartAsync("--Byok:KeyEvents:HoldTime", "00:00:00");
        var customer = await Customer.SignInAsync(world);
        await customer.MoveAsync("Enable");
        var page = await customer.Browser.PostAsync(
            "/Encryption", "/Encryption?handler=Webhook", ("url", receiver.Urls.Single()));
        var secret = page.TextOf("webhook-secret");

        customer.Key.Disable();
        await customer.Browser.GetAsync("/api/variables");
        var (id, timestamp, signature, body) = await received.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromMinutes(1));

        Assert.That(signature, Is.EqualTo(WebhookSignature.Sign(secret, id, timestamp, body)));
        Assert.That((string?)JsonNode.Parse(body)!["type"], Is.EqualTo("key.denied"));
        Assert.That((string?)JsonNode.Parse(body)!["data"]!["keyArn"], Is.EqualTo(customer.Key.Arn));
        Assert.That((await customer.Browser.GetAsync("/Files")).Text, Does.Contain("id=\"key-banner\""));
    }

    private static async Task<WebApplication> ReceiveAsync(
        ChannelWriter<(string Id, long Timestamp, string Signature, string Body)> received)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.MapPost("/", async (HttpRequest request) =>
        {
            using var reader = new StreamReader(request.Body);
            var headers = request.Headers;
            await received.WriteAsync((
                headers["webhook-id"].ToString(),
                long.Parse(headers["webhook-timestamp"].ToString(), System.Globalization.CultureInfo.InvariantCulture),
                headers["webhook-signature"].ToString(),
                await reader.ReadToEndAsync()));
        });
        await app.StartAsync();
        return app;
    }
}
