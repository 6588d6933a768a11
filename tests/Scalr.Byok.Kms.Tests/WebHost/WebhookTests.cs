using System.Net;
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
        await using var receiver = await WebhookReceiver.StartAsync();
        await using var world = await WebHostWorld.StartAsync("--Byok:KeyEvents:HoldTime", "00:00:00");
        var customer = await Customer.SignInAsync(world);
        await customer.MoveAsync("Enable");
        var page = await customer.Browser.PostAsync(
            "/Encryption", "/Encryption?handler=Webhook", ("url", receiver.Address));
        var secret = page.TextOf("webhook-secret");

        customer.Key.Disable();
        await customer.Browser.GetAsync("/api/variables");
        var message = await receiver.ReadAsync();

        Assert.That(message.IsSignedWith(secret), Is.True);
        Assert.That((string?)message.Json["type"], Is.EqualTo("key.denied"));
        Assert.That((string?)message.Json["data"]!["keyArn"], Is.EqualTo(customer.Key.Arn));
        Assert.That((await customer.Browser.GetAsync("/Files")).Text, Does.Contain("id=\"key-banner\""));
    }
}
