using System.Security.Cryptography;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Kms;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Events;

/// <summary>Watches one key of one ring: passes changes to the tracker, and queries a key in use by kms:DescribeKey.</summary>
/// <remarks>
/// A key in use is confirmed once per interval, so the answers of AWS drive the queries. Without uses nothing runs, and there is no timer.
/// The result decides nothing about the use of the key: confirmations do.
/// </remarks>
internal sealed class KeyWatch : IKeyListener, IDisposable
{
    private readonly KeyEvents _events;
    private readonly TimeSpan _interval;

    /// <summary>The timestamp from which the next query may begin. The thread that moves it on begins the query.</summary>
    private long _queryDue;

    public KeyWatch(KeyEvents events, KeyTracker tracker, KeyAccess access)
    {
        _events = events;
        Tracker = tracker;
        Access = access;
        _interval = events.Options.QueryInterval;

        // A random part of the interval, so that tenants that start together do not query together.
        _queryDue = IsQuerying ? Later(_interval * (RandomNumberGenerator.GetInt32(1000) / 1000.0)) : long.MaxValue;
        access.Listen(this);
    }

    public KeyTracker Tracker { get; }

    public KeyAccess Access { get; }

    private bool IsQuerying => _interval > TimeSpan.Zero;

    public void Changed()
    {
        Tracker.Changed(this);

        // Not in an outage: a query would only add to the load, and is due afterwards.
        var due = Volatile.Read(ref _queryDue);
        if (_events.Time.GetTimestamp() >= due && Access.State.Error is not ByokServiceException
            && Interlocked.CompareExchange(ref _queryDue, Later(_interval), due) == due)
        {
            // In the ring's background work, so it ends with the ring, and is never on a caller's thread.
            _ = Access.Work.Start(QueryAsync);
        }
    }

    /// <summary>Makes the next query due at the next answer of AWS. Called when a query will have something to tell.</summary>
    public void QuerySoon()
    {
        if (IsQuerying)
        {
            Volatile.Write(ref _queryDue, long.MinValue);
        }
    }

    public void Dispose() => _events.Leave(this);

    private async Task QueryAsync()
    {
        var disposed = Access.Work.Disposed;
        if (!await _events.MayQueryAsync(Tracker, disposed).ConfigureAwait(false))
        {
            return;
        }

        // One request for the key's own Region; without replicas. An expected denial is not logged: it is an event.
        var call = new KmsCall(AwsAction.DescribeKey) { ExpectsDenial = true };
        var probe = new KeyProbe(Access.Key, Access.Key.Regions[0], [], [], _events.Time);
        var (health, error) = await probe.ExamineAsync(call, disposed).ConfigureAwait(false);
        Tracker.Warn(this, health, error, call.RequestId);
    }

    private long Later(TimeSpan time) => _events.Time.GetTimestamp() + (long)(time.TotalSeconds * _events.Time.TimestampFrequency);
}
