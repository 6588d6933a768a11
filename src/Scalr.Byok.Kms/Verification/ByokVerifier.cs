using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.KeyRing;

namespace Scalr.Byok.Kms.Verification;

/// <summary>Verifies settings, each time in a new <see cref="VerificationRun"/>.</summary>
internal sealed class ByokVerifier : IByokVerifier
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);

    private readonly TimeSpan _totalTimeout;
    private readonly KeySettingsValidator _validator;
    private readonly CredentialStrategies _strategies;
    private readonly KeyRingFactory _factory;
    private readonly HostRings _rings;
    private readonly TenantOwnership _ownership;
    private readonly string? _hostAccountId;
    private readonly TimeProvider _time;

    public ByokVerifier(
        IOptions<ByokOptions> options,
        KeySettingsValidator validator,
        CredentialStrategies strategies,
        KeyRingFactory factory,
        HostRings rings,
        TenantOwnership ownership,
        TimeProvider time)
    {
        _ownership = ownership;
        _hostAccountId = options.Value.HostAccountId;
        _rings = rings;
        _totalTimeout = options.Value.Resilience.TotalTimeout;
        _validator = validator;
        _strategies = strategies;
        _factory = factory;
        _time = time;
    }

    public Task<ByokVerification> VerifyAsync(ByokKeySettings settings, string? tenant, CancellationToken cancellationToken = default) =>
        VerifyAsync(settings, tenant, new ByokVerificationOptions(), cancellationToken);

    public async Task<ByokVerification> VerifyAsync(
        ByokKeySettings settings, string? tenant, ByokVerificationOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(options);
        if (options.WaitForPropagation < TimeSpan.Zero || options.WaitForPropagation > LongestWait)
        {
            throw new ArgumentOutOfRangeException(
                nameof(options), options.WaitForPropagation, $"WaitForPropagation must be {TimeSpan.Zero} to {LongestWait}.");
        }

        if (settings.IsPlatform)
        {
            throw new ArgumentException(
                $"The settings are {nameof(ByokKeySettings)}.{nameof(ByokKeySettings.Platform)}, which no customer can correct. "
                + $"{nameof(IByokKeyRing.ProbeAsync)} of the tenant's key ring shows the state of the platform key.",
                nameof(settings));
        }

        DemandHostAccount(settings);
        var owner = _rings.Find(tenant, nameof(tenant));
        var context = TriedContext.Of(owner.Tenant, options, nameof(options));
        cancellationToken.ThrowIfCancellationRequested();
        using var activity = Activities.Start(Activities.Verify);
        using var steps = new VerificationSteps(options, _totalTimeout, _time, cancellationToken);
        var run = new VerificationRun(
            OfCustomer(settings),
            _validator.FindErrors(settings),
            _factory,
            FindRole,
            _ownership.IsChecked ? token => _ownership.FindForeignAsync(settings, owner.Name, token) : null,
            steps,
            owner,
            context,
            _time);
        return await run.RunAsync().ConfigureAwait(false);
    }

    /// <summary>The settings without the platform key among the previous keys, which is not the customer's to correct.</summary>
    private static ByokKeySettings OfCustomer(ByokKeySettings settings) =>
        settings.PreviousKeys?.Any(static key => key?.IsPlatform == true) != true ? settings : new()
        {
            KeyArn = settings.KeyArn,
            Credentials = settings.Credentials,
            ReplicaRegions = settings.ReplicaRegions,
            PreviousKeys = [.. settings.PreviousKeys.Where(static key => !key.IsPlatform)],
        };

    /// <summary>Checks that the host's account is known, because the trust policies in remedies name it.</summary>
    private void DemandHostAccount(ByokKeySettings settings)
    {
        var all = (settings.PreviousKeys ?? []).Select(key => key?.Credentials).Prepend(settings.Credentials);
        if (_hostAccountId is null && all.Any(credentials => FindRole(credentials)?.Action == AwsAction.AssumeRole))
        {
            throw new InvalidOperationException(
                $"Settings with credentials of type {ByokCredentialSettings.AssumeRoleType} cannot be verified without the AWS account "
                + "of the host. "
                    + $"Set {nameof(ByokOptions.HostAccountId)} in the options of AddScalrByok.");
        }
    }

    private IRoleStrategy? FindRole(ByokCredentialSettings? credentials) => _strategies.Find(credentials?.Type) as IRoleStrategy;
}
