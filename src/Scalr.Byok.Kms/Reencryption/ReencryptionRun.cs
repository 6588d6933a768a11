using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using Scalr.Byok.Kms.Errors;

namespace Scalr.Byok.Kms.Reencryption;

/// <summary>
/// One run over a source. Reads pages in order and processes several at the same time, while it reads the page after them. The enumerator
/// does all bookkeeping; a page is processed on the thread pool.
/// </summary>
internal sealed class ReencryptionRun<TItem> : IDisposable
{
    /// <summary>New content waits no longer than this for the rest of its page, so that concurrent writers cause few conflicts.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);

    private readonly IReencryptionSource<TItem> _source;
    private readonly ReencryptionOptions _options;
    private readonly KeyInUse _from;
    private readonly KeyInUse _to;
    private readonly Transformation _transformation;
    private readonly PauseGate _gate;
    private readonly Pace _items;
    private readonly Pace _kmsCalls;
    private readonly Queue<Page> _pages = new(); // in the order of their keys, up to the first that is under way
    private readonly Lock _charging = new();
    private long _chargedRequests;
    private ReencryptionPause? _reportedPause;
    private string? _checkpoint;
    private long? _total;
    private long _seen;
    private long _moved;
    private long _current;
    private long _conflicts;
    private long _quarantined;

    public ReencryptionRun(IReencryptionSource<TItem> source, ReencryptionKey from, ReencryptionKey to, ReencryptionOptions options)
    {
        _source = source;
        _options = options;
        _to = new KeyInUse(to);
        _from = ReferenceEquals(from, to) ? _to : new KeyInUse(from);
        _transformation = new Transformation(_from, _to, options.Verify);
        _gate = new PauseGate(options.MaxPause, options.MaxRetryDelay, options.TimeProvider);
        _items = new Pace(options.MaxItemsPerSecond, options.TimeProvider);
        _kmsCalls = new Pace(options.MaxKmsCallsPerSecond, options.TimeProvider);
        _chargedRequests = Requests;
        _checkpoint = options.Checkpoint;
    }

    private long Requests => _from.Requests + (_from == _to ? 0 : _to.Requests);

    /// <summary>The items of a page: no more than the rates allow in a second, so that an item is written soon after it is read.</summary>
    private int PageSize => Math.Min(_options.BatchSize, Math.Min(_items.PerSecond, _kmsCalls.PerSecond));

    /// <summary>
    /// Whether another page may be processed. Pages that wait for an earlier one are bounded too: a run that resumes repeats them.
    /// </summary>
    private bool HasPlace =>
        _pages.Count < 4 * _options.MaxDegreeOfParallelism
        && _pages.Count(page => !page.Work.IsCompleted) < _options.MaxDegreeOfParallelism;

    public async IAsyncEnumerable<ReencryptionProgress> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<Page>? next = null; // read ahead: it begins when it has a place
        try
        {
            _total = _source is ICountedReencryptionSource counted
                ? await counted.CountItemsAsync(_checkpoint, stop.Token).ConfigureAwait(false)
                : null;
            var after = _checkpoint;
            var isAtEnd = false;
            Exception? failure = null;
            while (failure is null)
            {
                if (CanBegin(next))
                {
                    var page = await next.ConfigureAwait(false);
                    next = null;
                    isAtEnd = page.Items.Count == 0;
                    if (!isAtEnd)
                    {
                        after = page.LastKey;
                        page.Work = Task.Run(() => ProcessAsync(page, stop.Token), CancellationToken.None);
                        _pages.Enqueue(page);
                    }
                }

                next ??= isAtEnd ? null : ReadAsync(after, stop.Token);
                var changed = _gate.Changed;
                Task[] running = [.. _pages.Where(page => !page.IsCounted).Select(page => page.Work)];

                // A page that cannot be read does not stop those before it: a run that resumes would meet the same failure again.
                if (running.Length == 0 && next is null or { IsFaulted: true } or { IsCanceled: true })
                {
                    break;
                }

                // Asked once: the read can end at any moment, and an end that the wait does not have among its tasks would not end it.
                var reading = next is { IsCompleted: false } ? next : null;
                if ((reading is not null || !CanBegin(next)) && ReferenceEquals(_gate.Pause, _reportedPause))
                {
                    await Task.WhenAny([.. running, changed, reading ?? changed]).ConfigureAwait(false);
                }

                if (_pages.FirstOrDefault(HasFailed) is { } failed)
                {
                    failure = await ErrorOfAsync(failed.Work).ConfigureAwait(false);
                    await StopAsync(stop, next).ConfigureAwait(false);
                }

                var quarantined = CountFinished();
                if (quarantined is not null || !ReferenceEquals(_gate.Pause, _reportedPause))
                {
                    yield return Report(quarantined ?? [], count: null);
                }
            }

            failure ??= await ErrorOfAsync(next ?? Task.CompletedTask).ConfigureAwait(false);
            if (failure is not null)
            {
                cancellationToken.ThrowIfCancellationRequested();
                ExceptionDispatchInfo.Throw(failure);
            }

            var count = new ReencryptionCounting<TItem>(_source, _to, _items, _options);
            yield return Report([], await count.CountAsync(stop.Token).ConfigureAwait(false));
        }
        finally
        {
            await StopAsync(stop, next).ConfigureAwait(false);
        }
    }

    public void Dispose()
    {
        _from.Dispose();
        _to.Dispose();
    }

    private bool CanBegin([NotNullWhen(true)] Task<Page>? next) => next is { IsCompletedSuccessfully: true } && HasPlace;

    private static bool HasFailed(Page page) => page.Work is { IsCompleted: true, IsCompletedSuccessfully: false };

    /// <summary>The exception of a task that has failed or was canceled.</summary>
    private static async Task<Exception?> ErrorOfAsync(Task task)
    {
        try
        {
            await task.ConfigureAwait(false);
            return null;
        }
        catch (Exception e)
        {
            return e;
        }
    }

    private async Task<Page> ReadAsync(string? after, CancellationToken cancellationToken)
    {
        await _items.WaitAsync(cancellationToken).ConfigureAwait(false);
        var items = await ReencryptionPages.ReadAsync(_source, after, PageSize, maxBytes: null, cancellationToken).ConfigureAwait(false);
        _items.Charge(items.Count);
        return new Page(items);
    }

    private async Task ProcessAsync(Page page, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var item in page.Items)
            {
                await ProcessAsync(page, item, cancellationToken).ConfigureAwait(false);
                if (_options.TimeProvider.GetElapsedTime(page.PendingSince) >= LongestWait)
                {
                    await WriteAsync(page, cancellationToken).ConfigureAwait(false);
                }
            }

            await WriteAsync(page, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            page.Erase();
        }
    }

    private async Task ProcessAsync(Page page, ReencryptionItem<TItem> item, CancellationToken cancellationToken)
    {
        for (var denials = 0; ;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var attempt = await _gate.EnterAsync(cancellationToken).ConfigureAwait(false);
            ByokException error;
            try
            {
                if (await _to.IsCurrentAsync(item.Form, item.Bytes, cancellationToken).ConfigureAwait(false))
                {
                    page.Current++;
                    return;
                }

                if (_kmsCalls.IsLimited)
                {
                    await WaitForKmsPaceAsync(cancellationToken).ConfigureAwait(false);
                }

                var (content, reason) = await _transformation.ApplyAsync(item, cancellationToken).ConfigureAwait(false);
                if (content is null)
                {
                    Quarantine(page, item, reason);
                    return;
                }

                _gate.Succeed(attempt);
                page.Add(new(item, _to.Form, content), _options.TimeProvider);
                return;
            }
            catch (ByokException e) when (e is ByokKeyUnavailableException or ByokServiceException)
            {
                error = e;
            }

            denials += error is ByokKeyUnavailableException { OthersAreAccepted: true } ? 1 : 0;
            if (IsOfItem(error, denials))
            {
                _gate.Succeed(attempt);
                Quarantine(page, item, ReencryptionQuarantineReason.DeniedByAws);
                return;
            }

            await WriteAsync(page, cancellationToken).ConfigureAwait(false);
            if (!Recovers(error) || !_gate.TryPause(error, attempt))
            {
                ExceptionDispatchInfo.Throw(error);
            }
        }
    }

    /// <summary>
    /// Whether AWS denies or rejects one item, not the key. A policy can deny one encryption context. Twice, at different times, AWS must
    /// have denied the item and accepted another request directly afterwards. One such denial can also arrive just before a permission
    /// returns.
    /// </summary>
    private bool IsOfItem(ByokException error, int denials) => error switch
    {
        ByokKeyUnavailableException => denials > 1,
        ByokServiceException { FailureKind: ServiceFailureKind.Rejected } => _from.IsServing && _to.IsServing,
        _ => false,
    };

    /// <summary>Whether waiting can help: a denial has closed data keys that the run cannot open again.</summary>
    private bool Recovers(ByokException error) => error is not ByokKeyUnavailableException || (_from.Recovers && _to.Recovers);

    private void Quarantine(Page page, ReencryptionItem<TItem> item, ReencryptionQuarantineReason reason)
    {
        if (_options.StopOnFailure)
        {
            throw new ByokDecryptionException($"The item {item.Key} could not be re-encrypted: {reason}. It was left as it is.");
        }

        page.Quarantined.Add(new(item.Key, reason));
    }

    private async Task WriteAsync(Page page, CancellationToken cancellationToken)
    {
        if (page.Pending.Count > 0)
        {
            var replaced = _options.DryRun
                ? page.Pending.Count
                : await _source.ReplaceAsync(page.Pending, cancellationToken).ConfigureAwait(false);
            if (replaced < 0 || replaced > page.Pending.Count)
            {
                throw new InvalidOperationException(
                    $"The source returned {replaced} from {nameof(_source.ReplaceAsync)} for {page.Pending.Count} items.");
            }

            page.Moved += replaced;
            page.Conflicts += page.Pending.Count - replaced;
            page.Erase();
        }
    }

    private ValueTask WaitForKmsPaceAsync(CancellationToken cancellationToken)
    {
        lock (_charging)
        {
            var requests = Requests;
            _kmsCalls.Charge(Math.Max(0, requests - _chargedRequests)); // a ring whose settings change begins to count again
            _chargedRequests = requests;
        }

        return _kmsCalls.WaitAsync(cancellationToken);
    }

    /// <summary>Adds up the pages that were finished since the last call, and moves the checkpoint over those at the front.</summary>
    /// <returns>The newly quarantined items; null if no page was finished.</returns>
    private List<QuarantinedItem>? CountFinished()
    {
        List<QuarantinedItem>? quarantined = null;
        foreach (var page in _pages.Where(page => page is { IsCounted: false, Work.IsCompletedSuccessfully: true }))
        {
            page.IsCounted = true;
            quarantined ??= [];
            quarantined.AddRange(page.Quarantined);
            _seen += page.Items.Count;
            _moved += page.Moved;
            _current += page.Current;
            _conflicts += page.Conflicts;
            _quarantined += page.Quarantined.Count;
            page.Release();
        }

        while (_pages.TryPeek(out var first) && first.IsCounted)
        {
            _checkpoint = _pages.Dequeue().LastKey;
        }

        return quarantined;
    }

    private ReencryptionProgress Report(IReadOnlyList<QuarantinedItem> newlyQuarantined, ReencryptionCount? count)
    {
        _reportedPause = _gate.Pause;
        var seconds = _gate.ActiveTime.TotalSeconds;
        var rate = seconds > 0 ? _seen / seconds : 0;
        return new()
        {
            Seen = _seen,
            Moved = _moved,
            AlreadyCurrent = _current,
            Conflicts = _conflicts,
            Quarantined = _quarantined,
            NewlyQuarantined = newlyQuarantined,
            Checkpoint = _checkpoint,
            ItemsPerSecond = rate,
            RemainingTime = _total is { } total && rate > 0 ? TimeSpan.FromSeconds(Math.Max(0, total - _seen) / rate) : null,
            Pause = count is null ? _reportedPause : null,
            Count = count,
        };
    }

    /// <summary>Cancels what is under way and waits for its end.</summary>
    private async Task StopAsync(CancellationTokenSource stop, Task<Page>? next)
    {
        await stop.CancelAsync().ConfigureAwait(false);
        var tasks = _pages.Select(page => page.Work).Append(next ?? Task.CompletedTask);
        await Task.WhenAll(tasks).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Items that are read, processed and written together.</summary>
    private sealed class Page(IReadOnlyList<ReencryptionItem<TItem>> items)
    {
        public IReadOnlyList<ReencryptionItem<TItem>> Items { get; private set; } = items;

        public string? LastKey { get; } = items.Count > 0 ? items[^1].Key : null;

        public Task Work { get; set; } = Task.CompletedTask;

        public bool IsCounted { get; set; }

        public long Moved { get; set; }

        public long Current { get; set; }

        public long Conflicts { get; set; }

        public List<QuarantinedItem> Quarantined { get; } = [];

        /// <summary>New contents that are not written yet.</summary>
        public List<ReencryptionReplacement<TItem>> Pending { get; } = [];

        /// <summary>When the first of them was made.</summary>
        public long PendingSince { get; private set; }

        public void Add(ReencryptionReplacement<TItem> replacement, TimeProvider time)
        {
            PendingSince = Pending.Count == 0 ? time.GetTimestamp() : PendingSince;
            Pending.Add(replacement);
        }

        /// <summary>New contents can be plaintext.</summary>
        public void Erase()
        {
            Pending.ForEach(replacement => CryptographicOperations.ZeroMemory(replacement.Content));
            Pending.Clear();
        }

        /// <summary>Frees the memory of a page that waits for an earlier one.</summary>
        public void Release()
        {
            Debug.Assert(Pending.Count == 0, "all is written");
            Items = [];
        }
    }
}
