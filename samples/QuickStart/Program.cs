// What does Scalr.Byok.Kms do, from the customer's key to the refusal after the customer pulls it?
// Runs offline on LocalAws; with --aws on real AWS (see RealAws below for the settings it reads).
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using LocalAws;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms;

var wrong = 0;
var services = new ServiceCollection();
await using var demo = args.Contains("--aws") ? null : await DemoCustomer.StartAsync();
string[] types = demo is null ? RealAws(services, args) : Offline(services, demo);
await using var provider = services.BuildServiceProvider();

Console.WriteLine($"1. A customer lets the host use a KMS key ({demo?.Aws.Endpoint.ToString() ?? "real AWS"})");
Check(types.Length > 0, $"credentials types set up: {string.Join(", ", types)}");
var context = new Dictionary<string, string> { ["account"] = "acme", ["variable"] = "db_password" };
var secret = "correct horse battery staple"u8.ToArray();
var messages = new Dictionary<string, byte[]>();
foreach (var (index, type) in types.Index())
{
    Console.WriteLine($"{index + 2}. Credentials type {type}");
    try
    {
        var settings = provider.GetRequiredService<IOptionsMonitor<ByokKeySettings>>().Get(type);
        var verification = await provider.GetRequiredService<IByokVerifier>().VerifyAsync(settings);
        Check(verification.Succeeded, $"\"Test connection\": {verification.Steps.Count(step => step.Outcome == ByokVerificationOutcome.Passed)} steps passed");
        foreach (var step in verification.Steps.Where(step => step.Outcome is ByokVerificationOutcome.Failed or ByokVerificationOutcome.Warning))
        {
            Console.WriteLine($"        {step} {step.Remedy}");
        }

        var ring = provider.GetRequiredKeyedService<IByokKeyRing>(type);
        var message = messages[type] = await ring.EncryptAsync(secret, context);
        Check(message.AsSpan().IndexOf(secret) < 0, $"{secret.Length} secret bytes under {ring.KeyArn} make a message of {message.Length} bytes");
        Check((await ring.DecryptAsync(message, context)).SequenceEqual(secret), $"decrypted: {Encoding.UTF8.GetString(secret)}");

        var file = RandomNumberGenerator.GetBytes(5_000_000);
        using MemoryStream encrypted = new(), decrypted = new();
        await ring.EncryptAsync(new MemoryStream(file), encrypted, context);
        await ring.DecryptAsync(new MemoryStream(encrypted.ToArray()), decrypted, context);
        Check(decrypted.ToArray().SequenceEqual(file), $"a stream of {file.Length:N0} bytes, encrypted {encrypted.Length:N0}, came back whole");
    }
    catch (Exception e) when (e is ByokException or OptionsValidationException)
    {
        Check(false, e.Message);
    }
}

var interval = provider.GetRequiredService<IOptions<ByokOptions>>().Value.ConfirmationInterval;
Console.WriteLine($"{types.Length + 2}. The customer disables the key, while the data keys of all rings are cached and in use (ConfirmationInterval {interval.TotalSeconds:0} s)");
Customer("Disable", demo is null ? null : demo.Key.Disable);
var disabled = Stopwatch.GetTimestamp();
await Task.WhenAll(messages.Select(one => UntilRefusedAsync(one.Key, one.Value)));

Console.WriteLine($"{types.Length + 3}. What the probe says about it");
foreach (var type in messages.Keys)
{
    var health = await provider.GetRequiredKeyedService<IByokKeyRing>(type).ProbeAsync();
    Check(health.KeyState == KmsKeyState.Disabled, $"{type}: {health.Status}, {health.KeyState}. {health.Findings[0].Remedy}");
}

Console.WriteLine($"{types.Length + 4}. The customer enables the key again");
Customer("Enable", demo is null ? null : demo.Key.Enable);
await Task.WhenAll(messages.Select(one => UntilServedAsync(one.Key, one.Value)));

Console.WriteLine(wrong == 0 ? "Everything went as expected." : $"{wrong} of the lines above are WRONG.");
return wrong == 0 ? 0 : 1;

async Task UntilRefusedAsync(string type, byte[] message)
{
    for (var served = 0; ; served++)
    {
        try
        {
            await provider.GetRequiredKeyedService<IByokKeyRing>(type).DecryptAsync(message, context);
            await Task.Delay(10);
        }
        catch (ByokKeyUnavailableException e)
        {
            var after = Stopwatch.GetElapsedTime(disabled);
            Check(
                e.Reason == ByokKeyUnavailableReason.KeyDisabled && after < interval + TimeSpan.FromSeconds(1),
                $"{type}: refused ({e.Reason}) after {after.TotalSeconds:0.0} s and {served} calls that the cache served");
            return;
        }
    }
}

async Task UntilServedAsync(string type, byte[] message)
{
    for (var enabled = Stopwatch.GetTimestamp(); ; await Task.Delay(100))
    {
        try
        {
            var decrypted = await provider.GetRequiredKeyedService<IByokKeyRing>(type).DecryptAsync(message, context);
            Check(decrypted.SequenceEqual(secret), $"{type}: decrypted {Stopwatch.GetElapsedTime(enabled).TotalSeconds:0.0} s later");
            return;
        }
        catch (ByokKeyUnavailableException) when (Stopwatch.GetElapsedTime(enabled) < interval + TimeSpan.FromSeconds(1))
        {
            // After a denial, calls fail at once; after a pause, one of them asks AWS again.
        }
    }
}

static string[] Offline(IServiceCollection services, DemoCustomer demo)
{
    var byok = services.AddScalrByok(options =>
    {
        options.Endpoints.Kms[ByokEndpoints.AnyRegion] = options.Endpoints.Sts[ByokEndpoints.AnyRegion] = demo.Aws.Endpoint;
        options.ConfirmationInterval = TimeSpan.FromSeconds(3); // for the impatient; 60 seconds by default
        options.HostIdentity = new() { AccessKeyId = demo.HostKey.AccessKeyId, SecretAccessKey = demo.HostKey.SecretAccessKey };
    }).AddWebIdentityTokens((audience, _) => new(demo.CreateToken(audience)));

    ByokCredentialSettings[] credentials =
    [
        ByokCredentialSettings.AccessKeys(demo.AccessKey.AccessKeyId, demo.AccessKey.SecretAccessKey),
        ByokCredentialSettings.AssumeRole(demo.AssumeRole.Arn, demo.ExternalId),
        ByokCredentialSettings.Oidc(demo.OidcRole.Arn, demo.Audience),
    ];
    foreach (var one in credentials)
    {
        byok.AddKeyRing(one.Type!, customer => (customer.KeyArn, customer.Credentials) = (demo.Key.Arn, one));
    }

    return [.. credentials.Select(c => c.Type!)];
}

// From environment variables and arguments: Byok:… is the host's, Customers:<type>:… what a customer typed, TokenFile holds the host's OIDC token.
static string[] RealAws(IServiceCollection services, string[] args)
{
    var configuration = new ConfigurationBuilder().AddEnvironmentVariables().AddCommandLine([.. args.Where(a => a != "--aws")]).Build();
    var byok = services.AddScalrByok(configuration.GetSection("Byok"));
    if (configuration["TokenFile"] is { } path)
    {
        byok.AddWebIdentityTokenFile(path);
    }

    var customers = configuration.GetSection("Customers").GetChildren().ToList();
    customers.ForEach(customer => byok.AddKeyRing(customer.Key, customer));
    return [.. customers.Select(customer => customer.Key)];
}

static void Customer(string does, Action? act)
{
    if (act is null)
    {
        Console.WriteLine($"   {does} the key in AWS KMS, wait a minute, and press Enter.");
        act = () => Console.ReadLine();
    }

    act();
}

void Check(bool asExpected, string text)
{
    wrong += asExpected ? 0 : 1;
    Console.WriteLine($"   {(asExpected ? "ok   " : "WRONG")} {text}");
}
