// What does Scalr.Byok.Kms do, from the customer's key to the denial after the customer disables it?
// Runs offline on LocalAws; with --aws on real AWS. Stage.cs registers the services and plays the customer.
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using QuickStart;
using Scalr.Byok.Kms;

await using var stage = await Stage.SetUpAsync(args);
var context = new Dictionary<string, string> { ["account"] = "acme", ["variable"] = "db_password" };
var secret = "correct horse battery staple"u8.ToArray();
var messages = new Dictionary<string, byte[]>(); // by credentials type

stage.Begin($"A customer lets the host use a KMS key ({stage.Aws})");
stage.Check(stage.Types.Count > 0, $"credentials types set up: {string.Join(", ", stage.Types)}");

foreach (var type in stage.Types)
{
    stage.Begin($"Credentials type {type}");
    try
    {
        var verification = await stage.Verifier.VerifyAsync(stage.SettingsOf(type), tenant: type);
        var passed = verification.Steps.Count(step => step.Outcome == ByokVerificationOutcome.Passed);
        stage.Check(verification.Succeeded, $"\"Test connection\": {passed} steps passed");
        foreach (var step in verification.Steps.Where(
            step => step.Outcome is ByokVerificationOutcome.Failed or ByokVerificationOutcome.Warning))
        {
            Console.WriteLine($"        {step} {step.Remedy}");
        }

        var ring = stage.RingOf(type);
        var message = messages[type] = await ring.EncryptAsync(secret, context);
        stage.Check(
            message.AsSpan().IndexOf(secret) < 0,
            $"{secret.Length} secret bytes under {ring.KeyArn} make a message of {message.Length} bytes");
        var decrypted = await ring.DecryptAsync(message, context);
        stage.Check(decrypted.SequenceEqual(secret), $"decrypted: {Encoding.UTF8.GetString(decrypted)}");

        var file = RandomNumberGenerator.GetBytes(5_000_000);
        using MemoryStream encrypted = new(), restored = new();
        await ring.EncryptAsync(new MemoryStream(file), encrypted, context);
        await ring.DecryptAsync(new MemoryStream(encrypted.ToArray()), restored, context);
        stage.Check(
            restored.ToArray().SequenceEqual(file),
            $"a stream of {file.Length:N0} bytes, encrypted {encrypted.Length:N0}, came back whole");
    }
    catch (Exception e) when (e is ByokException or OptionsValidationException)
    {
        stage.Check(false, e.Message);
    }
}

stage.Begin($"The customer disables the key, while all data keys are cached (ConfirmationInterval {stage.Interval.TotalSeconds:0} s)");
stage.DisableKey();
await Task.WhenAll(messages.Select(async one =>
{
    var (denial, seconds, served) = await stage.UntilDeniedAsync(() => stage.RingOf(one.Key).DecryptAsync(one.Value, context));
    stage.Check(
        denial?.Reason == ByokKeyUnavailableReason.KeyDisabled,
        $"{one.Key}: denied ({denial?.Reason}) after {seconds:0.0} s and {served} calls that the cache served");
}));

stage.Begin("What the probe says about it");
foreach (var type in messages.Keys)
{
    var health = await stage.RingOf(type).ProbeAsync();
    stage.Check(health.KeyState == KmsKeyState.Disabled, $"{type}: {health.Status}, {health.KeyState}. {health.Findings[0].Remedy}");
}

stage.Begin("The customer enables the key again");
stage.EnableKey();
await Task.WhenAll(messages.Select(async one =>
{
    var (decrypted, seconds) = await stage.UntilServedAsync(() => stage.RingOf(one.Key).DecryptAsync(one.Value, context));
    stage.Check(secret.SequenceEqual(decrypted), $"{one.Key}: decrypted {seconds:0.0} s later");
}));

return stage.End();
