using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>A message whose data key is encrypted under several keys of the ring, none of which opens it.</summary>
internal sealed class SeveralKeysTests
{
    [Test]
    public async Task A_denial_is_reported_although_another_key_rejects_the_message([Values] bool isDeniedFirst, [Values] bool isCached)
    {
        await using var change = await KeyChange.StartAsync();
        var message = await change.EncryptOldAsync([1]);
        LocalKey[] keys = isDeniedFirst ? [change.OldKey, change.NewKey] : [change.NewKey, change.OldKey];
        message = await change.WrapAsync(message, await change.OpenDataKeyAsync(message, change.OldKey), keys);
        change.OldKey.Disable();
        change.World.Aws.Faults.Add(Fault.Error("InvalidCiphertextException") with { Key = change.NewKey.Arn });

        var ring = change.Ring(options => options.DataKeyCache.MaxAge = isCached ? TimeSpan.FromMinutes(5) : TimeSpan.Zero);

        var thrown = await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.DecryptAsync(message));

        Assert.That(change.Calls, Is.EqualTo(keys.Select(key => $"Decrypt {key.Arn}")));
        Assert.That(
            (thrown!.KeyArn.ToString(), thrown.Reason), Is.EqualTo((change.OldKey.Arn, ByokKeyUnavailableReason.KeyDisabled)));
    }
}
