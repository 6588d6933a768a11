namespace Scalr.Byok.Kms.Tests.Verification;

/// <summary>What a verification told of its progress, at once and in order; unlike <see cref="Progress{T}"/>, which tells on another thread.</summary>
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
