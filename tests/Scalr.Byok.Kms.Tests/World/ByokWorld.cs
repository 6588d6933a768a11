using LocalAws;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Scalr.Byok.Kms.KeyRing;

namespace Scalr.Byok.Kms.Tests.World;

/// <summary>
/// A host, a customer and AWS between them, over the real wire protocols: the customer's key, a user, two roles and an OIDC provider, all
/// set up as the README tells the customer. Ends every test by proving that nothing but the five allowed actions was ever called,
/// bystanders left aside, and that no timer is left.
/// </summary>
internal sealed class ByokWorld : IAsyncDisposable
{
    public const string HostAccount = "615271354814";
    public const string CustomerAccount = "111122223333";
    public const string Region = "us-east-1";
    public const string ExternalId = "external-id-4Zk8Qw7";
    public const string Audience = "scalr_kms";
    public const string Issuer = "https://scalr.io";
    public const string Subject = "account:acme";

    /// <summary>Those of the customer's keys, previous ones included.</summary>
    public static readonly string[] AllowedRegions = [Region, "us-east-2", "us-west-2"];

    public static readonly string[] CredentialTypes =
        [ByokCredentialSettings.AccessKeysType, ByokCredentialSettings.AssumeRoleType, ByokCredentialSettings.OidcType];

    private static readonly string[] AllowedOperations = ["Encrypt", "Decrypt", "DescribeKey", "AssumeRole", "AssumeRoleWithWebIdentity"];

    private readonly List<ServiceProvider> _providers = [];
    private readonly List<ForwardingKeyRing> _rings = [];
    private readonly List<string?> _bystanders = [];
    private readonly List<string?> _lentSessions = [];

    private ByokWorld(LocalAwsServer aws, LocalIssuer issuer, FakeTimeProvider time, TimeProvider host)
    {
        Aws = aws;
        OidcIssuer = issuer;
        Time = time;
        Clock = new CountingTime(host);
        Customer = aws.Account(CustomerAccount);
        Key = Customer.CreateKey(Region, multiRegion: true);

        User = Customer.CreateUser("scalr", Policies.Permissions(Key.Arn));
        AccessKey = User.CreateAccessKey();
        AssumedRole = Customer.CreateRole("scalr-byok", Policies.AssumeRoleTrust(HostAccount, ExternalId), Policies.Permissions(Key.Arn));
        Customer.CreateOidcProvider(Issuer, [Audience, "registered-but-not-trusted"], issuer.Address);
        OidcRole = Customer.CreateRole(
            "scalr-byok-oidc", Policies.OidcTrust(CustomerAccount, "scalr.io", Audience, Subject), Policies.Permissions(Key.Arn));

        HostUser = aws.Account(HostAccount).CreateUser("byok-host", Policies.AllowAssumeRole);
        HostKey = HostUser.CreateAccessKey();
        GetToken = (request, _) => ValueTask.FromResult(Token(request.Audience, request.Subject ?? Subject));
        GetUnrelatedSubjectToken = (_, _) => ValueTask.FromResult<string?>(null);
        HostCredentials = new GatedCredentials(HostKey.AccessKeyId, HostKey.SecretAccessKey);
        Remember(AccessKey.SecretAccessKey, HostKey.SecretAccessKey, ExternalId);
    }

    public LocalAwsServer Aws { get; }

    public LocalIssuer OidcIssuer { get; }

    /// <summary>The time of the library, of AWS's sessions and of the tokens.</summary>
    public FakeTimeProvider Time { get; }

    /// <summary>The same time, as the library has it.</summary>
    public CountingTime Clock { get; }

    public LocalAccount Customer { get; }

    public LocalKey Key { get; }

    public LocalUser User { get; }

    public LocalAccessKey AccessKey { get; }

    public LocalAccessKey HostKey { get; }

    /// <summary>The host's own identity; may assume roles only, until a test permits more.</summary>
    public LocalUser HostUser { get; }

    public LocalRole AssumedRole { get; }

    public LocalRole OidcRole { get; }

    public CapturedLogs Logs { get; } = new();

    /// <summary>Everything that must never be seen in a log, an exception or a ToString.</summary>
    public List<string> Secrets { get; } = [];

    /// <summary>Whether something is queued or under way in the background for a ring of this world.</summary>
    public bool IsWorking => _rings.Exists(ring => ring.Last.Ring?.Keys.Work.Running > 0);

    /// <summary>Open at first; closed, calls of STS wait before it.</summary>
    public GatedCredentials HostCredentials { get; }

    /// <summary>The host's token provider; a test may replace it. It passes the gate, too.</summary>
    public Func<OidcTokenRequest, CancellationToken, ValueTask<string>> GetToken { get; set; }

    /// <summary>The host's provider of tokens of another subject; none at first.</summary>
    public Func<OidcTokenRequest, CancellationToken, ValueTask<string?>> GetUnrelatedSubjectToken { get; set; }

    /// <param name="time">What the test moves on; a new one unless given.</param>
    /// <param name="host">The clock of the library; the same unless given.</param>
    /// <param name="aws">The clock of AWS and of the OIDC issuer; the same unless given.</param>
    public static async Task<ByokWorld> StartAsync(FakeTimeProvider? time = null, TimeProvider? host = null, TimeProvider? aws = null)
    {
        time ??= new FakeTimeProvider(DateTimeOffset.UtcNow);
        var issuer = await LocalIssuer.StartAsync(Issuer, aws ?? time);
        return new ByokWorld(await LocalAwsServer.StartAsync(new LocalAwsOptions { Time = aws ?? time }), issuer, time, host ?? time);
    }

    /// <summary>Good settings for a credentials type.</summary>
    public ByokKeySettings Settings(string type) => new()
    {
        KeyArn = Key.Arn,
        Credentials = type switch
        {
            ByokCredentialSettings.AccessKeysType => ByokCredentialSettings.AccessKeys(AccessKey.AccessKeyId, AccessKey.SecretAccessKey),
            ByokCredentialSettings.AssumeRoleType => ByokCredentialSettings.AssumeRole(AssumedRole.Arn, ExternalId),
            _ => ByokCredentialSettings.Oidc(OidcRole.Arn, Audience),
        },
    };

    public IByokKeyRing Ring(string type, Action<ByokKeySettings>? change = null, Action<ByokOptions>? options = null)
    {
        var settings = Settings(type);
        change?.Invoke(settings);
        return Ring(settings, options);
    }

    public IByokKeyRing Ring(ByokKeySettings settings, Action<ByokOptions>? options = null, Action<IByokBuilder>? with = null)
    {
        var services = Services(options);
        with?.Invoke(services.AddScalrByok());
        services.AddScalrByok().AddKeyRing(ring =>
        {
            ring.KeyArn = settings.KeyArn;
            ring.Credentials = settings.Credentials;
            ring.ReplicaRegions = settings.ReplicaRegions;
            ring.PreviousKeys = settings.PreviousKeys;
        });
        return Follow(Build(services).GetRequiredService<IByokKeyRing>());
    }

    /// <summary>What runs in the background for this ring counts as work of this world.</summary>
    public IByokKeyRing Follow(IByokKeyRing ring)
    {
        _rings.Add((ForwardingKeyRing)ring);
        return ring;
    }

    /// <summary>The library's services as a host would add them, pointed at this world.</summary>
    public ServiceCollection Services(Action<ByokOptions>? options = null)
    {
        var services = new ServiceCollection();
        services.AddSingleton<TimeProvider>(Clock);
        services.AddSingleton<ILoggerFactory>(Logs);
        services.AddScalrByok(o =>
        {
            o.HostAccountId = HostAccount;
            o.AllowedRegions = [.. AllowedRegions];
            o.Endpoints.Kms[ByokEndpoints.AnyRegion] = Aws.Endpoint;
            o.Endpoints.Sts[ByokEndpoints.AnyRegion] = Aws.Endpoint;

            // One call, one call to AWS; one fault, one failure: the clock stands still while no one moves it. Tests of the rest turn it
            // on.
            o.DataKeyCache.MaxAge = TimeSpan.Zero;
            o.Resilience.MaxRetryAttempts = 0;
            o.Resilience.BreakerMinimumThroughput = int.MaxValue;
            options?.Invoke(o);
        }).UseHostCredentials(_ => HostCredentials).AddOidcTokens(
            async (request, token) =>
            {
                await HostCredentials.PassAsync();
                return await GetToken(request, token);
            },
            (request, token) => GetUnrelatedSubjectToken(request, token));
        return services;
    }

    /// <summary>The role for tokens admits every tenant, for tests that give one role to many.</summary>
    public void TrustAllSubjects() => OidcRole.TrustPolicy = Policies.OidcTrust(CustomerAccount, "scalr.io", Audience, "account:*");

    public ServiceProvider Build(ServiceCollection services)
    {
        var provider = services.BuildServiceProvider(new ServiceProviderOptions { ValidateScopes = true });
        _providers.Add(provider);
        return provider;
    }

    public string Token(string audience, string subject, TimeSpan? lifetime = null, bool wrongSignature = false)
    {
        var token = OidcIssuer.CreateToken(audience, subject, lifetime, wrongSignature);
        Remember(token);
        return token;
    }

    public void Remember(params string[] secrets)
    {
        lock (Secrets)
        {
            Secrets.AddRange(secrets);
        }
    }

    /// <summary>
    /// The access key of another user of the customer's, for tools that are not the library: what it calls is not counted against the
    /// library.
    /// </summary>
    public LocalAccessKey AddBystander(string name, string policy)
    {
        var user = Customer.CreateUser(name, policy);
        _bystanders.Add(user.Arn);
        var accessKey = user.CreateAccessKey();
        Remember(accessKey.SecretAccessKey);
        return accessKey;
    }

    /// <summary>
    /// A session that the library began is used by a tool that is not the library: what the tool calls is not counted against the library.
    /// </summary>
    public void Lend(string sessionArn) => _lentSessions.Add(sessionArn);

    /// <summary>Moves the clock on over each pause of a call, and never while it does something.</summary>
    public async Task<T> PassPausesAsync<T>(Task<T> call)
    {
        await StepUntilAsync(
            () =>
            {
                if (Clock.Pauses > 0)
                {
                    Time.Advance(TimeSpan.FromMilliseconds(10));
                }

                return call.IsCompleted;
            },
            "the call did not end");
        return await call;
    }

    /// <summary>Returns once AWS has received so many requests of an operation.</summary>
    public Task ReceivedAsync(string operation, int count = 1) =>
        UntilAsync(() => Aws.Log.Count(operation) >= count, $"{operation} was not received {count} times");

    /// <summary>Returns once so many log entries contain a text.</summary>
    public Task LoggedAsync(string text, int count = 1) =>
        UntilAsync(
            () => Logs.Entries.Count(entry => entry.Contains(text, StringComparison.Ordinal)) >= count,
            $"'{text}' was not logged {count} times");

    /// <summary>Nothing but the five allowed actions was called so far, save by bystanders.</summary>
    public void DemandAllowedCalls()
    {
        var calls = Aws.Log.Requests.Where(
            r => !_bystanders.Contains(r.Principal) && (IsLibrary(r.UserAgent) || !_lentSessions.Contains(r.Principal)));
        Assert.That(
            calls.Select(r => r.Operation).Distinct(), Is.SubsetOf(AllowedOperations), "what the library may call on a customer's account");
    }

    /// <summary>Ends the hosts and proves what a world proves of them. AWS and the customer stay, for the next test.</summary>
    public async Task EndHostsAsync()
    {
        foreach (var provider in _providers)
        {
            await provider.DisposeAsync();
        }

        await UntilAsync(() => Clock.Alive == 0, "timers are left");
        DemandAllowedCalls();
        _providers.Clear();
        _rings.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        await EndHostsAsync();
        await Aws.DisposeAsync();
        await OidcIssuer.DisposeAsync();
        DemandAllowedCalls();
    }

    private static bool IsLibrary(string? userAgent) => userAgent?.Contains("app/Scalr.Byok.Kms", StringComparison.Ordinal) == true;

    /// <summary>Polls what real peers really did; the limit of 30 seconds only ends a test that would never end.</summary>
    /// <remarks>
    /// After some polls it pauses between them: a loop without pauses takes the processor from the tests that run beside this one.
    /// </remarks>
    public static Task UntilAsync(Func<bool> condition, string otherwise, TimeSpan? limit = null) =>
        UntilAsync(condition, otherwise, pollsAtOnce: 20, limit);

    /// <summary>The same for a condition that moves a clock on: it is asked without pauses, for as often as the clock takes.</summary>
    public static Task StepUntilAsync(Func<bool> step, string otherwise) => UntilAsync(step, otherwise, pollsAtOnce: int.MaxValue);

    /// <summary>Collects garbage at some polls: beside thousands of tests, a full collection can take more than a second.</summary>
    public static void CollectAtTimes(int poll)
    {
        if (poll % 50 == 0)
        {
            GC.Collect();
        }
    }

    private static async Task UntilAsync(Func<bool> condition, string otherwise, int pollsAtOnce, TimeSpan? limit = null)
    {
        var start = TimeProvider.System.GetTimestamp();
        limit ??= TimeSpan.FromSeconds(30);
        for (var polls = 0; !condition(); polls++)
        {
            if (TimeProvider.System.GetElapsedTime(start) > limit)
            {
                Assert.Fail(otherwise);
            }

            if (polls < pollsAtOnce)
            {
                await Task.Yield();
            }
            else
            {
                await Task.Delay(1);
            }
        }
    }
}
