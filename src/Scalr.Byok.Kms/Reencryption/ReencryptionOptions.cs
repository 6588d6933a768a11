namespace Scalr.Byok.Kms;

/// <summary>How <see cref="ByokReencryption"/> runs. Read when the run starts.</summary>
public sealed class ReencryptionOptions
{
    /// <summary>The checkpoint to resume from (<see cref="ReencryptionProgress.Checkpoint"/>). Null, the default: the first item.</summary>
    public string? Checkpoint { get; set; }

    /// <summary>
    /// The largest number of items that are read, and written, at once: 1 to 100,000. Default: 500. For large items, such as files, use 1.
    /// For messages whose encryption context differs per item, which cost AWS calls, use less than the default.
    /// </summary>
    public int BatchSize { get; set; } = 500;

    /// <summary>
    /// The largest number of batches that are processed at the same time: 1 to 1,000. Default: 4. The run reads one more batch ahead, so
    /// memory is bounded by this number plus 1, times <see cref="BatchSize"/> items.
    /// </summary>
    public int MaxDegreeOfParallelism { get; set; } = 4;

    /// <summary>
    /// The largest number of items that are read per second on average, in the final count too. Null, the default: no limit.
    /// </summary>
    public double? MaxItemsPerSecond { get; set; }

    /// <summary>
    /// The number of kms:Encrypt and kms:Decrypt per second that must not be exceeded on average, so that the customer's quota is left for
    /// others. Null, the default: no limit.
    /// </summary>
    /// <remarks>
    /// All calls of the two rings in this process count, other callers' included. The run waits before an item until the average allows it;
    /// items that are under way may exceed the limit for a moment by three calls each. Calls by open data keys do not count: at most one
    /// per three fifths of <see cref="ByokOptions.ConfirmationInterval"/>.
    /// </remarks>
    public double? MaxKmsCallsPerSecond { get; set; }

    /// <summary>
    /// Whether items are only decrypted, encrypted and verified, and nothing is written. Costs the same AWS calls. Default: false.
    /// </summary>
    public bool DryRun { get; set; }

    /// <summary>
    /// Whether each new content is decrypted and compared before the old one is replaced. Costs one kms:Decrypt for each new data key of
    /// messages, and none for values. Default: true.
    /// </summary>
    public bool Verify { get; set; } = true;

    /// <summary>
    /// Whether the run stops at the first item that cannot be moved, with a <see cref="ByokDecryptionException"/>. Default: false: such
    /// items are left as they are and reported (<see cref="ReencryptionProgress.NewlyQuarantined"/>).
    /// </summary>
    public bool StopOnFailure { get; set; }

    /// <summary>
    /// How long a run waits while the key is unavailable or AWS gives no usable answer: 0 to 30 days. Default: 1 hour. Then the exception
    /// ends the run. 0: the exception ends the run at once.
    /// </summary>
    public TimeSpan MaxPause { get; set; } = TimeSpan.FromHours(1);

    /// <summary>
    /// The longest time between two attempts during a pause: 1 second to 1 hour. Default: 1 minute. The first attempt comes after 1 second,
    /// and the time doubles. A longer time that AWS asks for is observed.
    /// </summary>
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>A copy, so that later changes do not affect a run.</summary>
    /// <exception cref="ArgumentException">A value is out of range.</exception>
    internal static ReencryptionOptions Snapshot(ReencryptionOptions? options, string parameterName)
    {
        var copy = options is null ? new ReencryptionOptions() : (ReencryptionOptions)options.MemberwiseClone();
        Check(copy.BatchSize is >= 1 and <= 100_000, nameof(BatchSize), "1 to 100,000");
        Check(copy.MaxDegreeOfParallelism is >= 1 and <= 1000, nameof(MaxDegreeOfParallelism), "1 to 1,000");
        Check(copy.MaxItemsPerSecond is null or (> 0 and < 1e9), nameof(MaxItemsPerSecond), "more than 0");
        Check(copy.MaxKmsCallsPerSecond is null or (> 0 and < 1e9), nameof(MaxKmsCallsPerSecond), "more than 0");
        Check(copy.MaxPause >= TimeSpan.Zero && copy.MaxPause <= TimeSpan.FromDays(30), nameof(MaxPause), "0 to 30 days");
        Check(
            copy.MaxRetryDelay >= TimeSpan.FromSeconds(1) && copy.MaxRetryDelay <= TimeSpan.FromHours(1),
            nameof(MaxRetryDelay),
            "1 second to 1 hour");
        Check(copy.TimeProvider is not null, nameof(TimeProvider), "a clock");
        return copy;

        void Check(bool isValid, string property, string range)
        {
            if (!isValid)
            {
                throw new ArgumentException($"{property} must be {range}.", parameterName);
            }
        }
    }
}
