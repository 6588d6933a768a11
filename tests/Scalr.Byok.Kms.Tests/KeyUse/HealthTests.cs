using LocalAws;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Scalr.Byok.Kms.Tests.Health;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.Tests.KeyUse.KeyUseWorld;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>Health and use agree: a denial of an action shows, and failures of kms:DescribeKey reaches no use.</summary>
[CancelAfter(120_000)]
internal sealed class HealthTests
{
    private static readonly byte[] Plaintext = new byte[10];

    [Test]
    public async Task Probing_reports_a_denied_action_until_AWS_accepts_it_again(
        [ValueSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))] string type,
        [Values("kms:Decrypt", "kms:Encrypt")] string action)
    {
        await using var world = await StartAsync(type);
        var host = new HealthHost(world.World, Configure).Add("", type).Check();
        var ring = host.Provider.GetRequiredService<IByokKeyRing>();
        var message = await ring.EncryptAsync(Plaintext, Context);
        await ring.DecryptAsync(message, Context);
        Assert.That((await host.RunAsync()).Status, Is.EqualTo(HealthStatus.Healthy));
        world.Allow(action == "kms:Decrypt" ? "kms:Encrypt" : "kms:Decrypt", "kms:DescribeKey");
        await world.PassAsync(Interval);
        await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await CallAsync(ring, action, message));

        var denied = await ring.ProbeAsync();

        Assert.That(
            (denied.Status == HealthStatus.Healthy, denied.Reason),
            Is.EqualTo((false, (ByokKeyUnavailableReason?)ByokKeyUnavailableReason.AccessDenied)));
        await world.PassAsync(Interval);
        Assert.That((await host.RunAsync()).Status, Is.Not.EqualTo(HealthStatus.Healthy), "still denied");
        world.Allow("kms:Encrypt", "kms:Decrypt", "kms:DescribeKey");
        await world.PassAsync(2 * Interval);
        await host.RunAsync();
        await world.SettleAsync();
        await world.PassAsync(Interval);
        Assert.That((await host.RunAsync()).Status, Is.EqualTo(HealthStatus.Healthy), "without any call");
        Assert.That((await ring.ProbeAsync()).Status, Is.EqualTo(HealthStatus.Healthy));
    }

    [Test]
    public async Task Probing_asks_about_the_denied_action_although_the_other_one_is_being_confirmed()
    {
        await using var world = await StartAsync("AccessKeys");
        var use = await world.StartUseAsync(UseKind.DecryptMessage);
        world.Allow("kms:Decrypt", "kms:DescribeKey");
        await Assert.ThrowsAsync<ByokKeyUnavailableException>(() => CallAsync(world.Ring, "kms:Encrypt", []));
        Assert.That((await world.Ring.ProbeAsync()).Status, Is.Not.EqualTo(HealthStatus.Healthy));
        world.Allow("kms:Encrypt", "kms:Decrypt", "kms:DescribeKey");
        await world.PassAsync(2 * Interval);
        var release = new TaskCompletionSource();
        world.Aws.Faults.Add(Fault.Hold(release.Task) with { Operation = "Decrypt" });
        var (reads, probes) = (world.Count("Decrypt"), world.Count("DescribeKey"));
        var reading = use.AtOnceAsync();
        await world.World.ReceivedAsync("Decrypt", reads + 1);
        var limits = world.World.Clock.LimitsUpTo(TotalTimeout);

        var probing = world.Ring.ProbeAsync();
        await world.World.ReceivedAsync("DescribeKey", probes + 1);
        await ByokWorld.UntilAsync(() => world.World.Clock.LimitsUpTo(TotalTimeout) == limits, "no answer to DescribeKey");
        release.SetResult();

        Assert.That((await probing).Status, Is.EqualTo(HealthStatus.Healthy));
        await reading;
    }

    [Test]
    public async Task Probing_asks_for_a_session_once_per_interval_while_the_hosts_tokens_fail()
    {
        await using var world = await StartAsync("Oidc", o => o.DataKeyCache.MaxAge = TimeSpan.FromHours(1));
        var use = await world.StartUseAsync(UseKind.DecryptMessage);
        var asked = 0;
        world.World.GetToken = (_, _) =>
        {
            asked++;
            return new("no-token-at-all");
        };
        await world.PassAsync(RoleCheck);
        await use.OnceAsync();
        Assert.That(asked, Is.EqualTo(1), "the role is due");

        await world.Ring.ProbeAsync();
        await world.Ring.ProbeAsync();
        Assert.That(asked, Is.EqualTo(2));
        await world.PassAsync(Interval);
        await world.Ring.ProbeAsync();

        Assert.That(asked, Is.EqualTo(3));
    }

    public static IEnumerable<TestCaseData> Troubles() =>
        from trouble in ((string Name, Fault Fault)[])
        [
            ("answers 500", Fault.Error("InternalFailure", 500)),
            ("lacks fields", Fault.Body(200, "application/x-amz-json-1.1", """{"KeyMetadata":{"KeyId":"x"}}""")),
        ]
        select new TestCaseData(trouble.Fault with { Operation = "DescribeKey" }).SetArgDisplayNames(trouble.Name);

    [TestCaseSource(nameof(Troubles))]
    public async Task Using_a_key_goes_on_while_DescribeKey_is_out(Fault fault)
    {
        await using var world = await StartAsync("AccessKeys", o => o.Resilience.BreakerMinimumThroughput = 4);
        Use read = await world.StartUseAsync(UseKind.DecryptMessage), value = await world.StartUseAsync(UseKind.DecryptValue);
        world.Aws.Faults.Add(fault);

        for (var i = 0; i < 2 * MaxAge.TotalSeconds; i += 5)
        {
            await world.PassAsync(TimeSpan.FromSeconds(5));
            await ProbeAsync(world.Ring);
            await value.OnceAsync();
            await read.OnceAsync();
            Assert.That(await world.Ring.EncryptAsync(Plaintext, new Dictionary<string, string> { ["record"] = $"{i}" }), Is.Not.Empty);
        }
    }

    private static async Task ProbeAsync(IByokKeyRing ring)
    {
        try
        {
            Assert.That((await ring.ProbeAsync()).KeyState, Is.Not.EqualTo(KmsKeyState.Enabled), "the state cannot be known");
        }
        catch (ByokServiceException)
        {
            // What a probe says in an outage is tested elsewhere.
        }
    }

    private static async Task CallAsync(IByokKeyRing ring, string action, byte[] message)
    {
        if (action == "kms:Decrypt")
        {
            await ring.DecryptAsync(message, Context);
        }
        else
        {
            await ring.EncryptAsync(Plaintext, new Dictionary<string, string> { ["record"] = "new" });
        }
    }
}
