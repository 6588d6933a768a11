using static Scalr.Byok.Kms.Tests.KeyUse.KeyUseWorld;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>
/// The customer revokes the active sessions of a role that still trusts the host: a new session takes the place of the denied one.
/// </summary>
[CancelAfter(120_000)]
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
}
