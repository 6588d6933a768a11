using System.Diagnostics;
using LocalAws;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms;

namespace QuickStart;

/// <summary>
/// The host's services with one key ring for each credentials type, the customer who owns the key, and the checks of the story.
/// </summary>
internal sealed class Stage : IAsyncDisposable
{
    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(1);

    private readonly DemoCustomer? _demo;
    private readonly ServiceProvider _services;
    private int _chapter;
    private int _wrong;

    private Stage(DemoCustomer? demo, ServiceProvider services, IReadOnlyList<string> types)
    {
        _demo = demo;
        _services = services;
        Types = types;
    }

    /// <summary>The credentials types, which name the key rings.</summary>
    public IReadOnlyList<string> Types { get; }

    public string Aws => _demo?.Aws.Endpoint.ToString() ?? "real AWS";

    public IByokVerifier Verifier => _services.GetRequiredService<IByokVerifier>();

    public TimeSpan Interval => _services.GetRequiredService<IOptions<ByokOptions>>().Value.ConfirmationInterval;

    public static async Task<Stage> SetUpAsync(string[] args)
    {
        var services = new ServiceCollection();
        if (args.Contains("--aws"))
        {
            var rings = AddRealAws(services, args);
            return new Stage(null, services.BuildServiceProvider(), rings);
        }

        var externalId = ByokPolicies.NewExternalId(); // the host generates it, not the customer
        var demo = await DemoCustomer.StartAsync(externalId: externalId);
        var types = AddLocalAws(services, demo);
        return new Stage(demo, services.BuildServiceProvider(), types);
    }

    public IByokKeyRing RingOf(string type) => _services.GetRequiredKeyedService<IByokKeyRing>(type);

    public ByokKeySettings SettingsOf(string type) => _services.GetRequiredService<IOptionsMonitor<ByokKeySettings>>().Get(type);

    public void DisableKey() => Customer("Disable", _demo is null ? null : _demo.Key.Disable);

    public void EnableKey() => Customer("Enable", _demo is null ? null : _demo.Key.Enable);

    /// <summary>Repeats a call until it is denied, for at most the interval and a second.</summary>
    /// <returns>The denial, null if there was none; the seconds until then; and how many calls succeeded.</returns>
    public async Task<(ByokKeyUnavailableException? Denial, double Seconds, int Served)> UntilDeniedAsync(Func<ValueTask<byte[]>> call)
    {
        var (start, served) = (Stopwatch.GetTimestamp(), 0);
        while (Stopwatch.GetElapsedTime(start) < Interval + Tolerance)
        {
            try
            {
                await call();
                served++;
                await Task.Delay(10);
            }
            catch (ByokKeyUnavailableException e)
            {
                return (e, Stopwatch.GetElapsedTime(start).TotalSeconds, served);
            }
        }

        return (null, Stopwatch.GetElapsedTime(start).TotalSeconds, served);
    }

    /// <summary>Repeats a call until it succeeds. A call that is denied for longer than the interval and a second throws.</summary>
    public async Task<(byte[] Result, double Seconds)> UntilServedAsync(Func<ValueTask<byte[]>> call)
    {
        for (var start = Stopwatch.GetTimestamp(); ; await Task.Delay(100))
        {
            try
            {
                return (await call(), Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
            catch (ByokKeyUnavailableException) when (Stopwatch.GetElapsedTime(start) < Interval + Tolerance)
            {
                // After a denial, calls fail at once. After a pause, one of them asks AWS again.
            }
        }
    }

    public void Begin(string chapter) => Console.WriteLine($"{++_chapter}. {chapter}");

    public void Check(bool asExpected, string text)
    {
        _wrong += asExpected ? 0 : 1;
        Console.WriteLine($"   {(asExpected ? "ok   " : "WRONG")} {text}");
    }

    /// <returns>The exit code.</returns>
    public int End()
    {
        Console.WriteLine(_wrong == 0 ? "Everything went as expected." : $"{_wrong} of the lines above are WRONG.");
        return _wrong == 0 ? 0 : 1;
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        if (_demo is not null)
        {
            await _demo.DisposeAsync();
        }
    }

    private static string[] AddLocalAws(IServiceCollection services, DemoCustomer demo)
    {
        var byok = services.AddScalrByok(options =>
        {
            options.Endpoints.Kms[ByokEndpoints.AnyRegion] = options.Endpoints.Sts[ByokEndpoints.AnyRegion] = demo.Aws.Endpoint;
            options.ConfirmationInterval = TimeSpan.FromSeconds(3); // for a short demo; 60 seconds by default
            options.HostAccountId = ByokPolicies.ScalrAccountId; // in your service: the AWS account of the service
            options.HostIdentity = new() { AccessKeyId = demo.HostKey.AccessKeyId, SecretAccessKey = demo.HostKey.SecretAccessKey };
        }).AddOidcTokens(
            (request, _) => new ValueTask<string>(demo.CreateToken(request.Audience, request.Subject)),
            subject: _ => "account:acme"); // each ring here belongs to acme; by default the subject has the ring's name

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

        return [.. credentials.Select(one => one.Type!)];
    }

    /// <summary>
    /// Reads environment variables and arguments: Byok:… is the host's, Customers:{type}:… what a customer typed. TokenFile names the
    /// file with the host's OIDC token.
    /// </summary>
    private static string[] AddRealAws(IServiceCollection services, string[] args)
    {
        var configuration = new ConfigurationBuilder()
            .AddEnvironmentVariables()
            .AddCommandLine([.. args.Where(arg => arg != "--aws")])
            .Build();
        var byok = services.AddScalrByok(configuration.GetSection("Byok"));
        if (configuration["TokenFile"] is { } path)
        {
            byok.AddOidcTokenFile(path);
        }

        var customers = configuration.GetSection("Customers").GetChildren().ToList();
        customers.ForEach(customer => byok.AddKeyRing(customer.Key, customer));
        return [.. customers.Select(customer => customer.Key)];
    }

    private static void Customer(string does, Action? act)
    {
        if (act is null)
        {
            Console.WriteLine($"   {does} the key in AWS KMS, wait a minute, and press Enter.");
            act = () => Console.ReadLine();
        }

        act();
    }
}
