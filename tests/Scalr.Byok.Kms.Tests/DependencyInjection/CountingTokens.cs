using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.DependencyInjection;

/// <summary>A host's own issuer, made by the container.</summary>
internal sealed class CountingTokens : IOidcTokenProvider
{
    private readonly ByokWorld _world;
    private int _calls;

    public CountingTokens(ByokWorld world) => _world = world;

    public int Calls => _calls;

    public ValueTask<string> GetTokenAsync(OidcTokenRequest request, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _calls);
        return new ValueTask<string>(_world.Token(request.Audience, ByokWorld.Subject));
    }
}
