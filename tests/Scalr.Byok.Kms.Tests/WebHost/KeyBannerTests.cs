using Microsoft.Extensions.DependencyInjection;
using WebHost.Events;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>The banner on the pages of an account whose key has a problem.</summary>
internal sealed class KeyBannerTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UtcNow;

    private WebHostWorld _world = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _world = await WebHostWorld.StartAsync();

    [OneTimeTearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [TestCase("Denied", "Denied")]
    [TestCase("Warned", "Warned")]
    [TestCase("Denied Warned", "Denied")]
    [TestCase("Warned Denied", "Denied")]
    [TestCase("Denied Warned Restored", null)]
    [TestCase("Denied Restored Warned", "Warned")]
    public async Task A_denial_comes_before_a_warning_and_a_restored_key_has_no_banner(string kinds, string? shown)
    {
        var customer = await Customer.AddAsync(_world);
        await customer.MoveAsync("Enable");

        var events = _world.Services.GetRequiredService<KeyEventStore>();
        foreach (var kind in kinds.Split(' ').Select(Enum.Parse<ByokKeyEventKind>))
        {
            await events.OnKeyEventAsync(EventOf(kind, customer), CancellationToken.None);
        }

        var page = await customer.Browser.GetAsync("/Files");
        Assert.That(page.Text.Contains("id=\"key-banner\"", StringComparison.Ordinal), Is.EqualTo(shown is not null));
        Assert.That(page.Text, shown is null ? Does.Not.Contain("The kind is") : Does.Contain($"The kind is {shown}."));
    }

    private static ByokKeyEvent EventOf(ByokKeyEventKind kind, Customer customer) => new()
    {
        Id = Guid.NewGuid().ToString(),
        Kind = kind,
        Tenant = customer.Tenant,
        KeyArn = KmsKeyArn.Parse(customer.Key.Arn),
        Code = nameof(ByokKeyUnavailableReason.KeyPendingDeletion),
        Owner = ByokKeyFindingOwner.Customer,
        Message = $"The kind is {kind}.",
        Remedy = "",
        Start = Start,
        Deadline = kind == ByokKeyEventKind.Warned ? Start + TimeSpan.FromDays(7) : null,
    };
}
