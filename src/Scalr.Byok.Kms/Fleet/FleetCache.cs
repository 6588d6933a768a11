using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Fleet;

/// <summary>
/// The host's cache, with a time limit and without exceptions. After a failure the cache is not called for a while. Safe for concurrent
/// use.
/// </summary>
internal sealed class FleetCache : IDisposable
{
    /// <summary>The longest wait for the cache.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(15);

    // Calls that ignore their time limit stay, so their number is bounded.
    private const int MostCalls = 256;

    // A cache may block its caller before it returns a task. More threads would be missing elsewhere.
    private const int MostThreads = 4;

    private readonly IDistributedCache _cache;
    private readonly AgeClock _clock;
    private readonly ILogger _logger;
    private readonly CancellationToken _disposed;
    private readonly SharedWork _calls;
    private readonly SemaphoreSlim _threads = new(MostThreads);
    private readonly Lock _gate = new();
    private Backoff _pause;
    private volatile bool _isDown;

    /// <param name="cache">The host's cache.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="interval">Pauses after failures are a quarter of it at most, and at most 15 seconds.</param>
    /// <param name="logger">The log.</param>
    /// <param name="disposed">Ends all waits.</param>
    public FleetCache(IDistributedCache cache, AgeClock clock, TimeSpan interval, ILogger logger, CancellationToken disposed)
    {
        _cache = cache;
        _clock = clock;
        _logger = logger;
        _disposed = disposed;
        _calls = new SharedWork(disposed);
        _pause = new Backoff(interval / 4 < LongestPause ? interval / 4 : LongestPause, jitters: true);
    }

    /// <summary>How many calls are queued or under way, with those whose time limit is over.</summary>
    public int Running => _calls.Running;

    /// <summary>Reads entries, all at the same time.</summary>
    /// <returns>The bytes of each, null where there is none; null if the cache did not answer in time.</returns>
    public Task<byte[]?[]?> GetAsync(string[] keys) => CallAsync(
        // Each with a task of its own, so that a call that throws at once leaves no other one unobserved.
        token => Task.WhenAll(Array.ConvertAll(keys, async key => await _cache.GetAsync(key, token).ConfigureAwait(false))),
        isUrgent: false);

    /// <summary>Writes an entry.</summary>
    /// <param name="key">The entry's name.</param>
    /// <param name="value">The entry.</param>
    /// <param name="lifetime">When the cache may delete the entry.</param>
    /// <param name="isUrgent">Whether to call the cache even shortly after a failure, and beside many other calls.</param>
    /// <returns>Whether the cache confirmed it in time.</returns>
    public async Task<bool> SetAsync(string key, byte[] value, TimeSpan lifetime, bool isUrgent = false)
    {
        var options = new DistributedCacheEntryOptions { AbsoluteExpirationRelativeToNow = lifetime };
        return await CallAsync(
            async token =>
            {
                await _cache.SetAsync(key, value, options, token).ConfigureAwait(false);
                return value;
            },
            isUrgent).ConfigureAwait(false) is not null;
    }

    /// <summary>Calls under way end by themselves, and fail.</summary>
    public void Dispose() => _threads.Dispose();

    private async Task<T?> CallAsync<T>(Func<CancellationToken, Task<T>> call, bool isUrgent)
        where T : class
    {
        if ((_calls.Running >= MostCalls && !isUrgent) || _disposed.IsCancellationRequested || !MayCall(isUrgent))
        {
            return null;
        }

        try
        {
            using var limit = new CancellationTokenSource(Limit, _clock.Time);
            using var ends = _disposed.UnsafeRegister(static limit => ((CancellationTokenSource)limit!).Cancel(), limit);

            // On another thread: the cache may block before it returns a task, and it may ignore its token.
            var token = limit.Token;
            var answer = await _calls.Start(() => EnterAsync(call, token)).WaitObservedAsync(token).ConfigureAwait(false);
            Answered();
            return answer;
        }
        catch (Exception e)
        {
            // The text of a host's exception may contain a secret, so only its type is logged.
            if (!_disposed.IsCancellationRequested)
            {
                Failed(e is OperationCanceledException ? nameof(TimeoutException) : e.GetType().Name);
            }

            return null;
        }
    }

    private async Task<T> EnterAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken token)
    {
        await _threads.WaitAsync(token).ConfigureAwait(false);
        Task<T> task;
        try
        {
            // The wait can succeed although the time has ended meanwhile.
            token.ThrowIfCancellationRequested();
            task = call(token);
        }
        finally
        {
            _threads.Release();
        }

        return await task.ConfigureAwait(false);
    }

    private bool MayCall(bool isUrgent)
    {
        if (!_isDown)
        {
            return true;
        }

        lock (_gate)
        {
            if (_clock.Now < _pause.Until)
            {
                return isUrgent;
            }

            // Claimed: of many callers one tries again, and the others ask AWS.
            _pause.Fail(_clock.Now);
            return true;
        }
    }

    private void Answered()
    {
        if (!_isDown)
        {
            return;
        }

        lock (_gate)
        {
            if (!_isDown)
            {
                return;
            }

            _isDown = false;
            _pause.Reset();
        }

        _logger.FleetCacheAnswers();
    }

    private void Failed(string error)
    {
        lock (_gate)
        {
            if (_isDown)
            {
                return;
            }

            _isDown = true;
            _pause.Fail(_clock.Now);
        }

        _logger.FleetCacheFailed(error);
    }
}
