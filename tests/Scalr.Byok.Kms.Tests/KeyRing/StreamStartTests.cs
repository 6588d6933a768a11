using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Resilience;
using Scalr.Byok.Kms.Tests.World;
using Use = Scalr.Byok.Kms.DataKeys.KeyUse;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>A denial that arrives after a stream has asked for its data key and before the stream begins.</summary>
internal sealed class StreamStartTests
{
    private static readonly byte[] Plaintext = [1];

    [TestCase(Use.Read)]
    [TestCase(Use.Write)]
    public async Task A_stream_whose_key_was_denied_meanwhile_does_not_begin_and_is_not_kept(object use)
    {
        await using var world = await ByokWorld.StartAsync();
        TenantHost host = new(world, options => options.DataKeyCache.MaxAge = TimeSpan.FromMinutes(5));
        host.Store["acme"] = world.Settings("AccessKeys");
        var ring = await host.GetAsync("acme");
        await ring.EncryptAsync(Plaintext);
        var keys = TenantHost.Inner(ring).Keys;
        Origin origin = new(ReadOnlyMemory<byte>.Empty, new Dictionary<string, string>(), new byte[1], Moment.Never);
        var began = keys.Clock.Mark();
        world.Key.Disable();
        await DeniedAsync("one");

        Assert.That(
            () => keys.BeginStream(keys.Current, (Use)use, origin, began),
            Throws.TypeOf<ByokKeyUnavailableException>().With.Property("Reason").EqualTo(ByokKeyUnavailableReason.KeyDisabled));

        world.Time.Advance(TimeSpan.FromSeconds(2)); // AWS is asked again, and denies again
        await DeniedAsync("another");
        Assert.That(world.Aws.Log.Count("Encrypt"), Is.EqualTo(3));
        Assert.That(world.Logs.Entries, Has.One.Contains("streams are stopped"), "the second denial found nothing to stop");

        async Task DeniedAsync(string record) => await Assert.ThrowsAsync<ByokKeyUnavailableException>(
            async () => await ring.EncryptAsync(Plaintext, new Dictionary<string, string> { ["record"] = record }));
    }
}
