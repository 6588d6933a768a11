using LocalAws;

namespace Scalr.Byok.Kms.Tests.Reencryption;

/// <summary>
/// Runs wait while the key is unavailable or AWS throttles, and keep to their rates. The clock moves only while a run waits.
/// </summary>
[CancelAfter(120_000)]
internal sealed class ReencryptionPauseTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private ReencryptionWorld _world = null!;
    private int _denials;

    [SetUp]
    public void Reset() => _denials = 0;

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task A_run_over_messages_waits_while_the_key_is_disabled([Values] bool isOldKey)
    {
        _world = await ReencryptionWorld.StartAsync(caches: false);
        var source = await _world.FillAsync(20, Under.OldRing);
        var key = isOldKey ? _world.OldKey : _world.NewKey;
        DisableAfter(source, 2, key.Disable);
        var ring = _world.Key(Under.NewRing);

        var all = await _world.PassTimeAsync(
            _world.RunAsync(source, ring, ring, onProgress: progress => EnableAt(progress, key, pauses: 3)));

        DemandPauseAndEnd(all, moved: 20, key);
        await _world.DemandAllTextsAsync(source);
    }

    [Test]
    public async Task A_run_over_values_opens_its_data_keys_again_when_the_key_is_back([Values] bool isOldKey)
    {
        _world = await ReencryptionWorld.StartAsync();
        var source = await _world.FillAsync(40, Under.OldDataKey);
        var key = isOldKey ? _world.OldKey : _world.NewKey;
        DisableAfter(source, 2, () =>
        {
            key.Disable();
            _world.World.Time.Advance(TimeSpan.FromSeconds(61)); // ConfirmationInterval
        });

        var all = await _world.PassTimeAsync(_world.RunAsync(
            source,
            _world.Key(Under.OldDataKey),
            _world.Key(Under.NewDataKey),
            onProgress: progress => EnableAt(progress, key, pauses: 3)));

        DemandPauseAndEnd(all, moved: 40, key);
        await _world.DemandAllTextsAsync(source);
    }

    [Test]
    public async Task After_the_longest_pause_the_denial_leaves_the_run_and_the_next_run_goes_on()
    {
        _world = await ReencryptionWorld.StartAsync(caches: false);
        var source = await _world.FillAsync(20, Under.OldRing);
        DisableAfter(source, 2, _world.NewKey.Disable);
        var (from, to) = (_world.Key(Under.OldRing), _world.Key(Under.NewRing));
        List<ReencryptionProgress> seen = [];
        var began = _world.World.Time.GetUtcNow();

        var run = Assert.ThrowsAsync<ByokKeyUnavailableException>(() => _world.RunAsync(
            source, from, to, options => options.MaxPause = TimeSpan.FromMinutes(5), seen.Add));
        var error = await _world.PassTimeAsync(run);
        var waited = _world.World.Time.GetUtcNow() - began;
        _world.NewKey.Enable();
        source.Replacing = _ => Task.CompletedTask;
        var last = (await _world.PassTimeAsync(_world.RunAsync(
            source, from, to, options => options.Checkpoint = seen[^1].Checkpoint)))[^1];

        Assert.That(error!.Reason, Is.EqualTo(ByokKeyUnavailableReason.KeyDisabled));
        Assert.That(waited, Is.GreaterThanOrEqualTo(TimeSpan.FromMinutes(5)).And.LessThan(TimeSpan.FromMinutes(6)));
        var delays = seen.Where(progress => progress.Pause is not null).Select(progress => progress.Pause!.RetryAt).Distinct().ToList();
        Assert.That(delays, Has.Count.InRange(6, 14), "the time between attempts doubles up to a minute");
        Assert.That((last.Count!.Remaining, last.Quarantined), Is.EqualTo((0, 0)));
        await _world.DemandAllTextsAsync(source);
    }

    [Test]
    public async Task A_denial_that_closes_data_keys_of_the_caller_leaves_the_run()
    {
        _world = await ReencryptionWorld.StartAsync();
        var source = await _world.FillAsync(20, Under.OldDataKey);
        using var keys = new ByokDataKeySet(await _world.New.CreateDataKeyAsync());
        DisableAfter(source, 2, () =>
        {
            _world.NewKey.Disable();
            _world.World.Time.Advance(TimeSpan.FromSeconds(61));
        });

        var run = Assert.ThrowsAsync<ByokKeyUnavailableException>(
            () => _world.RunAsync(source, _world.Key(Under.OldDataKey), ReencryptionKey.DataKeys(keys)));

        Assert.That((await _world.PassTimeAsync(run))!.Reason, Is.EqualTo(ByokKeyUnavailableReason.KeyDisabled));
        Assert.That(source.Writes, Is.InRange(4, 19));
    }

    [Test]
    public async Task Half_of_all_requests_may_be_throttled()
    {
        _world = await ReencryptionWorld.StartAsync(caches: false);
        var source = await _world.FillAsync(30, Under.OldRing, ownContexts: true);
        _world.World.Aws.Faults.Add(Fault.Error("ThrottlingException") with { Service = "kms", Probability = 0.5 });
        var ring = _world.Key(Under.NewRing);

        var all = await _world.PassTimeAsync(_world.RunAsync(source, ring, ring));

        Assert.That(_world.World.Aws.Log.Requests.Count(request => request.ErrorCode == "ThrottlingException"), Is.GreaterThan(20));
        Assert.That((all[^1].Moved, all[^1].Quarantined, all[^1].Count!.Remaining), Is.EqualTo((30, 0, 0)));
        _world.World.Aws.Faults.Clear();
        await _world.DemandAllTextsAsync(source);
    }

    [Test]
    public async Task An_outage_is_no_quarantine_and_MaxPause_zero_ends_the_run_at_once()
    {
        _world = await ReencryptionWorld.StartAsync(caches: false);
        var source = await _world.FillAsync(10, Under.OldRing);
        _world.World.Aws.Faults.Add(Fault.Error("KMSInternalException", 500));
        var ring = _world.Key(Under.NewRing);

        var run = Assert.ThrowsAsync<ByokServiceException>(
            () => _world.RunAsync(source, ring, ring, options => options.MaxPause = TimeSpan.Zero));

        Assert.That((await _world.PassTimeAsync(run))!.IsTransient, Is.True);
        Assert.That(source.Writes, Is.Zero);
    }

    [Test]
    public async Task One_context_that_a_policy_denies_is_quarantined_and_does_not_stop_the_run()
    {
        _world = await ReencryptionWorld.StartAsync(caches: false);
        var source = await _world.FillAsync(12, Under.OldRing, ownContexts: true);
        _world.World.User.Policy = DenyRow(7);
        var ring = _world.Key(Under.NewRing);

        var all = await _world.PassTimeAsync(_world.RunAsync(source, ring, ring));

        Assert.That(
            all.SelectMany(progress => progress.NewlyQuarantined),
            Is.EqualTo((QuarantinedItem[])[new("7", ReencryptionQuarantineReason.DeniedByAws)]));
        Assert.That((all[^1].Moved, all[^1].Count!.Remaining), Is.EqualTo((11, 1)));
    }

    [Test]
    public async Task Removing_the_permission_to_encrypt_quarantines_nothing()
    {
        _world = await ReencryptionWorld.StartAsync(caches: false);
        var source = await _world.FillAsync(20, Under.OldRing, ownContexts: true);
        var allowed = _world.World.User.Policy;
        DisableAfter(source, 2, () => _world.World.User.Policy = Tests.World.Policies.Permissions(_world.NewKey.Arn, "kms:Decrypt"));
        var ring = _world.Key(Under.NewRing);
        var pauses = 0;

        var all = await _world.PassTimeAsync(_world.RunAsync(source, ring, ring, onProgress: progress =>
        {
            if (progress.Pause is not null && ++pauses == 8)
            {
                _world.World.User.Policy = allowed;
            }
        }));

        Assert.That((all[^1].Moved, all[^1].Quarantined, pauses), Is.EqualTo((20, 0, pauses)));
        Assert.That(pauses, Is.GreaterThanOrEqualTo(8));
    }

    [Test]
    public async Task A_denied_item_does_not_make_the_next_denial_look_like_one_of_an_item()
    {
        _world = await ReencryptionWorld.StartAsync(caches: false);
        var source = await _world.FillAsync(6, Under.OldRing, ownContexts: true);
        var denyingRow2 = _world.World.User.Policy = DenyRow(2);
        var ring = _world.Key(Under.NewRing);
        var pauses = 0;
        List<QuarantinedItem> quarantined = [];

        var all = await _world.PassTimeAsync(_world.RunAsync(
            source,
            ring,
            ring,
            options =>
            {
                options.BatchSize = 1;
                options.MaxDegreeOfParallelism = 1;
            },
            progress =>
            {
                quarantined.AddRange(progress.NewlyQuarantined);
                if (progress.NewlyQuarantined.Count > 0)
                {
                    // Directly after the ring has examined a denial, so it does not examine the next one.
                    _world.World.User.Policy = Tests.World.Policies.Permissions(_world.NewKey.Arn, "kms:Decrypt");
                    pauses = 0;
                }
                else if (progress.Pause is not null && ++pauses == 8)
                {
                    _world.World.User.Policy = denyingRow2;
                }
            }));

        Assert.That(quarantined, Is.EqualTo((QuarantinedItem[])[new("2", ReencryptionQuarantineReason.DeniedByAws)]));
        Assert.That((all[^1].Moved, all[^1].Count!.Remaining), Is.EqualTo((5, 1)));
    }

    [Test]
    public async Task A_run_reads_no_more_items_per_second_than_it_may()
    {
        _world = await ReencryptionWorld.StartAsync();
        var source = await _world.FillAsync(60, Under.Nothing);
        var began = _world.World.Time.GetUtcNow();
        List<TimeSpan> ends = [];

        var all = await _world.PassTimeAsync(_world.RunAsync(
            source,
            ReencryptionKey.None,
            _world.Key(Under.NewRing),
            options =>
            {
                options.BatchSize = 50;
                options.MaxItemsPerSecond = 10;
            },
            _ => ends.Add(_world.World.Time.GetUtcNow() - began)));

        var moved = all.FindIndex(progress => progress.Moved == 60);
        Assert.That(ends[moved], Is.GreaterThanOrEqualTo(4 * Second).And.LessThan(10 * Second));
        Assert.That(ends[^1], Is.GreaterThanOrEqualTo(10 * Second), "the count keeps to the rate too");
        Assert.That(all[moved].ItemsPerSecond, Is.InRange(6, 15));
        Assert.That(all[^1].RemainingTime, Is.EqualTo(TimeSpan.Zero));
        Assert.That(
            all.Where(progress => progress.Seen < 60).Select(progress => progress.RemainingTime).OfType<TimeSpan>(),
            Is.Not.Empty.And.All.GreaterThan(TimeSpan.Zero));
    }

    [Test]
    public async Task A_run_calls_AWS_KMS_no_more_often_per_second_than_it_may()
    {
        _world = await ReencryptionWorld.StartAsync(caches: false);
        var source = await _world.FillAsync(20, Under.OldRing, ownContexts: true);
        var began = _world.World.Time.GetUtcNow();
        var ring = _world.Key(Under.NewRing);

        await _world.PassTimeAsync(_world.RunAsync(source, ring, ring, options => options.MaxKmsCallsPerSecond = 6));

        var calls = _world.World.Aws.Log.Requests.Count(request => request.Service == "kms");
        var seconds = (_world.World.Time.GetUtcNow() - began).TotalSeconds;
        Assert.That(calls, Is.EqualTo(60), "three for each item");
        Assert.That(calls - 9, Is.LessThanOrEqualTo(6 * seconds), "three items may be under way");
        Assert.That(seconds, Is.LessThan(20));
    }

    [Test]
    public async Task Calls_that_the_cache_saves_need_no_wait()
    {
        _world = await ReencryptionWorld.StartAsync();
        var source = await _world.FillAsync(50, Under.OldRing);
        var began = _world.World.Time.GetUtcNow();

        await _world.PassTimeAsync(_world.RunAsync(source, _world.Key(Under.OldRing), _world.Key(Under.NewRing), options =>
        {
            options.MaxKmsCallsPerSecond = 1;
            options.MaxDegreeOfParallelism = 1;
        }));

        Assert.That(_world.World.Time.GetUtcNow() - began, Is.LessThan(10 * Second));
    }

    private string DenyRow(int row) =>
        $$"""
        {"Version":"2012-10-17","Statement":[
         {"Effect":"Allow","Action":["kms:Encrypt","kms:Decrypt","kms:DescribeKey"],"Resource":"{{_world.NewKey.Arn}}"},
         {"Effect":"Deny","Action":"kms:Encrypt","Resource":"*",
          "Condition":{"StringEquals":{"kms:EncryptionContext:row":"{{row}}"} } }]}
        """;

    private static void DisableAfter(MemorySource source, int writes, Action disable)
    {
        var calls = 0;
        var gate = new Lock();
        source.Replacing = _ =>
        {
            lock (gate) // no batch is written, and only one more is read, before the key is disabled
            {
                if (++calls == writes)
                {
                    disable();
                }
            }

            return Task.CompletedTask;
        };
    }

    /// <summary>Enables the key when the run has reported so many attempts that were denied.</summary>
    private void EnableAt(ReencryptionProgress progress, LocalKey key, int pauses)
    {
        if (progress.Pause?.Cause is ByokKeyUnavailableException { Reason: ByokKeyUnavailableReason.KeyDisabled } && ++_denials == pauses)
        {
            key.Enable();
        }
    }

    private static void DemandPauseAndEnd(List<ReencryptionProgress> all, long moved, LocalKey key)
    {
        var pauses = all.Select(progress => progress.Pause).OfType<ReencryptionPause>().ToList();
        Assert.That(pauses, Has.Count.GreaterThanOrEqualTo(3));
        Assert.That(pauses.Select(pause => pause.RetryAt - pause.Since), Is.All.GreaterThan(TimeSpan.Zero));
        Assert.That(
            pauses.Select(pause => pause.Cause).OfType<ByokKeyUnavailableException>().Select(cause => cause.KeyArn.ToString()),
            Is.Not.Empty.And.All.EqualTo(key.Arn));
        var last = all[^1];
        Assert.That((last.Moved, last.Quarantined, last.Count!.Remaining, last.Pause), Is.EqualTo((moved, 0, 0, (ReencryptionPause?)null)));
    }
}
