using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Audit;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Events;
using Scalr.Byok.Kms.Fleet;
using Scalr.Byok.Kms.Kms;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>Creates a key ring, or its keys alone, from validated settings.</summary>
internal sealed class KeyRingFactory
{
    private readonly ByokOptions _options;
    private readonly CredentialStrategies _strategies;
    private readonly HostCredentials _host;
    private readonly KmsClients _clients;
    private readonly AwsPipeline _pipeline;
    private readonly AgeClock _clock;
    private readonly ILogger<ByokKeyRing> _logger;
    private readonly AuditSinks? _audit;
    private readonly KeyEvents? _events;
    private readonly FleetSharing? _fleet;
    private readonly RingOptions _ringOptions;

    public KeyRingFactory(
        IOptions<ByokOptions> options,
        CredentialStrategies strategies,
        HostCredentials host,
        KmsClients clients,
        AwsPipeline pipeline,
        AgeClock clock,
        ILogger<ByokKeyRing> logger,
        AuditSinks? audit,
        KeyEvents? events,
        FleetSharing? fleet)
    {
        _events = events;
        _options = options.Value;
        _ringOptions = RingOptions.From(_options);
        _strategies = strategies;
        _host = host;
        _clients = clients;
        _pipeline = pipeline;
        _clock = clock;
        _logger = logger;
        _audit = audit;
        _fleet = fleet;
    }

    /// <param name="settings">The settings.</param>
    /// <param name="owner">The owner of the ring.</param>
    /// <param name="names">The names that mean the same tenant; null if there are none.</param>
    public ByokKeyRing Create(ByokKeySettings settings, RingOwner owner, TenantNames? names = null) =>
        new(
            CreateKeys(settings, owner),
            _ringOptions,
            _clock,
            _logger,
            owner.Tenant,
            names,
            _events is null ? null : access => _events.Watch(owner, access));

    /// <summary>
    /// Creates the keys of a ring. Each Region has its own credentials, whose sessions begin in that Region, so that an outage of another
    /// Region does not affect it.
    /// </summary>
    /// <param name="settings">The settings.</param>
    /// <param name="owner">The owner of the ring.</param>
    /// <param name="isVerification">Whether the keys are for a verification, for audit records.</param>
    public CustomerKeys CreateKeys(ByokKeySettings settings, RingOwner owner, bool isVerification = false)
    {
        var audit = _audit is null ? null : new RingAudit(_audit, owner.Name, owner.IsTenant, isVerification);
        var arn = KmsKeyArn.Parse(settings.KeyArn!);
        var (replicas, previous) = (settings.ReplicaRegions ?? [], settings.PreviousKeys ?? []);

        // Arrays and loops: queries over key ARNs take long to compile, at each start of a host.
        var regions = new KmsKeyArn[1 + replicas.Count];
        regions[0] = arn;
        for (var i = 0; i < replicas.Count; i++)
        {
            regions[i + 1] = arn.InRegion(replicas[i]);
        }

        var previousArns = new KmsKeyArn[previous.Count];
        for (var i = 0; i < previous.Count; i++)
        {
            previousArns[i] = KmsKeyArn.Parse(previous[i].KeyArn!);
        }

        var all = CustomersOwn(settings, regions, previous, previousArns);
        var previousKeys = new KmsKey[previous.Count];
        var current = CreateKey(regions, settings.IsPlatform ? null : settings.Credentials, all, owner, audit);
        for (var i = 0; i < previous.Count; i++)
        {
            previousKeys[i] = CreateKey(
                [previousArns[i]], previous[i].IsPlatform ? null : previous[i].Credentials, all, owner, audit);
        }

        return new CustomerKeys(current, previousKeys);
    }

    /// <summary>
    /// The customer's keys, without the platform key: a session of the customer's role gets no permission for the platform key.
    /// </summary>
    private static KmsKeyArn[] CustomersOwn(
        ByokKeySettings settings, KmsKeyArn[] regions, IList<ByokPreviousKeySettings> previous, KmsKeyArn[] previousArns)
    {
        if (!settings.IsPlatform && previous.Count == 0)
        {
            return regions;
        }

        List<KmsKeyArn> all = settings.IsPlatform ? [] : [.. regions];
        for (var i = 0; i < previous.Count; i++)
        {
            if (!previous[i].IsPlatform)
            {
                all.Add(previousArns[i]);
            }
        }

        return [.. all];
    }

    /// <summary>Creates a key. Without credentials it is the platform key, used with the host's own identity.</summary>
    private KmsKey CreateKey(
        KmsKeyArn[] regions, ByokCredentialSettings? settings, KmsKeyArn[] all, RingOwner owner, RingAudit? audit)
    {
        var inRegions = new KmsRegion[regions.Length];
        for (var i = 0; i < regions.Length; i++)
        {
            inRegions[i] = CreateRegion(regions[i], settings, all, owner, audit);
        }

        return new KmsKey(inRegions, _options.FailoverOnRevokedReplica, _pipeline, _clock, _logger)
        {
            Fleet = _fleet is null ? null : Share(_fleet, regions, settings, owner),
        };
    }

    /// <summary>
    /// The key's entries in the fleet. Their slot depends on all that decides what AWS answers, so no entry counts for another tenant, key,
    /// credentials or host.
    /// </summary>
    private FleetKey Share(FleetSharing fleet, KmsKeyArn[] regions, ByokCredentialSettings? settings, RingOwner owner) => fleet.KeyOf(
    [
        owner.IsTenant ? "tenant" : "ring",
        owner.Name,
        settings?.Type ?? "platform",
        settings?.AccessKeyId,
        settings?.SecretAccessKey,
        settings?.RoleArn,
        settings?.ExternalId,
        settings?.Audience,
        _options.HostAccountId,
        _options.HostIdentity.AccessKeyId,
        _options.RoleSessionName,
        _options.FailoverOnRevokedReplica ? "any Region" : "first Region",
        .. regions.Select(static arn => arn.ToString()),
    ]);

    private KmsRegion CreateRegion(
        KmsKeyArn arn, ByokCredentialSettings? settings, KmsKeyArn[] all, RingOwner owner, RingAudit? audit)
    {
        // Trust boundary: the host's identity is never found by a type's name, which a customer could type.
        var credentials = settings is null ? _host : _strategies.Find(settings.Type)!.CreateCredentials(
            settings, new ByokCredentialContext(FirstOf(all, arn), owner) { Audit = audit });
        return new KmsRegion(arn, credentials, _clients, _pipeline, _clock, _logger) { Audit = audit };
    }

    /// <summary>All keys, one of them first. One array serves all credentials of a ring whose first key it is.</summary>
    private static KmsKeyArn[] FirstOf(KmsKeyArn[] all, KmsKeyArn first) =>
        all.Length == 1 || all[0] == first ? all : [first, .. Array.FindAll(all, other => other != first)];
}
