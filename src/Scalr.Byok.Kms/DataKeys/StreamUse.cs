using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>The use of a data key by a running stream: checked for each segment, stopped by a denial. Safe for concurrent use.</summary>
internal sealed class StreamUse : IStreamUse, IDisposable
{
    private readonly KeyUse _use;
    private readonly Origin? _checkedOrigin;
    private readonly ReadOnlyMemory<byte> _contextId;
    private readonly AgeClock _clock;
    private readonly Action<StreamUse> _ended;
    private readonly CancellationTokenSource _stopped = new();
    private Exception? _end;

    /// <param name="access">Decides whether keys under the wrapping key may be used.</param>
    /// <param name="use">Whether the stream is decrypted or encrypted.</param>
    /// <param name="origin">The data key's origin.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="ended">Called at the end.</param>
    public StreamUse(KeyAccess access, KeyUse use, Origin origin, AgeClock clock, Action<StreamUse> ended)
    {
        Access = access;
        _use = use;

        // A stream that is encrypted keeps the data key that it began with, so only reading depends on the age of the key itself.
        _checkedOrigin = use == KeyUse.Read ? origin : null;
        _contextId = origin.ContextId;
        _clock = clock;
        _ended = ended;
    }

    public KeyAccess Access { get; }

    /// <inheritdoc/>
    public CancellationToken Stopped => _stopped.Token;

    /// <inheritdoc/>
    public Exception? End => Volatile.Read(ref _end) switch
    {
        // Copied, because one denial stops several streams, and each call throws an exception of its own.
        ByokKeyUnavailableException denial => Denial.Copy(denial),
        var end => end,
    };

    /// <inheritdoc/>
    public ValueTask EnsureAsync(CancellationToken cancellationToken)
    {
        // First: Permits knows neither a denial of one encryption context nor the disposal of the ring. Both are found only here.
        if (End is { } end)
        {
            throw end;
        }

        var now = _clock.Now;
        if (!Access.Permits(_use, _checkedOrigin, now))
        {
            return Access.EnsureAsync(_use, _checkedOrigin, cancellationToken);
        }

        if (_checkedOrigin is not null)
        {
            // In the background, so that a long stream does not wait when its data key's own acceptance expires.
            Access.RenewIfLate(_checkedOrigin, now);
        }

        return default;
    }

    /// <summary>Whether a denial concerns the stream. A denial of kms:Encrypt alone does not stop a stream that is encrypted.</summary>
    public bool IsConcernedBy(KeyAccess access, DenialScope scope) =>
        access == Access && scope.Concerns(_contextId) && (_use == KeyUse.Read ? scope.Decrypt : scope.Encrypt && scope.Decrypt);

    /// <summary>Stops the stream.</summary>
    /// <param name="end">The reason.</param>
    public void Stop(Exception end)
    {
        // The reason is published before the cancellation: a read that the token ends must find it.
        Interlocked.CompareExchange(ref _end, end, null);
        try
        {
            _stopped.Cancel();
        }
        catch (AggregateException)
        {
            // A callback of the application's stream threw, after all other callbacks have run. Its exception must not replace the denial,
            // nor keep the caller from stopping the other streams and from disposing the ring.
        }
    }

    // The token source has no timer, and a denial may still cancel it, so it is not disposed.
    public void Dispose() => _ended(this);
}
