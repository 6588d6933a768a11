using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms.Benchmarks;

/// <summary>A stream that may always go on.</summary>
internal sealed class FreeUse : IStreamUse
{
    public static readonly FreeUse Instance = new();

    public CancellationToken Stopped => CancellationToken.None;

    public Exception? End => null;

    public ValueTask EnsureAsync(CancellationToken cancellationToken) => default;
}
