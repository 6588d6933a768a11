using LocalAws;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.Tests.KeyUse.KeyUseWorld;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>
/// AWS STS, or the host's own identity, is out, and AWS KMS answers: sessions stay in use until they expire, and AWS KMS's denials are
/// obeyed as ever.
/// </summary>
[CancelAfter(120_000)]
[Category("Slow")]
internal sealed class StsOutageTests
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(10);

    public static IEnumerable<TestCaseData> Outages() =>
        from outage in ((string Type, string Name, Action<KeyUseWorld> Begin)[])
        [
            ("AssumeRole", "STS answers 500", world => world.BreakSts()),
            ("AssumeRole", "STS throttles", world => world.Aws.Faults.Add(Fault.Error("ThrottlingException") with { Service = "sts" })),
            ("Oidc", "STS answers 500", world => world.BreakSts()),
            ("Oidc", "no token", world => world.World.GetToken = (_, _) => throw new HttpRequestException("The issuer is out.")),
            ("Oidc", "tokens have expired", world => world.World.GetToken = (request, _) =>
                new(world.World.Token(request.Audience, ByokWorld.Subject, TimeSpan.FromMinutes(-20)))),
            ("Oidc", "tokens have wrong signatures", world => world.World.GetToken = (request, _) =>
                new(world.World.Token(request.Audience, ByokWorld.Subject, wrongSignature: true))),
        ]
        from kind in (UseKind[])[UseKind.DecryptMessage, UseKind.EncryptMessage, UseKind.DecryptValue, UseKind.DecryptStream]
        from schedule in (Schedule[])[Schedule.Busy(Interval, 5), Schedule.Idle(Interval)]
        select new TestCaseData(outage.Type, outage.Begin, kind, schedule)
            .SetArgDisplayNames(outage.Type, outage.Name, kind.ToString(), schedule.Name);

    [TestCaseSource(nameof(Outages))]
    public async Task Disabling_the_key_ends_every_use_although_STS_is_out(
        string type, Action<KeyUseWorld> begin, UseKind kind, Schedule schedule)
    {
        await using var world = await StartAsync(type, o => o.RoleCheckInterval = Short);
        var use = await world.StartUseAsync(kind);
        begin(world);

        await world.DemandEndAsync(use, schedule, world.World.Key.Disable, Interval, ByokKeyUnavailableReason.KeyDisabled);
    }

    [Test]
    public async Task Calls_of_AWS_KMS_succeed_while_STS_is_out(
        [ValueSource(typeof(KeyUseWorld), nameof(Roles))] string type, [Values] bool isThrottled)
    {
        await using var world = await StartAsync(type, o => (o.RoleCheckInterval, o.Resilience.BreakerMinimumThroughput) = (Short, 4));
        var use = await world.StartUseAsync(UseKind.DecryptMessage);
        var fault = isThrottled ? Fault.Error("ThrottlingException") : Fault.Error("InternalFailure", 500);
        world.Aws.Faults.Add(fault with { Service = "sts" });

        for (var i = 0; i < 15; i++)
        {
            await world.PassAsync(TimeSpan.FromSeconds(9));
            await use.OnceAsync();
            Assert.That(await world.Ring.EncryptAsync(new byte[10], new Dictionary<string, string> { ["record"] = $"{i}" }), Is.Not.Empty);
        }
    }
}
