using System.Security.Cryptography;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.KeyRing;
using Scalr.Byok.Kms.Kms;
using static Scalr.Byok.Kms.ByokVerificationCheck;

namespace Scalr.Byok.Kms.Verification;

/// <summary>One verification of one customer's settings: which steps there are, in which order, and which need which.</summary>
internal sealed class VerificationRun
{
    private const string NotTried = "Not tried, because an earlier step failed.";
    private const int ValueLength = 32;

    private readonly ByokKeySettings _settings;
    private readonly IReadOnlyList<SettingsComplaint> _complaints;
    private readonly KeyRingFactory _factory;
    private readonly Func<ByokCredentialSettings?, IRoleStrategy?> _findRole;
    private readonly IRoleStrategy? _role;
    private readonly VerificationSteps _steps;
    private readonly IReadOnlyDictionary<string, string> _context;
    private readonly TimeProvider _time;
    private KeyHealth? _health;

    /// <param name="settings">What the customer typed.</param>
    /// <param name="complaints">What is wrong with it at first sight.</param>
    /// <param name="factory">Makes the keys, once nothing is.</param>
    /// <param name="findRole">The strategy of some credentials' type, if it assumes a role.</param>
    /// <param name="steps">Runs and keeps the steps.</param>
    /// <param name="context">The encryption context of the kms:Encrypt and kms:Decrypt requests.</param>
    /// <param name="time">The clock.</param>
    public VerificationRun(
        ByokKeySettings settings,
        IReadOnlyList<SettingsComplaint> complaints,
        KeyRingFactory factory,
        Func<ByokCredentialSettings?, IRoleStrategy?> findRole,
        VerificationSteps steps,
        IReadOnlyDictionary<string, string> context,
        TimeProvider time)
    {
        _settings = settings;
        _complaints = complaints;
        _factory = factory;
        _findRole = findRole;
        _role = findRole(settings.Credentials);
        _steps = steps;
        _context = context;
        _time = time;
    }

    public async Task<ByokVerification> RunAsync()
    {
        KmsKeyArn? arn = KmsKeyArn.TryParse(_settings.KeyArn, out var parsed) ? parsed : null;
        CheckSettings(KeyArn, arn, arn is { } key ? $"The key ARN names a {(key.IsMultiRegion ? "multi-Region key" : "key")} of account {key.AccountId}." : "");
        CheckSettings(AllowedRegion, arn, $"Region {arn?.Region} is allowed.");
        CheckSettings(ByokVerificationCheck.Settings, arn, "The settings are complete.");
        if (_complaints.Count > 0)
        {
            SkipKeys(arn?.Region, StepResult.Skip(NotTried));
        }
        else if (CreateKeys(out var failure) is { } keys)
        {
            using (keys)
            {
                await TryKeysAsync(keys).ConfigureAwait(false);
            }
        }
        else
        {
            SkipKeys(arn?.Region, StepResult.HostFailed(failure!));
        }

        return new ByokVerification { Steps = _steps.Done, KeyHealth = _health, Duration = _steps.Elapsed };
    }

    private void CheckSettings(ByokVerificationCheck check, KmsKeyArn? arn, string allWell)
    {
        var part = check switch
        {
            AllowedRegion => SettingsPart.AllowedRegion,
            KeyArn => SettingsPart.KeyArn,
            _ => SettingsPart.Rest,
        };
        var complaints = _complaints.Where(complaint => complaint.Part == part).Select(complaint => complaint.Text).ToList();
        StepResult result = complaints switch
        {
            [] when check == AllowedRegion && arn is null => StepResult.Skip(NotTried),
            [] => StepResult.Pass(allWell),
            _ => StepResult.Fail(string.Join(" ", complaints), "Correct the settings."),
        };
        _steps.Add(check, arn?.Region, result);
    }

    /// <summary>The keys; null if a strategy of the host's threw instead of making credentials.</summary>
    private CustomerKeys? CreateKeys(out Exception? failure)
    {
        try
        {
            failure = null;
            return _factory.CreateKeys(_settings);
        }
        catch (Exception e)
        {
            failure = e;
            return null;
        }
    }

    private void SkipKeys(string? region, StepResult credentials)
    {
        _steps.Add(ByokVerificationCheck.Credentials, region, credentials);
        List<(ByokVerificationCheck Check, string? Region)> skipped = [(DescribeKey, region), (Encrypt, region), (Decrypt, region)];
        skipped.InsertRange(0, _role is null ? [] : [(ByokVerificationCheck.RoleTrust, region)]);
        skipped.AddRange((_settings.ReplicaRegions ?? []).Select(replica => (Replica, (string?)replica)));
        skipped.AddRange((_settings.PreviousKeys ?? []).Select(key => (PreviousKey, KmsKeyArn.TryParse(key?.KeyArn, out var arn) ? arn.Region : null)));
        foreach (var (check, where) in skipped)
        {
            _steps.Add(check, where, StepResult.Skip(NotTried));
        }
    }

    private async Task TryKeysAsync(CustomerKeys keys)
    {
        var key = new TestedKey(keys.Current, keys.Current.Regions[0]);
        var region = key.Arn.Region;
        var advice = new VerificationAdvice(key, _settings.Credentials, _role) { ReplicaRegions = _settings.ReplicaRegions ?? [] };
        byte[]? blob = null;
        var value = RandomNumberGenerator.GetBytes(ValueLength);

        var goesOn = await StepAsync(ByokVerificationCheck.Credentials, region, true, token => ObtainAsync(key, token), advice).ConfigureAwait(false);
        if (_role is not null)
        {
            await StepAsync(ByokVerificationCheck.RoleTrust, region, goesOn, advice.TryAsStrangerAsync, advice).ConfigureAwait(false);
        }

        goesOn = await StepAsync(DescribeKey, region, goesOn, token => DescribeAsync(key, advice, token), advice).ConfigureAwait(false);
        goesOn = await StepAsync(
            Encrypt,
            region,
            goesOn,
            async token =>
            {
                blob = await key.EncryptAsync(value, _context, token).ConfigureAwait(false);
                return StepResult.Pass($"kms:Encrypt works, {(_context.Count > 0 ? "with the encryption context that was tried" : "without an encryption context")}.");
            },
            advice).ConfigureAwait(false);
        await StepAsync(Decrypt, region, goesOn, token => DecryptAsync(key, blob!, value, token), advice).ConfigureAwait(false);
        foreach (var replica in keys.Current.Regions.Skip(1).Select(other => new TestedKey(keys.Current, other)))
        {
            var its = advice.For(replica);
            await StepAsync(Replica, replica.Arn.Region, goesOn, token => TryReplicaAsync(replica, blob!, value, its, token), its).ConfigureAwait(false);
        }

        for (var i = 0; i < keys.Previous.Count; i++)
        {
            var (previous, credentials) = (new TestedKey(keys.Previous[i], keys.Previous[i].Regions[0]), _settings.PreviousKeys[i].Credentials);
            var its = new VerificationAdvice(previous, credentials, _findRole(credentials)) { About = $"Previous key {previous.Arn}: " };
            await StepAsync(PreviousKey, previous.Arn.Region, true, token => TryPreviousAsync(previous, its, token), its).ConfigureAwait(false);
        }
    }

    private async Task<bool> StepAsync(
        ByokVerificationCheck check, string region, bool isTried, Func<CancellationToken, Task<StepResult>> attempt, VerificationAdvice advice)
    {
        if (isTried)
        {
            return await _steps.RunAsync(check, region, attempt, advice.ExplainAsync).ConfigureAwait(false);
        }

        _steps.Add(check, region, StepResult.Skip(NotTried));
        return false;
    }

    private async Task<StepResult> ObtainAsync(TestedKey key, CancellationToken cancellationToken)
    {
        var identity = await key.IdentifyAsync(cancellationToken).ConfigureAwait(false);
        return StepResult.Pass(identity is not null
            ? $"{_role?.Action ?? "AWS STS"} in Region {key.Arn.Region} began a session as {identity}."
            : _settings.Credentials.Type is { } type && type.Equals(ByokCredentialSettings.AccessKeysType, StringComparison.OrdinalIgnoreCase)
                ? "The access key is used as it is, without a call to AWS STS; the next step shows whether AWS accepts it."
                : $"The credentials of type {_settings.Credentials.Type} were obtained.");
    }

    private async Task<StepResult> DescribeAsync(TestedKey key, VerificationAdvice advice, CancellationToken cancellationToken)
    {
        (_health, var refusal) = await LookAsync(key, cancellationToken).ConfigureAwait(false);
        return refusal is null
            ? advice.Judge(_health, $"The key is {_health.KeyState} ({_health.KeySpec}, {_health.KeyUsage}, origin {_health.Origin}).")
            : throw refusal;
    }

    private async Task<StepResult> DecryptAsync(TestedKey key, byte[] blob, byte[] value, CancellationToken cancellationToken) =>
        await key.DecryptsToAsync(blob, value, _context, cancellationToken).ConfigureAwait(false)
            ? StepResult.Pass("kms:Decrypt gives back what was encrypted.")
            : StepResult.Fail(
                "kms:Decrypt gave back something else than what was encrypted.",
                "Check the endpoint that the host uses for AWS KMS: it does not answer as AWS KMS does.",
                AwsAction.Decrypt);

    private async Task<StepResult> TryReplicaAsync(
        TestedKey replica, byte[] blob, byte[] value, VerificationAdvice advice, CancellationToken cancellationToken)
    {
        var allWell = $"The replica in Region {replica.Arn.Region} encrypts, and decrypts what was encrypted in the key's own Region.";
        var (health, refusal) = await LookAsync(replica, cancellationToken).ConfigureAwait(false);
        var look = refusal switch
        {
            null => advice.Judge(health, allWell),
            _ when !KeyProbe.IsDescribeKeyDenied(refusal) => throw refusal,
            _ when _health!.KeyState == KmsKeyState.Unknown => StepResult.Pass(allWell), // said once, if the key itself may not be described either
            _ => await advice.ExplainAsync(refusal, cancellationToken).ConfigureAwait(false),
        };

        if (look.Outcome == ByokVerificationOutcome.Failed)
        {
            return look;
        }

        var decrypted = await DecryptAsync(replica, blob, value, cancellationToken).ConfigureAwait(false);
        _ = await replica.EncryptAsync(value, _context, cancellationToken).ConfigureAwait(false);
        return decrypted.Outcome == ByokVerificationOutcome.Failed ? advice.Concerning(decrypted) : look;
    }

    private async Task<StepResult> TryPreviousAsync(TestedKey key, VerificationAdvice advice, CancellationToken cancellationToken)
    {
        var (health, refusal) = await LookAsync(key, cancellationToken).ConfigureAwait(false);
        return refusal is null ? advice.Judge(health, $"The previous key {key.Arn} can be reached and is {health.KeyState}.") : throw refusal;
    }

    /// <summary>A key alone: each replica has a step of its own.</summary>
    private Task<(KeyHealth Health, ByokException? Refusal)> LookAsync(TestedKey key, CancellationToken cancellationToken) =>
        key.ExamineAsync(_time, cancellationToken);
}
