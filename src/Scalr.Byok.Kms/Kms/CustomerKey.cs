using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Kms;

/// <summary>One key of a customer in all its Regions: what one Region cannot do for an outage, the next one does.</summary>
/// <remarks>
/// A Region whose circuit breaker is open is left alone, as long as another one is not. When the time has come to try it again, a kms:DescribeKey in the background
/// does, so that no caller waits for a Region that is still down.
/// </remarks>
internal sealed class CustomerKey : IDisposable
{
    private readonly WrappingKey[] _regions;
    private readonly bool _failoverOnRefusal;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _disposed = new();
    private bool _isRefused;

    /// <param name="key">The key as the settings name it. Not owned.</param>
    /// <param name="replicas">The same key in other Regions, in the order in which they stand in.</param>
    /// <param name="failoverOnRefusal">Whether another Region is used when one refuses, too.</param>
    /// <param name="logger">Told of failovers.</param>
    public CustomerKey(WrappingKey key, IEnumerable<WrappingKey> replicas, bool failoverOnRefusal, ILogger logger)
    {
        _regions = [key, .. replicas];
        _failoverOnRefusal = failoverOnRefusal;
        _logger = logger;
    }

    public KmsKeyArn Arn => _regions[0].Arn;

    /// <summary>Told when AWS says that the key cannot be used, before the caller is.</summary>
    public Action<KmsKeyArn, ByokKeyUnavailableException>? Refused { get; set; }

    /// <summary>Whether a key ARN names this key, in whatever Region.</summary>
    public bool IsNamedBy(KmsKeyArn arn) => arn == Arn || arn.IsReplicaOf(Arn);

    /// <summary>Wraps by kms:Encrypt in the first Region that works.</summary>
    /// <exception cref="ByokException">No Region did.</exception>
    public Task<WrappedKey> WrapAsync(
        ArraySegment<byte> dataKey, IReadOnlyDictionary<string, string> encryptionContext, CancellationToken cancellationToken) =>
        CallAsync(AwsAction.Encrypt, (key, step, token) => key.TryWrapAsync(dataKey, encryptionContext, step, token), cancellationToken);

    /// <summary>Unwraps by kms:Decrypt in the first Region that works; what any Region has wrapped.</summary>
    /// <exception cref="ByokException">No Region did.</exception>
    public Task<byte[]> UnwrapAsync(
        ReadOnlyMemory<byte> ciphertextBlob, IReadOnlyDictionary<string, string> encryptionContext, CancellationToken cancellationToken) =>
        CallAsync(AwsAction.Decrypt, (key, step, token) => key.TryUnwrapAsync(ciphertextBlob, encryptionContext, step, token), cancellationToken);

    /// <summary>AWS says that the key cannot be used. Counted once, until it can again.</summary>
    public void Refuse(ByokKeyUnavailableException refusal)
    {
        if (!Interlocked.Exchange(ref _isRefused, true))
        {
            Instruments.Revoked(refusal.Reason);
        }

        Refused?.Invoke(Arn, refusal);
    }

    /// <summary>Ends trials that are under way.</summary>
    public void Dispose() => _disposed.Cancel();

    /// <summary>
    /// Begins a new session where there are sessions, to see whether the role still may be assumed; the old one is given up if not. A session that has begun outlives its role's trust.
    /// </summary>
    /// <exception cref="ByokException">AWS STS refused or could not be reached.</exception>
    public async Task RenewSessionAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _regions[0].RenewSessionAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (ByokKeyUnavailableException e)
        {
            Array.ForEach(_regions, key => key.GiveUpSession());
            Refuse(e);
            throw;
        }
    }

    private async Task<TAnswer> CallAsync<TAnswer>(
        string action, Func<WrappingKey, GuardedCalls.Step, CancellationToken, Task<TAnswer>> attempt, CancellationToken cancellationToken)
    {
        var step = new GuardedCalls.Step { Action = action };
        try
        {
            var answer = await _regions[0].Calls.CompleteAsync(step, token => TryRegionsAsync(step, attempt, token), cancellationToken).ConfigureAwait(false);
            Volatile.Write(ref _isRefused, false);
            return answer;
        }
        catch (ByokKeyUnavailableException e)
        {
            Refuse(e);
            throw;
        }
    }

    private async Task<TAnswer> TryRegionsAsync<TAnswer>(
        GuardedCalls.Step step, Func<WrappingKey, GuardedCalls.Step, CancellationToken, Task<TAnswer>> attempt, CancellationToken cancellationToken)
    {
        var regions = Usable();
        ByokException? first = null;
        for (var i = 0; ; i++)
        {
            try
            {
                return await attempt(regions[i], step, cancellationToken).ConfigureAwait(false);
            }
            catch (ByokException e) when (i + 1 < regions.Length && MayFailOver(e))
            {
                first ??= e;
                Instruments.FailedOver(regions[i].Arn.Region, CauseOf(e));
                if (e is ByokKeyUnavailableException refusal)
                {
                    _logger.FailedOverRefusal(step.Action, regions[i].Arn, refusal.Reason, regions[i + 1].Arn.Region);
                }
                else
                {
                    _logger.FailedOver(step.Action, regions[i].Arn, regions[i + 1].Arn.Region);
                }
            }
            catch (ByokServiceException) when (first is not null)
            {
                throw first; // of several Regions that are down, the customer's own is told of
            }
        }
    }

    private static string CauseOf(ByokException error) => error switch
    {
        ByokKeyUnavailableException => FailoverCause.Refused,
        ByokServiceException { Trouble: ServiceTrouble.Throttled } => FailoverCause.Throttled,
        _ => FailoverCause.Outage,
    };

    private bool MayFailOver(ByokException error) => error switch
    {
        ByokServiceException service => service.IsTransient,
        ByokKeyUnavailableException => _failoverOnRefusal,
        _ => false,
    };

    /// <summary>The Regions to try, in order: those whose circuit breaker is closed, or all if none is.</summary>
    private WrappingKey[] Usable()
    {
        if (_regions.Length == 1 || Array.TrueForAll(_regions, key => key.Calls.Gate.Open is null))
        {
            return _regions;
        }

        var closed = Array.FindAll(_regions, key => key.Calls.Gate.Open is null);
        if (closed.Length == 0)
        {
            return _regions;
        }

        foreach (var key in _regions)
        {
            if (key.Calls.Gate.TryBeginTrial())
            {
                var caller = Activities.Caller;
                _ = SharedWork.Start(() => TrialAsync(key, caller));
            }
        }

        if (closed[0] != _regions[0])
        {
            Instruments.FailedOver(Arn.Region, FailoverCause.Breaker);
        }

        return closed;
    }

    private async Task TrialAsync(WrappingKey key, ActivityContext caller)
    {
        using var activity = Activities.StartShared(Activities.TryRegion, caller); // nobody waits for it
        try
        {
            // That kms:DescribeKey is denied shows as well that the Region is back: the circuit breaker closes.
            await key.TryDescribeAsync(new GuardedCalls.Step { Action = AwsAction.DescribeKey }, _disposed.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ByokException or OperationCanceledException or ObjectDisposedException)
        {
            // Still down, or alive and refusing; either way the circuit breaker knows.
        }
        finally
        {
            key.Calls.Gate.EndTrial();
        }
    }
}
