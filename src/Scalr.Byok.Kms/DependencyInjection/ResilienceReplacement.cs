using Polly;

namespace Scalr.Byok.Kms.DependencyInjection;

/// <summary>What the host wants in the place of the library's retries.</summary>
internal sealed record ResilienceReplacement(Action<ResiliencePipelineBuilder> Build);
