using System.Text.Json;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.Tests.Events.EventWorld;

namespace Scalr.Byok.Kms.Tests.Events;

/// <summary>Denials, outages and their ends are reported once they have lasted, with what a host needs to inform the customer.</summary>
[CancelAfter(240_000)]
internal sealed class KeyEventTests
{
    private EventWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await EventWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task A_denial_and_its_end_are_reported_once_each()
    {
        var instance = await _world.AddAsync();
        _world.World.Key.Disable();
        await _world.UseAsync(TimeSpan.FromMinutes(2));
        var denied = await instance.Observer.NextAsync();
        var error = (ByokKeyUnavailableException)(await instance.UseAsync())!;
        _world.World.Key.Enable();
        await _world.UseAsync(TimeSpan.FromMinutes(3));
        var restored = await instance.Observer.NextAsync(2);

        Assert.That(instance.Observer.Seen, Is.EqualTo(RecordingObserver.List("Denied KeyDisabled", "Restored KeyDisabled")));
        Assert.That(
            (denied.Tenant, denied.KeyRing, denied.KeyArn, denied.Reason, denied.Owner),
            Is.EqualTo(((string?)null, "", error.KeyArn, ByokKeyUnavailableReason.KeyDisabled, ByokKeyFindingOwner.Customer)));
        Assert.That((denied.Message, denied.Remedy), Is.EqualTo(("The key is disabled.", error.Remedy)));
        Assert.That(_world.World.Logs.Entries, Has.Some.Contains($" 3: ").And.Some.Contains($"AWS request id {denied.RequestId}."));
        Assert.That(denied.Id, Does.Match("^[0-9a-f]{32}$").And.Not.EqualTo(restored.Id));
        Assert.That(
            instance.Observer.Times.Zip(instance.Observer.Events, (at, one) => at - one.Start), Is.All.GreaterThanOrEqualTo(HoldTime));
        Assert.That(restored.Message, Does.EndWith("can be used again."));
        Assert.That(denied.Deadline ?? restored.Deadline, Is.Null);
        Assert.That(restored.RequestId, Is.Null);
    }

    private static string[] Ends(string kind, string code) => [$"{kind} {code}", $"Restored {code}"];

    public static IEnumerable<TestCaseData> Reasons()
    {
        yield return Case("AccessKeys", ByokKeyUnavailableReason.KeyDisabled, world => world.Key.Disable());
        yield return Case("AccessKeys", ByokKeyUnavailableReason.KeyPendingDeletion, world => world.Key.ScheduleDeletion());
        yield return Case("AccessKeys", ByokKeyUnavailableReason.AccessDenied, world => world.User.Policy = null);
        yield return Case("AccessKeys", ByokKeyUnavailableReason.CredentialsRejected, world => world.AccessKey.Active = false);
        yield return Case("AccessKeys", ByokKeyUnavailableReason.KeyStateInvalid, world => world.Key.HoldIn("Creating"));
        yield return Case("AccessKeys", ByokKeyUnavailableReason.KeyMaterialMissing, world => world.Key.HoldIn("PendingImport"));
        yield return Case("AccessKeys", ByokKeyUnavailableReason.KeyStoreUnavailable, world => world.Key.HoldIn("Unavailable"));
        yield return Case("AssumeRole", ByokKeyUnavailableReason.RoleNotAssumable, world => world.AssumedRole.TrustPolicy =
            Policies.AssumeRoleTrust("999988887777", ByokWorld.ExternalId));
        yield return Case("Oidc", ByokKeyUnavailableReason.RoleNotAssumable, world => world.OidcRole.TrustPolicy =
            Policies.OidcTrust(ByokWorld.CustomerAccount, "scalr.io", ByokWorld.Audience, "account:other"));

        static TestCaseData Case(string type, ByokKeyUnavailableReason reason, Action<ByokWorld> change) =>
            new TestCaseData(type, reason, change).SetArgDisplayNames(type, reason.ToString());
    }

    [TestCaseSource(nameof(Reasons))]
    public async Task Every_denial_is_reported_with_its_reason(string type, ByokKeyUnavailableReason reason, Action<ByokWorld> change)
    {
        var instance = await _world.AddAsync(type);
        change(_world.World);
        await _world.UseAsync(TimeSpan.FromMinutes(7), TimeSpan.FromSeconds(10));

        // A query may have found a deletion before.
        await ByokWorld.UntilAsync(() => instance.Observer.Events.Any(one => one.Kind == ByokKeyEventKind.Denied), "no denial came");
        var denied = instance.Observer.Events.Single(one => one.Kind == ByokKeyEventKind.Denied);
        Assert.That((denied.Kind, denied.Code, denied.Reason), Is.EqualTo((ByokKeyEventKind.Denied, reason.ToString(), reason)));
        Assert.That(((ByokKeyUnavailableException)(await instance.UseAsync())!).Remedy, Is.EqualTo(denied.Remedy));
    }

    [Test]
    public async Task Three_instances_report_nothing_while_a_key_flaps_and_one_event_each_for_the_final_state([Values] bool isCached)
    {
        Action<ByokOptions>? options = isCached ? null : o => o.DataKeyCache.MaxAge = TimeSpan.Zero;
        Instance[] instances =
        [
            await _world.AddAsync(options: options),
            await _world.AddAsync(options: options),
            await _world.AddAsync(options: options),
        ];

        await FlapAsync();
        var denials = Array.ConvertAll(instances, one => one.Observer.Events.Count);
        _world.World.Key.Disable();
        await _world.UseAsync(TimeSpan.FromSeconds(100));
        await Task.WhenAll(instances.Select(one => one.Observer.NextAsync()));
        _world.World.Key.Enable();
        await _world.UseAsync(TimeSpan.FromSeconds(70));
        await FlapAsync();
        await _world.UseAsync(TimeSpan.FromSeconds(100));
        await Task.WhenAll(instances.Select(one => one.Observer.NextAsync(2)));

        Assert.That(denials, Is.All.Zero, "while it flaps");
        Assert.That(instances.Select(one => one.Observer.Seen), Is.All.EqualTo(Ends("Denied", "KeyDisabled")));
        Assert.That(instances.Select(one => one.Observer.Events[0].Id).Distinct().Count(), Is.EqualTo(1), "a receiver recognizes repeats");
        Assert.That(instances.Select(one => one.Observer.Events[0].Id), Has.None.EqualTo(instances[0].Observer.Events[1].Id));

        // Ten times within a minute, enabled at the end.
        async Task FlapAsync()
        {
            for (var i = 0; i < 10; i++)
            {
                _world.World.Key.Disable();
                await _world.UseAsync(TimeSpan.FromSeconds(3));
                _world.World.Key.Enable();
                await _world.UseAsync(TimeSpan.FromSeconds(3));
            }
        }
    }

    [Test]
    public async Task An_outage_and_its_end_are_reported_with_the_time_that_is_left([Values] bool hasGrace)
    {
        var grace = TimeSpan.FromMinutes(hasGrace ? 10 : 0);
        var instance = await _world.AddAsync(options: o => o.DataKeyCache.OutageGrace = grace);
        var accepted = _world.World.Time.GetUtcNow();
        _world.BreakKms();
        await _world.UseAsync(TimeSpan.FromMinutes(3));
        var unreachable = await instance.Observer.NextAsync();
        _world.Aws.Faults.Clear();
        await _world.UseAsync(TimeSpan.FromMinutes(2));
        await instance.Observer.NextAsync(2);

        Assert.That(instance.Observer.Seen, Is.EqualTo(Ends("Unreachable", "ServiceUnavailable")));
        Assert.That((unreachable.Owner, unreachable.Reason), Is.EqualTo((ByokKeyFindingOwner.Aws, (ByokKeyUnavailableReason?)null)));
        Assert.That(unreachable.Deadline, Is.EqualTo(accepted + TimeSpan.FromMinutes(5) + grace).Within(Second));
    }

    [Test]
    public async Task An_outage_is_reported_without_a_cache_too()
    {
        var instance = await _world.AddAsync(options: o => o.DataKeyCache.MaxAge = TimeSpan.Zero);
        _world.BreakKms();
        await _world.UseAsync(TimeSpan.FromSeconds(40));

        Assert.That((await instance.Observer.NextAsync()).Kind, Is.EqualTo(ByokKeyEventKind.Unreachable));
        Assert.That(instance.Observer.Times[0] - instance.Observer.Events[0].Start, Is.GreaterThanOrEqualTo(HoldTime));
    }

    [Test]
    public async Task A_single_failure_is_not_an_outage()
    {
        var instance = await _world.AddAsync(options: o => o.DataKeyCache.MaxAge = TimeSpan.Zero);
        _world.BreakKms();
        Assert.That(await instance.UseAsync(), Is.InstanceOf<ByokServiceException>());
        _world.Aws.Faults.Clear();
        await _world.PassAsync(TimeSpan.FromHours(1));
        _world.World.Key.Disable();
        await _world.UseAsync(TimeSpan.FromMinutes(1));

        Assert.That((await instance.Observer.NextAsync()).Kind, Is.EqualTo(ByokKeyEventKind.Denied), "the failure alone proves nothing");
        Assert.That(instance.Observer.Events, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task An_outage_of_STS_ends_with_the_session()
    {
        var instance = await _world.AddAsync("AssumeRole");
        var began = _world.World.Time.GetUtcNow();
        _world.Aws.Faults.Add(LocalAws.Fault.Error("InternalFailure", 500) with { Service = "sts" });
        await _world.UseAsync(TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(5));
        var unreachable = await instance.Observer.NextAsync();
        _world.Aws.Faults.Clear();
        await _world.UseAsync(TimeSpan.FromMinutes(2));
        await instance.Observer.NextAsync(2);

        Assert.That(instance.Observer.Seen, Is.EqualTo(Ends("Unreachable", "ServiceUnavailable")));
        Assert.That(unreachable.Deadline, Is.EqualTo(began + TimeSpan.FromHours(1)).Within(TimeSpan.FromMinutes(1)));
    }

    [Test]
    public async Task A_token_source_that_fails_is_for_the_host_to_correct()
    {
        var instance = await _world.AddAsync("Oidc");
        _world.World.GetToken = (_, _) => throw new InvalidOperationException("no token: s3cret");
        await _world.UseAsync(TimeSpan.FromMinutes(7), TimeSpan.FromSeconds(5));

        var unreachable = await instance.Observer.NextAsync();
        Assert.That(
            (unreachable.Kind, unreachable.Code, unreachable.Owner),
            Is.EqualTo((ByokKeyEventKind.Unreachable, ByokKeyFindingCode.HostAtFault, ByokKeyFindingOwner.Host)));
        Assert.That(unreachable.ToString(), Does.Not.Contain("s3cret"));
    }

    [Test]
    public async Task Another_reason_is_another_event()
    {
        var instance = await _world.AddAsync();
        _world.World.Key.Disable();
        await _world.UseAsync(TimeSpan.FromMinutes(2));
        _world.World.Key.ScheduleDeletion();
        await _world.UseAsync(TimeSpan.FromMinutes(3));
        await instance.Observer.NextAsync(3);

        Assert.That(
            instance.Observer.Seen.Where(one => one.StartsWith("Denied", StringComparison.Ordinal)),
            Is.EqualTo(RecordingObserver.List("Denied KeyDisabled", "Denied KeyPendingDeletion")));
    }

    [Test]
    public async Task The_same_change_again_has_another_id()
    {
        var instance = await _world.AddAsync(options: o =>
        {
            o.KeyEvents.HoldTime = TimeSpan.Zero;
            o.DataKeyCache.MaxAge = TimeSpan.Zero;
        });
        for (var i = 0; i < 3; i++)
        {
            _world.World.Key.Disable();
            await _world.UseAsync(TimeSpan.FromSeconds(5));
            _world.World.Key.Enable();
            await _world.UseAsync(TimeSpan.FromSeconds(5));
        }

        await instance.Observer.NextAsync(6);
        Assert.That(instance.Observer.Seen.Distinct().Count(), Is.EqualTo(2));
        Assert.That(instance.Observer.Events.Select(one => one.Id).Distinct().Count(), Is.EqualTo(6));
    }

    [Test]
    public async Task A_previous_key_is_reported_by_its_own_ARN()
    {
        var old = _world.World.Customer.CreateKey(ByokWorld.Region);
        _world.Permit(Policies.Permissions("*"));
        var before = _world.World.Ring("AccessKeys", settings => settings.KeyArn = old.Arn);
        var message = await before.EncryptAsync("old"u8.ToArray());
        var instance = await _world.AddAsync(settings: settings => settings.PreviousKeys =
            [new ByokPreviousKeySettings { KeyArn = old.Arn, Credentials = settings.Credentials }]);
        old.Disable();
        Assert.That(async () => await instance.Ring.DecryptAsync(message), Throws.InstanceOf<ByokKeyUnavailableException>());
        await _world.UseAsync(TimeSpan.FromSeconds(40));

        var denied = await instance.Observer.NextAsync();
        Assert.That((denied.Kind, denied.KeyArn.ToString()), Is.EqualTo((ByokKeyEventKind.Denied, old.Arn)));
    }

    [Test]
    public async Task Events_contain_no_secret([ValueSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))] string type)
    {
        var instance = await _world.AddAsync(type);
        _world.World.Key.Disable();
        await _world.UseAsync(TimeSpan.FromMinutes(2), TimeSpan.FromSeconds(10));
        _world.World.Key.Enable();
        await _world.UseAsync(TimeSpan.FromMinutes(2), TimeSpan.FromSeconds(10));
        _world.BreakKms();
        await _world.UseAsync(TimeSpan.FromMinutes(3), TimeSpan.FromSeconds(10));
        await instance.Observer.NextAsync(3);

        var texts = instance.Observer.Events.Select(one => $"{one} {JsonSerializer.Serialize(one)}").ToList();
        Assert.That(texts, Has.Count.EqualTo(3).And.All.Contains(instance.Ring.KeyArn.ToString()));
        foreach (var secret in _world.World.Secrets)
        {
            Assert.That(texts, Has.None.Contains(secret));
        }
    }
}
