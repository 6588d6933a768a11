using Polly;

namespace Scalr.Byok.Kms.Resilience;

/// <summary>What stands between a key ring and AWS, outermost first: the total time limit, then the time limit of an attempt.</summary>
/// <remarks>Retries and circuit breakers belong between the two; the AWS SDK's own are off (<see cref="AwsClientConfiguration"/>).</remarks>
internal sealed class AwsPipeline
{
    private readonly ResiliencePipeline _pipeline;

    public AwsPipeline(ByokResilienceOptions options, TimeProvider time) =>
        _pipeline = new ResiliencePipelineBuilder { TimeProvider = time }
            .AddTimeout(options.TotalTimeout)
            .AddTimeout(options.AttemptTimeout)
            .Build();

    public async Task<TResult> ExecuteAsync<TState, TResult>(
        TState state, Func<TState, CancellationToken, Task<TResult>> attempt, CancellationToken cancellationToken) =>
        await _pipeline.ExecuteAsync(
            static async (call, token) => await call.Attempt(call.State, token).ConfigureAwait(false),
            (State: state, Attempt: attempt),
            cancellationToken).ConfigureAwait(false);
}
