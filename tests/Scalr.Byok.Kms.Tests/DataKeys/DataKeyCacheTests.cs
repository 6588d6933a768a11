using Microsoft.Extensions.Time.Testing;
using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms.Tests.DataKeys;

/// <summary>The rules of the cache, one by one.</summary>
internal sealed class DataKeyCacheTests
{
    private static readonly KmsKeyArn Owner = KmsKeyArn.Parse("arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab");
    private static readonly KmsKeyArn Other = KmsKeyArn.Parse("arn:aws:kms:us-east-1:111122223333:key/0f3c9a52-7d41-4b8e-a6d0-5e12c4b79f08");

    private readonly List<DataKey> _made = [];
    private FakeTimeProvider _time = null!;
    private ByokDataKeyCacheOptions _options = null!;
    private DataKeyCache _cache = null!;

    [SetUp]
    public void SetUp()
    {
        _made.Clear();
        _time = new FakeTimeProvider();
        _options = new ByokDataKeyCacheOptions { MaxAge = TimeSpan.FromMinutes(5), MaxMessages = 10, MaxBytes = 100, MaxKeys = 3 };
        _cache = new DataKeyCache(_options, renewsAhead: true, _time);
    }

    [TearDown]
    public void TearDown()
    {
        _cache.Dispose();
        Assert.That(_made, Has.All.Property(nameof(DataKey.IsErased)).True, "nothing outlives the cache");
    }

    [Test]
    public async Task A_key_serves_until_its_time_is_over()
    {
        var key = await GetAsync("a");
        _time.Advance(_options.MaxAge - TimeSpan.FromTicks(1));
        Assert.That((Find("a"), _made), Is.EqualTo((key, _made)));

        _time.Advance(TimeSpan.FromTicks(1));

        Assert.That(Find("a"), Is.Null);
        Assert.That(await GetAsync("a"), Is.Not.SameAs(key));
        Assert.That(key.Key.IsErased, Is.True);
    }

    [Test]
    public async Task A_key_serves_so_many_messages()
    {
        await GetAsync("a");
        Assert.That(Enumerable.Range(0, 9).Select(_ => Find("a")), Has.None.Null);
        Assert.That(Find("a"), Is.Null);
    }

    [Test]
    public async Task A_key_serves_so_many_bytes([Values] bool afterwards)
    {
        await GetAsync("a", afterwards ? 0 : 99);
        if (afterwards)
        {
            _cache.Count("a"u8, 99);
        }

        Assert.That(Find("a", 1), Is.Not.Null);
        Assert.That(Find("a"), Is.Null);
    }

    [Test]
    public async Task A_key_is_due_for_renewal_ahead_of_each_limit()
    {
        await GetAsync("time");
        await GetAsync("messages");
        await GetAsync("bytes", 80);
        Assert.That((IsDue("time"), IsDue("messages"), IsDue("bytes")), Is.EqualTo((false, false, true)));

        _ = Enumerable.Range(0, 6).Select(_ => Find("messages")).ToList();
        _time.Advance(_options.MaxAge * 0.8);

        Assert.That((IsDue("time"), IsDue("messages")), Is.EqualTo((true, true)));
    }

    [Test]
    public async Task Renewal_replaces_the_key_without_a_gap()
    {
        var old = await GetAsync("a");
        var gate = new TaskCompletionSource<CachedKey>();
        _cache.Renew("a"u8, _ => gate.Task);
        Assert.That((Find("a"), IsDue("a")), Is.EqualTo((old, false)), "the old one serves, and one renewal is enough");

        var made = Make();
        gate.SetResult(made);

        Assert.That(await _cache.GetAsync("a"u8.ToArray(), 0, _ => gate.Task, default), Is.SameAs(made));
        Assert.That((old.Key.IsErased, Find("a")), Is.EqualTo((true, made)));
    }

    [Test]
    public async Task Those_who_wait_share_one_call_and_each_may_leave()
    {
        var (gate, calls) = (new TaskCompletionSource<CachedKey>(), 0);
        using var impatient = new CancellationTokenSource();
        Task<CachedKey> WaitAsync(CancellationToken token) => _cache.GetAsync(
            "a"u8.ToArray(), 0,
            _ =>
            {
                Interlocked.Increment(ref calls);
                return gate.Task;
            },
            token);
        var first = WaitAsync(impatient.Token);
        var others = Enumerable.Range(0, 100).Select(_ => WaitAsync(default)).ToList();

        await impatient.CancelAsync();
        await Assert.CatchAsync<OperationCanceledException>(() => first);
        var made = Make();
        gate.SetResult(made);

        Assert.That(await Task.WhenAll(others), Is.All.SameAs(made));
        Assert.That(calls, Is.EqualTo(1));
    }

    [Test]
    public async Task Whoever_looked_just_before_the_key_was_there_makes_no_other()
    {
        Assert.That(Find("a"), Is.Null);
        var key = await GetAsync("a");

        Assert.That(await GetAsync("a"), Is.SameAs(key));
        Assert.That(_made, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_failure_is_everybodys_and_the_next_one_tries_again()
    {
        Task<CachedKey> FailAsync() => _cache.GetAsync("a"u8.ToArray(), 0, _ => throw new ByokServiceException("down"), default);

        await Assert.ThrowsAsync<ByokServiceException>(FailAsync);
        await Assert.ThrowsAsync<ByokServiceException>(FailAsync);

        Assert.That(await GetAsync("a"), Is.Not.Null);
    }

    [Test]
    public async Task An_outage_is_bridged_for_the_grace_only()
    {
        _options.OutageGrace = TimeSpan.FromMinutes(10);
        var old = await GetAsync("a");
        Task<CachedKey> AskAsync(Exception error) => _cache.GetAsync("a"u8.ToArray(), 0, _ => Task.FromException<CachedKey>(error), default);
        _time.Advance(TimeSpan.FromMinutes(14));

        Assert.That(await AskAsync(new ByokServiceException("down")), Is.SameAs(old));
        await Assert.ThrowsAsync<ByokServiceException>(() => AskAsync(new ByokServiceException("the host's own", isTransient: false)));
        await Assert.ThrowsAsync<ByokKeyUnavailableException>(
            () => AskAsync(new ByokKeyUnavailableException(Owner, ByokKeyUnavailableReason.KeyDisabled, "kms:Encrypt")));
        _time.Advance(TimeSpan.FromMinutes(1));

        await Assert.ThrowsAsync<ByokServiceException>(() => AskAsync(new ByokServiceException("down")));
    }

    [Test]
    public async Task The_least_recently_used_gives_way_and_is_erased()
    {
        var (a, b, c) = (await GetAsync("a"), await GetAsync("b"), await GetAsync("c"));
        _ = Find("a");

        await GetAsync("d");

        Assert.That((Find("a"), Find("b"), Find("c")), Is.EqualTo((a, (CachedKey?)null, c)));
        Assert.That((a.Key.IsErased, b.Key.IsErased), Is.EqualTo((false, true)));
    }

    [Test]
    public async Task A_revocation_erases_that_customers_keys_at_once()
    {
        var (mine, others) = (await GetAsync("a"), await GetAsync("b", owner: Other));

        _cache.Revoke(Owner.InRegion("us-west-2"));

        Assert.That((mine.Key.IsErased, others.Key.IsErased), Is.EqualTo((true, false)));
        Assert.That((Find("a"), Find("b")), Is.EqualTo(((CachedKey?)null, others)));
    }

    [Test]
    public async Task A_key_whose_making_began_before_a_revocation_never_gets_in()
    {
        var gates = new[] { new TaskCompletionSource<CachedKey>(), new TaskCompletionSource<CachedKey>() };
        var (begun, turn) = (new TaskCompletionSource(), 0);
        var wait = _cache.GetAsync(
            "a"u8.ToArray(), 0,
            _ =>
            {
                begun.TrySetResult();
                return gates[turn++].Task;
            },
            default);
        await begun.Task;

        _cache.Revoke(Owner);
        var early = Make();
        gates[0].SetResult(early);
        var late = Make();
        gates[1].SetResult(late);

        Assert.That(await wait, Is.SameAs(late), "it was made again");
        Assert.That(early.Key.IsErased, Is.True);
    }

    [Test]
    public async Task What_has_had_its_time_is_swept()
    {
        _options.OutageGrace = TimeSpan.FromMinutes(1);
        var key = await GetAsync("a");
        await GetAsync("b");
        await GetAsync("c", owner: Other);
        Assert.That(_cache.Sweep().Select(one => one.Owner), Is.EquivalentTo(new[] { Owner, Other }), "one of each owner");

        _time.Advance(TimeSpan.FromMinutes(6));

        Assert.That(_cache.Sweep(), Is.Empty);
        Assert.That(key.Key.IsErased, Is.True);
    }

    [Test]
    public async Task A_disposed_cache_keeps_nothing_that_comes_late()
    {
        var gate = new TaskCompletionSource<CachedKey>();
        var wait = _cache.GetAsync("a"u8.ToArray(), 0, _ => gate.Task, default);

        _cache.Dispose();
        gate.SetResult(Make());

        await Assert.ThrowsAsync<ObjectDisposedException>(() => wait);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => GetAsync("b"));
    }

    private CachedKey? Find(string id, long bytes = 0) => _cache.TryGet(System.Text.Encoding.UTF8.GetBytes(id), bytes, out var key, out _) ? key : null;

    private bool IsDue(string id) => _cache.TryGet(System.Text.Encoding.UTF8.GetBytes(id), 0, out _, out var isDue) && isDue;

    private Task<CachedKey> GetAsync(string id, long bytes = 0, KmsKeyArn? owner = null) =>
        _cache.GetAsync(System.Text.Encoding.UTF8.GetBytes(id), bytes, _ => Task.FromResult(Make(owner)), default);

    private CachedKey Make(KmsKeyArn? owner = null)
    {
        var key = DataKey.Generate();
        lock (_made)
        {
            _made.Add(key);
        }

        return new CachedKey(key, new KeyOrigin(owner ?? Owner, new EncryptedDataKey("test", default, default), new Dictionary<string, string>(), asked: 0));
    }
}
