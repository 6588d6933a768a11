namespace Scalr.Byok.Kms.Verification;

/// <summary>Runs the steps of one verification within its time limit, repeats denied ones, and reports and keeps their results.</summary>
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

    /// <param name="options">The time for retries, and the receiver of progress reports.</param>
    /// <param name="totalTimeout">The time limit of all steps, without the wait for IAM.</param>
    /// <param name="time">The clock.</param>
    /// <param name="caller">Cancels the verification with an exception.</param>
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
    /// <param name="check">The subject of the step.</param>
    /// <param name="region">The Region of the step.</param>
    /// <param name="attempt">One attempt. Throws if AWS denies.</param>
    /// <param name="explain">Turns an exception into a result.</param>
    /// <returns>Whether dependent steps can continue.</returns>
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
            // the timer starts before the report, so that a test that advances its clock on the report ends the pause
            var next = Task.Delay(pause, _time, _caller);
            _progress?.Report(new ByokVerificationProgress(step, tries, pause));
            await next.ConfigureAwait(false);
        }
    }

    /// <summary>Adds a step without attempts.</summary>
    public void Add(ByokVerificationCheck check, string? region, StepResult result) =>
        Add(result.ToStep(check, region, TimeSpan.Zero), tries: 0);

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
                $"The verification did not finish within {_limit.TotalSeconds:0.###} s, because AWS or the host's token provider did "
                + "not answer in time.",
                "Try again later; nothing is known to be wrong with the settings.");
        }
        catch (Exception e)
        {
            return StepResult.HostFailed(e); // answers and failures of AWS are ByokExceptions at this point
        }
    }

    private void Add(ByokVerificationStep step, int tries)
    {
        _done.Add(step);
        _progress?.Report(new ByokVerificationProgress(step, tries, RetryIn: null));
    }
}
