using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.KeyRing;

namespace Scalr.Byok.Kms.Verification;

/// <summary>Verifies settings, each time in a <see cref="VerificationRun"/> of its own.</summary>
internal sealed class ByokVerifier : IByokVerifier
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);

    private readonly TimeSpan _totalTimeout;
    private readonly KeySettingsValidator _validator;
    private readonly CredentialStrategies _strategies;
    private readonly KeyRingFactory _factory;
    private readonly TimeProvider _time;

    public ByokVerifier(
        IOptions<ByokOptions> options, KeySettingsValidator validator, CredentialStrategies strategies, KeyRingFactory factory, TimeProvider time)
    {
        _totalTimeout = options.Value.Resilience.TotalTimeout;
        _validator = validator;
        _strategies = strategies;
        _factory = factory;
        _time = time;
    }

    public Task<ByokVerification> VerifyAsync(ByokKeySettings settings, CancellationToken cancellationToken = default) =>
        VerifyAsync(settings, new ByokVerificationOptions(), cancellationToken);

    public async Task<ByokVerification> VerifyAsync(ByokKeySettings settings, ByokVerificationOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(options);
        if (options.WaitForPropagation < TimeSpan.Zero || options.WaitForPropagation > LongestWait)
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.WaitForPropagation, $"WaitForPropagation must be {TimeSpan.Zero} to {LongestWait}.");
        }

        var context = TriedContext.Of(options, nameof(options));
        cancellationToken.ThrowIfCancellationRequested();
        using var activity = Activities.Start(Activities.Verify);
        using var steps = new VerificationSteps(options, _totalTimeout, _time, cancellationToken);
        var run = new VerificationRun(
            settings, _validator.Complaints(settings), _factory, credentials => _strategies.Find(credentials?.Type) as IRoleStrategy, steps, context, _time);
        return await run.RunAsync().ConfigureAwait(false);
    }
}
