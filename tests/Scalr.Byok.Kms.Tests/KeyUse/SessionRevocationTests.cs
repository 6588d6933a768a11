using LocalAws;
using static Scalr.Byok.Kms.Tests.KeyUse.KeyUseWorld;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>
/// The customer revokes the active sessions of a role that still trusts the host: a new session takes the place of the denied one.
/// </summary>
[CancelAfter(120_000)]
[Category("Slow")]
internal sealed class SessionRevocationTests
{
    public static IEnumerable<TestCaseData> Cases() =>
        from type in Roles
        from kind in Enum.GetValues<UseKind>()
        where type == Roles[0] || kind is UseKind.DecryptMessage or UseKind.DecryptValue
        select new TestCaseData(type, kind);

    [TestCaseSource(nameof(Cases))]
    public async Task Using_a_key_goes_on_with_a_new_session(string type, UseKind kind)
    {
        await using var world = await StartAsync(type);
        var use = await world.StartUseAsync(kind);
        await world.PassAsync(2 * Interval); // the session is no longer new
        world.World.AssumedRole.RevokeSessions();
        world.World.OidcRole.RevokeSessions();

        await world.DemandUseAsync(3 * Interval, TimeSpan.FromSeconds(5), use);

        Assert.That(
            world.Aws.Log.Requests.Count(request => request is { Service: "sts", ErrorCode: null }),
            Is.EqualTo(2), "one session after the other");
        Assert.That(world.Aws.Log.Requests[^1].ErrorCode, Is.Null);
    }

    [Test]
    public async Task A_replica_that_stands_in_gets_a_new_session([Values("AssumeRole", "Oidc")] string type)
    {
        await using var world = await StartAsync(type, hasReplica: true);
        await world.Ring.ProbeAsync(); // each Region has a session
        await world.PassAsync(2 * Interval);
        world.World.AssumedRole.RevokeSessions();
        world.World.OidcRole.RevokeSessions();
        world.Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Region = Home, Service = "kms" });

        var message = await world.Ring.EncryptAsync(new byte[10], Context);

        Assert.That(await world.Ring.DecryptAsync(message), Is.EqualTo(new byte[10]));
    }

    [Test]
    public async Task A_replica_that_is_not_granted_costs_one_new_session_a_minute_at_most()
    {
        await using var world = await StartAsync("AssumeRole", o => o.RoleCheckInterval = TimeSpan.FromHours(1), hasReplica: true);
        world.Allow("kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"); // on the primary only
        await world.Ring.ProbeAsync();
        await world.PassAsync(2 * Interval);
        world.Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Region = Home, Service = "kms" });
        world.Aws.Log.Clear();

        for (var minute = 0; minute < 3; minute++)
        {
            for (var i = 0; i < 20; i++)
            {
                await Assert.ThrowsAsync<ByokServiceException>(async () => await world.Ring.EncryptAsync(new byte[10], Context));
            }

            await world.PassAsync(Interval);
        }

        Assert.That(world.Aws.Log.Requests.Count(request => request.Operation == "AssumeRole" && request.Region == Away), Is.EqualTo(3));
    }
}
