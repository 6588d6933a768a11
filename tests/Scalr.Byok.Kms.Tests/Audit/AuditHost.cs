using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Audit;

/// <summary>A host with a ring and an audit sink that keeps all records.</summary>
internal sealed class AuditHost : IByokAuditSink
{
    private readonly List<ByokAuditRecord> _records = [];
    private readonly ByokWorld _world;

    public AuditHost(ByokWorld world, string type, Action<ByokOptions>? options = null, Action<ByokKeySettings>? settings = null)
    {
        _world = world;
        var services = world.Services(o =>
        {
            // An unsigned request names its Region by the address only.
            Array.ForEach(ByokWorld.AllowedRegions, region => o.Endpoints.Sts[region] = world.Aws.EndpointIn(region));
            options?.Invoke(o);
        });
        var its = world.Settings(type);
        settings?.Invoke(its);
        services.AddScalrByok().AddAuditSink(this).AddKeyRing(ring =>
        {
            (ring.KeyArn, ring.Credentials) = (its.KeyArn, its.Credentials);
            (ring.ReplicaRegions, ring.PreviousKeys) = (its.ReplicaRegions, its.PreviousKeys);
        });
        Provider = world.Build(services);
        Ring = Provider.GetRequiredService<IByokKeyRing>();
    }

    public ServiceProvider Provider { get; }

    public IByokKeyRing Ring { get; }

    public IReadOnlyList<ByokAuditRecord> Records
    {
        get
        {
            lock (_records)
            {
                return [.. _records];
            }
        }
    }

    public void Record(ByokAuditRecord record)
    {
        lock (_records)
        {
            _records.Add(record);
        }
    }

    /// <summary>Each request that AWS received has exactly one record, with the same facts; and each record is one of a request.</summary>
    public async Task DemandOneRecordEachAsync()
    {
        await ByokWorld.UntilAsync(() => Records.Count >= _world.Aws.Log.Requests.Count, "records are missing");
        var (records, requests) = (Records, _world.Aws.Log.Requests);
        var byId = records.ToDictionary(record => record.Id);
        Assert.That(records, Has.Count.EqualTo(requests.Count));
        foreach (var request in requests)
        {
            var id = byId.Keys.SingleOrDefault(id => request.UserAgent!.Contains($"md/byok-audit#{id}", StringComparison.Ordinal));
            Assert.That(id, Is.Not.Null, $"{request} has a record");
            Assert.That(request.UserAgent, Has.Length.LessThan(1024), "AWS CloudTrail shows it whole");
            byId.Remove(id!, out var record);
            Assert.That(
                (record!.Operation, record.RoleArn ?? record.KeyArn, record.Region),
                Is.EqualTo(($"{request.Service}:{request.Operation}", request.Key, request.Region)));
            Assert.That(record.Time, Is.LessThanOrEqualTo(request.Time));
            if (record.Outcome == ByokAuditOutcome.NoAnswer)
            {
                Assert.That(record.RequestId, Is.Null);
                continue;
            }

            Assert.That((record.RequestId, record.ErrorCode), Is.EqualTo((request.RequestId, request.ErrorCode)));
            Assert.That(record.Outcome, Is.EqualTo(request.ErrorCode is null ? ByokAuditOutcome.Success : ByokAuditOutcome.Error));
        }
    }
}
