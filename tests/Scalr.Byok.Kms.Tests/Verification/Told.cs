namespace Scalr.Byok.Kms.Tests.Verification;

/// <summary>The progress reports of a verification, at once and in order; <see cref="Progress{T}"/> reports on another thread.</summary>
internal sealed class Told : IProgress<ByokVerificationProgress>
{
    private readonly Action<ByokVerificationProgress>? _then;

    public Told(Action<ByokVerificationProgress>? then = null) => _then = then;

    public List<ByokVerificationProgress> All { get; } = [];

    public IEnumerable<ByokVerificationProgress> Retries => All.Where(progress => progress.RetryIn is not null);

    public void Report(ByokVerificationProgress value)
    {
        All.Add(value);
        _then?.Invoke(value);
    }
}
