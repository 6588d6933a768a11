using Amazon.KeyManagementService;
using Amazon.Runtime;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Kms;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>Makes a key ring from settings that were validated.</summary>
internal sealed class KeyRingFactory
{
    private readonly ByokOptions _options;
    private readonly CredentialStrategies _strategies;
    private readonly KmsClients _clients;
    private readonly AwsPipeline _pipeline;
    private readonly ILogger<ByokKeyRing> _logger;

    public KeyRingFactory(
        IOptions<ByokOptions> options, CredentialStrategies strategies, KmsClients clients, AwsPipeline pipeline, ILogger<ByokKeyRing> logger)
    {
        _options = options.Value;
        _strategies = strategies;
        _clients = clients;
        _pipeline = pipeline;
        _logger = logger;
    }

    public ByokKeyRing Create(ByokKeySettings settings)
    {
        var current = CreateKey(settings.KeyArn!, settings.Credentials);
        var previous = (settings.PreviousKeys ?? []).Select(key => CreateKey(key.KeyArn!, key.Credentials));
        return new ByokKeyRing(current.Arn, new DataKeySource(current, previous), _options);
    }

    private WrappingKey CreateKey(string keyArn, ByokCredentialSettings settings)
    {
        var arn = KmsKeyArn.Parse(keyArn);
        var credentials = _strategies.Find(settings.Type)!.CreateCredentials(settings, arn);
        return new WrappingKey(arn, credentials, _clients.Create, _pipeline, _logger);
    }
}
