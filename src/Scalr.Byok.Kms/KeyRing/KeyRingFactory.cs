using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Kms;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>Makes a key ring, or just its keys, from settings that were validated.</summary>
internal sealed class KeyRingFactory
{
    private readonly ByokOptions _options;
    private readonly CredentialStrategies _strategies;
    private readonly KmsClients _clients;
    private readonly AwsPipeline _pipeline;
    private readonly AgeClock _clock;
    private readonly ILogger<ByokKeyRing> _logger;

    public KeyRingFactory(
        IOptions<ByokOptions> options,
        CredentialStrategies strategies,
        KmsClients clients,
        AwsPipeline pipeline,
        AgeClock clock,
        ILogger<ByokKeyRing> logger)
    {
        _options = options.Value;
        _strategies = strategies;
        _clients = clients;
        _pipeline = pipeline;
        _clock = clock;
        _logger = logger;
    }

    /// <param name="settings">The settings.</param>
    /// <param name="tenant">The tenant that the ring's messages are bound to; null if to none.</param>
    /// <param name="names">The other names that mean the tenant; null if there are none.</param>
    public TracedKeyRing Create(ByokKeySettings settings, string? tenant = null, TenantNames? names = null) =>
        new(new ByokKeyRing(CreateKeys(settings), _options, _clock, _logger, tenant, names));

    /// <summary>The keys of a ring, each with credentials of its own: a session begins in the Region of its key, so that an outage of another one does not concern it.</summary>
    public CustomerKeys CreateKeys(ByokKeySettings settings)
    {
        var arn = KmsKeyArn.Parse(settings.KeyArn!);
        var replicas = (settings.ReplicaRegions ?? []).Select(region => arn.InRegion(region)).ToList();
        var previous = (settings.PreviousKeys ?? []).Select(key => (Arn: KmsKeyArn.Parse(key.KeyArn!), key.Credentials)).ToList();
        KmsKeyArn[] all = [arn, .. replicas, .. previous.Select(key => key.Arn)];
        return new CustomerKeys(
            CreateKey([arn, .. replicas], settings.Credentials, all),
            previous.ConvertAll(key => CreateKey([key.Arn], key.Credentials, all)));
    }

    private KmsKey CreateKey(KmsKeyArn[] regions, ByokCredentialSettings settings, KmsKeyArn[] all) => new(
        Array.ConvertAll(regions, arn => CreateRegion(arn, settings, all)), _options.FailoverOnRevokedReplica, _pipeline, _clock, _logger);

    private KmsRegion CreateRegion(KmsKeyArn arn, ByokCredentialSettings settings, KmsKeyArn[] all)
    {
        var credentials = _strategies.Find(settings.Type)!.CreateCredentials(settings, [arn, .. all.Where(other => other != arn)]);
        return new KmsRegion(arn, credentials, _clients.Create, _pipeline, _clock, _logger);
    }
}
