using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>Revocations on real time with small numbers, against the clock of AWS's request log.</summary>
[Parallelizable(ParallelScope.All)]
[CancelAfter(120_000)]
[Category("Slow")]
internal sealed class RealTimeTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RoleCheck = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(12); // the machine is busy
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(60); // so that nothing ends for its age
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private static readonly byte[] Plaintext = "db password"u8.ToArray();

    public static IEnumerable<TestCaseData> Revocations() =>
        from type in ByokWorld.CredentialTypes
        from change in ((string Name, TimeSpan Limit, Action<ByokWorld> Revoke)[])
        [
            ("key disabled", Interval, world => world.Key.Disable()),
            ("no trust", RoleCheck, world =>
            {
                world.AssumedRole.TrustPolicy = Policies.AssumeRoleTrust("999988887777", ByokWorld.ExternalId);
                world.OidcRole.TrustPolicy = Policies.OidcTrust(ByokWorld.CustomerAccount, "scalr.io", ByokWorld.Audience, "account:other");
            }),
        ]
        where type != "AccessKeys" || change.Name != "no trust"
        select new TestCaseData(type, change.Limit, change.Revoke).SetArgDisplayNames(type, change.Name);

    [TestCaseSource(nameof(Revocations))]
    public async Task Using_a_key_all_the_time_ends_within_the_limit(string type, TimeSpan limit, Action<ByokWorld> revoke)
    {
        await using var world = await StartAsync();
        var ring = Ring(world, type);
        var message = await ring.EncryptAsync(Plaintext);
        using var key = await ring.CreateDataKeyAsync();
        var value = key.Encrypt(Plaintext);
        await ring.DecryptAsync(message);
        revoke(world);
        var revoked = DateTimeOffset.UtcNow;

        var messageEnded = await LastAsync(async () => Assert.That(await ring.DecryptAsync(message), Is.EqualTo(Plaintext)));
        var valueEnded = await LastAsync(() =>
        {
            Assert.That(key.Decrypt(value), Is.EqualTo(Plaintext));
            return Task.CompletedTask;
        });

        Assert.That(messageEnded - revoked, Is.LessThanOrEqualTo(limit + Margin));
        Assert.That(valueEnded - revoked, Is.LessThanOrEqualTo(limit + Margin));
        var denied = world.Aws.Log.Requests.First(request => request.ErrorCode is not null);
        Assert.That(denied.Time - revoked, Is.LessThanOrEqualTo(limit + Margin));
    }

    [TestCaseSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))]
    public async Task Using_a_key_after_a_pause_is_denied_at_once(string type)
    {
        await using var world = await StartAsync();
        var ring = Ring(world, type);
        var message = await ring.EncryptAsync(Plaintext);
        await ring.DecryptAsync(message);
        world.Key.Disable();
        using var pause = new PeriodicTimer(Interval * 1.2);
        await pause.WaitForNextTickAsync();

        var denial = await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.DecryptAsync(message));

        Assert.That(denial!.Reason, Is.EqualTo(ByokKeyUnavailableReason.KeyDisabled));
    }

    private static Task<ByokWorld> StartAsync() => ByokWorld.StartAsync(host: TimeProvider.System, aws: TimeProvider.System);

    private static IByokKeyRing Ring(ByokWorld world, string type) => world.Ring(type, options: o =>
    {
        o.DataKeyCache.MaxAge = MaxAge;
        o.ConfirmationInterval = Interval;
        o.RoleCheckInterval = RoleCheck;
        (o.Resilience.AttemptTimeout, o.Resilience.TotalTimeout) = (Limit, Limit); // no test of time limits
    });

    /// <summary>Uses a key until the customer's denial.</summary>
    /// <returns>When the last use that took place began.</returns>
    private static async Task<DateTimeOffset> LastAsync(Func<Task> use)
    {
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        var last = DateTimeOffset.MinValue;
        var start = TimeProvider.System.GetTimestamp();
        for (; TimeProvider.System.GetElapsedTime(start) < Limit; await pace.WaitForNextTickAsync())
        {
            var begun = DateTimeOffset.UtcNow;
            try
            {
                await use();
                last = begun;
            }
            catch (ByokServiceException e) when (e.IsTransient)
            {
                // A synchronous use waits for a confirmation.
            }
            catch (ByokKeyUnavailableException)
            {
                return last;
            }
        }

        throw new AssertionException("The key was never denied.");
    }
}
