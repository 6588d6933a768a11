using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>The use of a data key by a running stream: checked for each segment, and stopped by a denial. Safe for concurrent use.</summary>
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
        _checkedOrigin = use == KeyUse.Read ? origin : null; // a stream that is encrypted goes on with the data key it began with
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
        ByokKeyUnavailableException denial => Denial.Copy(denial),
        var end => end,
    };

    /// <inheritdoc/>
    public ValueTask EnsureAsync(CancellationToken cancellationToken)
    {
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
            Access.RenewIfLate(_checkedOrigin, now);
        }

        return default;
    }

    /// <summary>Whether a denial concerns the stream. That kms:Encrypt alone is denied does not stop a stream that is encrypted.</summary>
    public bool IsConcernedBy(KeyAccess access, DenialScope scope) =>
        access == Access && scope.Concerns(_contextId) && (_use == KeyUse.Read ? scope.Decrypt : scope.Encrypt && scope.Decrypt);

    /// <summary>Stops the stream.</summary>
    /// <param name="end">Why.</param>
    public void Stop(Exception end)
    {
        Interlocked.CompareExchange(ref _end, end, null);
        _stopped.Cancel();
    }

    public void Dispose() => _ended(this); // the source has no timer, and a denial may still cancel it, so it is not disposed
}
