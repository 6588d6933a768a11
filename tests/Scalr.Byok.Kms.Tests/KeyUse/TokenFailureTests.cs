using LocalAws;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.Tests.KeyUse.KeyUseWorld;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>
/// The host's own tokens fail while a ring is in use: the customer is not told anything, no key is erased, and health blames the host.
/// </summary>
[CancelAfter(120_000)]
[Category("Slow")]
internal sealed class TokenFailureTests
{
    [TestCase("expired")]
    [TestCase("garbage")]
    [TestCase("wrong signature")]
    [TestCase("issuer out")]
    [TestCase("issuer out of AWS's reach")]
    public async Task Tokens_that_fail_erase_nothing_and_make_health_unhealthy_until_they_are_good_again(string what)
    {
        await using var world = await StartAsync(
            ByokCredentialSettings.OidcType,
            o => (o.Resilience.BreakerMinimumThroughput, o.Resilience.BreakerSamplingDuration) = (2, TimeSpan.FromHours(1)));
        var (message, value) = (await world.StartUseAsync(UseKind.DecryptMessage), await world.StartUseAsync(UseKind.DecryptValue));
        var good = world.World.GetToken;
        var fault = what == "issuer out of AWS's reach"
            ? world.Aws.Faults.Add(Fault.Error("IDPCommunicationError") with { Service = "sts" })
            : null;
        world.World.GetToken = (request, token) => what switch
        {
            "expired" => new(world.World.Token(request.Audience, ByokWorld.Subject, TimeSpan.FromMinutes(-20))),
            "garbage" => new("no-token-at-all"),
            "wrong signature" => new(world.World.Token(request.Audience, ByokWorld.Subject, wrongSignature: true)),
            "issuer out" => throw new HttpRequestException("The issuer is out."),
            _ => good(request, token),
        };

        await world.DemandUseAsync(RoleCheck + Interval, TimeSpan.FromSeconds(10), message, value);
        var health = await world.Ring.ProbeAsync();

        Assert.That((health.Status, health.Reason), Is.EqualTo((HealthStatus.Unhealthy, default(ByokKeyUnavailableReason?))));
        Assert.That(
            (health.Findings[0].Code, health.Findings[0].Owner), Is.EqualTo((ByokKeyFindingCode.HostAtFault, ByokKeyFindingOwner.Host)));
        Assert.That(world.World.Logs.Entries, Has.None.Contains("data keys are erased"));
        world.World.GetToken = good;
        if (fault is not null)
        {
            world.Aws.Faults.Remove(fault);
        }

        await world.PassAsync(Interval);
        Assert.That((await world.Ring.ProbeAsync()).Status, Is.Not.EqualTo(HealthStatus.Unhealthy), "health asks by itself");
        await message.OnceAsync();
    }
}
