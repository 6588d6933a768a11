using System.Security.Cryptography;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.KeyRing;
using Scalr.Byok.Kms.Keys;
using Scalr.Byok.Kms.Kms;
using static Scalr.Byok.Kms.ByokVerificationCheck;

namespace Scalr.Byok.Kms.Verification;

/// <summary>One verification of one customer's settings: the steps, their order and their dependencies.</summary>
internal sealed class VerificationRun
{
    private const string NotTried = "Not tried, because an earlier step failed.";
    private const int ValueLength = 32;

    private readonly ByokKeySettings _settings;
    private readonly IReadOnlyList<SettingsError> _complaints;
    private readonly KeyRingFactory _factory;
    private readonly Func<ByokCredentialSettings?, IRoleStrategy?> _findRole;
    private readonly IRoleStrategy? _role;
    private readonly Func<CancellationToken, ValueTask<IReadOnlyList<string>>>? _findForeign;
    private readonly VerificationSteps _steps;
    private readonly RingOwner _owner;
    private readonly IReadOnlyDictionary<string, string> _context;
    private readonly TimeProvider _time;
    private ByokKeyHealth? _health;

    /// <param name="settings">The settings that the customer typed.</param>
    /// <param name="complaints">Their validation errors.</param>
    /// <param name="factory">Creates the keys of valid settings.</param>
    /// <param name="findRole">Returns the strategy of some credentials, if it assumes a role.</param>
    /// <param name="findForeign">
    /// Finds the settings whose key or role is registered for another tenant. Null if the host has no registrations.
    /// </param>
    /// <param name="steps">Runs and keeps the steps.</param>
    /// <param name="owner">The owner of the ring.</param>
    /// <param name="context">The encryption context of the kms:Encrypt and kms:Decrypt requests.</param>
    /// <param name="time">The clock.</param>
    public VerificationRun(
        ByokKeySettings settings,
        IReadOnlyList<SettingsError> complaints,
        KeyRingFactory factory,
        Func<ByokCredentialSettings?, IRoleStrategy?> findRole,
        Func<CancellationToken, ValueTask<IReadOnlyList<string>>>? findForeign,
        VerificationSteps steps,
        RingOwner owner,
        IReadOnlyDictionary<string, string> context,
        TimeProvider time)
    {
        _settings = settings;
        _complaints = complaints;
        _factory = factory;
        _findRole = findRole;
        _role = findRole(settings.Credentials);
        _findForeign = findForeign;
        _steps = steps;
        _owner = owner;
        _context = context;
        _time = time;
    }

    public async Task<ByokVerification> RunAsync()
    {
        KmsKeyArn? arn = KmsKeyArn.TryParse(_settings.KeyArn, out var parsed) ? parsed : null;
        CheckSettings(
            KeyArn,
            arn,
            arn is { } key ? $"The key ARN names a {(key.IsMultiRegion ? "multi-Region key" : "key")} of account {key.AccountId}." : "");
        CheckSettings(AllowedRegion, arn, $"Region {arn?.Region} is allowed.");
        CheckSettings(ByokVerificationCheck.Settings, arn, "All other settings are valid.");
        if (!await CheckRegistrationAsync(arn).ConfigureAwait(false))
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

    /// <summary>
    /// Whether the settings are valid, and no key and no role is registered for another tenant. Nothing was sent to AWS before that.
    /// </summary>
    private async Task<bool> CheckRegistrationAsync(KmsKeyArn? arn)
    {
        if (_complaints.Count > 0 || _findForeign is null)
        {
            if (_findForeign is not null)
            {
                _steps.Add(Registration, arn?.Region, StepResult.Skip(NotTried));
            }

            return _complaints.Count == 0;
        }

        return await _steps.RunAsync(
            Registration,
            arn?.Region,
            async token =>
            {
                var foreign = await _findForeign(token).ConfigureAwait(false);
                return foreign.Count == 0
                    ? StepResult.Pass("No key and no role is registered for another tenant.")
                    : StepResult.Fail(
                        $"Not available to this tenant: {string.Join(", ", foreign)}.",
                        "Use a key and a role that were made for this tenant alone. If these were, ask the host's operator.");
            },
            explain: (error, _) => throw error).ConfigureAwait(false);
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
        var result = complaints switch
        {
            [] when check == AllowedRegion && arn is null => StepResult.Skip(NotTried),
            [] => StepResult.Pass(allWell),
            _ => StepResult.Fail(string.Join(" ", complaints), check switch
            {
                KeyArn when arn is not null => "Use a key of the customer's own account.",
                KeyArn => "Copy the ARN of the key again, from the AWS KMS console or from aws kms describe-key.",
                AllowedRegion => "Use a key in an allowed Region, or ask the operator of the service to allow this one.",
                _ => "Correct the settings.",
            }),
        };
        _steps.Add(check, arn?.Region, result);
    }

    /// <summary>Creates the keys; null if a strategy of the host threw.</summary>
    private CustomerKeys? CreateKeys(out Exception? failure)
    {
        try
        {
            failure = null;
            return _factory.CreateKeys(_settings, _owner, isVerification: true);
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

        // What is no Region may be a secret in the wrong field.
        skipped.AddRange((_settings.ReplicaRegions ?? []).Select(
            replica => (Replica, AwsRegion.IsRegion(replica) ? replica : null)));
        skipped.AddRange(
            (_settings.PreviousKeys ?? []).Select(key => (PreviousKey, KmsKeyArn.TryParse(key?.KeyArn, out var arn) ? arn.Region : null)));
        foreach (var (check, where) in skipped)
        {
            _steps.Add(check, where, StepResult.Skip(NotTried));
        }
    }

    private async Task TryKeysAsync(CustomerKeys keys)
    {
        var key = new TestedKey(keys.Current, keys.Current.Regions[0]);
        var region = key.Arn.Region;
        var advice = new VerificationAdvice(key, _settings.Credentials, _role, _owner) { ReplicaRegions = _settings.ReplicaRegions ?? [] };
        byte[]? blob = null;
        var value = RandomNumberGenerator.GetBytes(ValueLength);

        var goesOn = await StepAsync(
            ByokVerificationCheck.Credentials,
            region,
            true,
            async token => advice.JudgeSession(await ObtainAsync(key, token).ConfigureAwait(false)),
            advice).ConfigureAwait(false);
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
                return StepResult.Pass(
                    $"kms:Encrypt works, {(_context.Count > 0 ? "with the encryption context that was tried" : "without an encryption "
                        + "context")}.");
            },
            advice).ConfigureAwait(false);
        await StepAsync(Decrypt, region, goesOn, token => DecryptAsync(key, blob!, value, token), advice).ConfigureAwait(false);
        foreach (var replica in keys.Current.Regions.Skip(1).Select(other => new TestedKey(keys.Current, other)))
        {
            var its = advice.For(replica);
            await StepAsync(
                Replica,
                replica.Arn.Region,
                goesOn,
                token => TryReplicaAsync(replica, blob!, value, its, token),
                its).ConfigureAwait(false);
        }

        for (var i = 0; i < keys.Previous.Count; i++)
        {
            var (previous, credentials) =
                (new TestedKey(keys.Previous[i], keys.Previous[i].Regions[0]), _settings.PreviousKeys[i].Credentials);
            var its = new VerificationAdvice(previous, credentials, _findRole(credentials), _owner)
            {
                About = $"Previous key {previous.Arn}: ",
            };
            await StepAsync(
                PreviousKey, previous.Arn.Region, true, token => TryPreviousAsync(previous, its, token), its).ConfigureAwait(false);
        }
    }

    private async Task<bool> StepAsync(
        ByokVerificationCheck check,
        string region,
        bool isTried,
        Func<CancellationToken, Task<StepResult>> attempt,
        VerificationAdvice advice)
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
            : _settings.Credentials.Type is { } type
                && type.Equals(ByokCredentialSettings.AccessKeysType, StringComparison.OrdinalIgnoreCase)
                ? "The access key is used as it is, without a call to AWS STS; the next step shows whether AWS accepts it."
                : $"The credentials of type {_settings.Credentials.Type} were obtained.");
    }

    private async Task<StepResult> DescribeAsync(TestedKey key, VerificationAdvice advice, CancellationToken cancellationToken)
    {
        (_health, var refusal) = await ExamineAsync(key, cancellationToken).ConfigureAwait(false);
        return refusal is null
            ? advice.Judge(_health, $"The key is {_health.KeyState} ({_health.KeySpec}, {_health.KeyUsage}, origin {_health.Origin}).")
            : throw refusal;
    }

    private async Task<StepResult> DecryptAsync(TestedKey key, byte[] blob, byte[] value, CancellationToken cancellationToken) =>
        await key.DecryptsToAsync(blob, value, _context, cancellationToken).ConfigureAwait(false)
            ? StepResult.Pass("kms:Decrypt returns what was encrypted.")
            : StepResult.Fail(
                "kms:Decrypt did not return what was encrypted.",
                "Check the endpoint that the host uses for AWS KMS: it does not answer as AWS KMS does.",
                AwsAction.Decrypt);

    private async Task<StepResult> TryReplicaAsync(
        TestedKey replica, byte[] blob, byte[] value, VerificationAdvice advice, CancellationToken cancellationToken)
    {
        var allWell = $"The replica in Region {replica.Arn.Region} encrypts, and decrypts what was encrypted in the key's own Region.";
        var (health, refusal) = await ExamineAsync(replica, cancellationToken).ConfigureAwait(false);
        var look = refusal switch
        {
            null => advice.Judge(health, allWell),
            _ when !KeyProbe.IsDescribeKeyDenied(refusal) => throw refusal,
            // reported once, if the key itself must not be described either
            _ when _health!.KeyState == KmsKeyState.Unknown => StepResult.Pass(allWell),
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
        var (health, refusal) = await ExamineAsync(key, cancellationToken).ConfigureAwait(false);
        if (refusal is null)
        {
            return advice.JudgeSession(advice.Judge(health, $"The previous key {key.Arn} can be reached and is {health.KeyState}."));
        }

        // There is no ciphertext of this key to try kms:Decrypt with, and a customer may allow nothing else on it.
        var result = await advice.ExplainAsync(refusal, cancellationToken).ConfigureAwait(false);
        return KeyProbe.IsDescribeKeyDenied(refusal)
            ? result with
            {
                Message = $"{result.Message} It is not known whether kms:Decrypt on this key is allowed. Without it, data that is still "
                    + "under this key cannot be read.",
            }
            : result;
    }

    /// <summary>Describes one key alone: each replica has its own step.</summary>
    private Task<(ByokKeyHealth Health, ByokException? Refusal)> ExamineAsync(TestedKey key, CancellationToken cancellationToken) =>
        key.ExamineAsync(_time, cancellationToken);
}
