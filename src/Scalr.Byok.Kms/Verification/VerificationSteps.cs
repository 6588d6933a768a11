namespace Scalr.Byok.Kms.Verification;

/// <summary>Runs the steps of one verification: under its deadline, denied ones again, each reported and kept.</summary>
internal sealed class VerificationSteps : IDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(15);

    private readonly IProgress<ByokVerificationProgress>? _progress;
    private readonly TimeSpan _limit;
    private readonly TimeProvider _time;
    private readonly CancellationToken _caller;
    private readonly CancellationTokenSource _deadline;
    private readonly CancellationTokenSource _end;
    private readonly List<ByokVerificationStep> _done = [];
    private readonly long _start;
    private TimeSpan _patience;

    /// <param name="options">How long denied steps are tried again, and who is told.</param>
    /// <param name="totalTimeout">How long all may take, the waiting for IAM not counted.</param>
    /// <param name="time">The clock.</param>
    /// <param name="caller">Ends the verification with an exception.</param>
    public VerificationSteps(ByokVerificationOptions options, TimeSpan totalTimeout, TimeProvider time, CancellationToken caller)
    {
        _progress = options.Progress;
        _patience = options.WaitForPropagation;
        _limit = totalTimeout + options.WaitForPropagation;
        _time = time;
        _caller = caller;
        _deadline = new CancellationTokenSource(_limit, time);
        _end = CancellationTokenSource.CreateLinkedTokenSource(caller, _deadline.Token);
        _start = time.GetTimestamp();
    }

    public IReadOnlyList<ByokVerificationStep> Done => _done;

    public TimeSpan Elapsed => _time.GetElapsedTime(_start);

    /// <summary>Runs one step.</summary>
    /// <param name="check">What it looks at.</param>
    /// <param name="region">Where.</param>
    /// <param name="attempt">One try; anything that AWS refuses is thrown.</param>
    /// <param name="explain">Makes a result of what AWS refused or failed to do.</param>
    /// <returns>Whether steps that build on it can go on.</returns>
    public async Task<bool> RunAsync(
        ByokVerificationCheck check,
        string? region,
        Func<CancellationToken, Task<StepResult>> attempt,
        Func<ByokException, CancellationToken, Task<StepResult>> explain)
    {
        var begin = _time.GetTimestamp();
        for (var (tries, pause) = (1, FirstPause); ; tries++, pause = Shorter(pause * 2, LongestPause))
        {
            var result = await TryAsync(attempt, explain).ConfigureAwait(false);
            var step = result.ToStep(check, region, _time.GetElapsedTime(begin));
            pause = Shorter(pause, _patience);
            if (!result.IsDenied || pause <= TimeSpan.Zero)
            {
                Add(step, tries);
                return result.Outcome is ByokVerificationOutcome.Passed or ByokVerificationOutcome.Warning;
            }

            _patience -= pause;
            var next = Task.Delay(pause, _time, _caller); // the clock runs before anybody is told of it
            _progress?.Report(new ByokVerificationProgress(step, tries, pause));
            await next.ConfigureAwait(false);
        }
    }

    /// <summary>Adds a step that needed no try.</summary>
    public void Add(ByokVerificationCheck check, string? region, StepResult result) => Add(result.ToStep(check, region, TimeSpan.Zero), tries: 0);

    public void Dispose()
    {
        _end.Dispose();
        _deadline.Dispose();
    }

    private static TimeSpan Shorter(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private async Task<StepResult> TryAsync(
        Func<CancellationToken, Task<StepResult>> attempt, Func<ByokException, CancellationToken, Task<StepResult>> explain)
    {
        try
        {
            try
            {
                return await attempt(_end.Token).ConfigureAwait(false);
            }
            catch (ByokException e)
            {
                return await explain(e, _end.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_caller.IsCancellationRequested)
        {
            throw new OperationCanceledException(_caller);
        }
        catch (OperationCanceledException) when (_deadline.IsCancellationRequested)
        {
            return StepResult.Fail(
                $"The verification did not finish within {_limit.TotalSeconds:0.###} s, because AWS or the host's token provider did not answer in time.",
                "Try again later; nothing is known to be wrong with the settings.");
        }
        catch (Exception e)
        {
            return StepResult.HostFailed(e); // AWS's answers and failures are all ByokExceptions by now
        }
    }

    private void Add(ByokVerificationStep step, int tries)
    {
        _done.Add(step);
        _progress?.Report(new ByokVerificationProgress(step, tries, RetryIn: null));
    }
}
