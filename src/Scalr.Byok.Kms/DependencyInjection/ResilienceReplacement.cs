using Polly;

namespace Scalr.Byok.Kms.DependencyInjection;

/// <summary>The strategies of the host that replace the library's retries.</summary>
internal sealed record ResilienceReplacement(Action<ResiliencePipelineBuilder> Build);
