using System.Globalization;
using System.Security.Cryptography;
using LocalAws;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Scalr.Byok.Kms;

namespace Fleet.Demo;

/// <summary>
/// Several processes of one host use the keys of many tenants and share confirmations through Redis. Requests to AWS are counted; keys are
/// disabled and settings changed while processes are killed and Redis is disturbed.
/// </summary>
public sealed class Demonstration : IAsyncDisposable
{
    private const string HostAccount = "615271354814";

    // The requests of few tenants are too few to be spread evenly.
    private const int ManyTenants = 200;
    private const int StartedAtOnce = 3;

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan ClocksApart = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(1);

    private readonly DemoOptions _options;
    private readonly InstanceTimes _counting;
    private readonly InstanceTimes _limits;
    private readonly CancellationToken _stop;
    private readonly RedisServer _redis;
    private readonly LocalAwsServer _aws;
    private readonly Customer[] _customers;
    private readonly LocalAccessKey _identity;
    private readonly string _secret = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
    private readonly TemporaryFolder _folder = new();
    private readonly TenantFolder _tenants;
    private readonly List<InstanceProcess> _instances = [];
    private readonly List<Finding> _findings = [];
    private readonly List<(Customer Customer, DateTimeOffset Time)> _disabled = [];
    private int _used;
    private int _started;

    private Demonstration(DemoOptions options, RedisServer redis, LocalAwsServer aws, CancellationToken stop)
    {
        (_options, _redis, _aws, _stop) = (options, redis, aws, stop);
        (_counting, _limits) = (options.Counting.Slower(options.Slowness), options.Limits.Slower(options.Slowness));
        _identity = aws.Account(HostAccount).CreateUser("host", """
            { "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*" } }
            """).CreateAccessKey();
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(Settings(_limits, isShared: false)).Build();
        _tenants = new TenantFolder(configuration);
        _customers = [.. Enumerable.Range(0, options.Tenants).Select(number => new Customer(aws, number, HostAccount))];
    }

    /// <summary>Whether redis-server is installed.</summary>
    public static bool IsRedisInstalled => RedisServer.IsInstalled;

    /// <summary>The number of tenants whose keys are disabled, or whose settings are changed, at the same time.</summary>
    private int Group => Math.Max(1, _options.Tenants / 20);

    /// <summary>Runs the demonstration.</summary>
    /// <exception cref="InvalidOperationException">Redis is missing, or a process does not start or ended by itself.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public static async Task<IReadOnlyList<Finding>> RunAsync(DemoOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        await using var redis = await RedisServer.StartAsync(options.Redis);
        await using var aws = await LocalAwsServer.StartAsync(cancellationToken: cancellationToken);
        await using var demonstration = new Demonstration(options, redis, aws, cancellationToken);
        await demonstration.RunAsync();
        return demonstration._findings;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _folder.Dispose();
    }

    private async Task RunAsync()
    {
        await EncryptAsync();
        if (_options.CountsRequests)
        {
            await CountAsync();
        }

        var times = _limits;
        Say($"Seconds after a change: {Text(times)}, MaxAge {times.MaxAge.TotalSeconds} s.");
        Say("The clocks are 10 s apart. With each disabled key, the process that asked AWS last is killed.");
        await StartAsync(_options.Processes, times);
        await WaitAsync(times.ConfirmationInterval); // afterwards, the processes use the answers of one another
        await DisableAsync("key disabled");
        await ChangeAsync("settings changed", isPublished: true, times.SettingsLimit);
        if (_options.DisturbsRedis)
        {
            await DisturbAsync("key disabled, old entries written back", _redis.ReplayAsync);
            await DisturbAsync("key disabled, entries forged", _redis.ForgeAsync);
        }

        if (_redis.IsOwn && _options.DisturbsRedis)
        {
            await DisturbAsync("key disabled, Redis slow", _redis.SlowAsync);
            await _redis.SignalAsync("STOP");
            await DisableAsync("key disabled, Redis suspended");
            await _redis.SignalAsync("CONT");
        }

        if (_redis.IsOwn)
        {
            await _redis.SignalAsync("KILL");
            await Task.WhenAll(
                DisableAsync("key disabled, Redis killed", isLast: true),
                ChangeAsync("settings changed, Redis killed", isPublished: false, times.SettingsLimitWithoutCache));
        }
        else
        {
            Say("   Redis is neither suspended nor killed, because it was not started here.");
        }

        // All that was refused has stayed refused until now.
        var later = _disabled.Count(key => _instances.Exists(instance =>
            instance.StateOf(key.Customer.Tenant) is not { Kind: ReportKind.Refused } state || state.LastUse > key.Time + times.Limit));
        Add(new("disabled keys with a use after the limit", later, "keys", 0));
    }

    /// <summary>Stores the settings and one message of each tenant.</summary>
    private async Task EncryptAsync()
    {
        var builder = Host.CreateEmptyApplicationBuilder(settings: null);
        builder.Configuration.AddInMemoryCollection(Settings(_limits, isShared: false));
        builder.AddFleet();
        await using var services = builder.Services.BuildServiceProvider();
        var rings = services.GetRequiredService<IByokKeyRingProvider>();
        await Parallel.ForEachAsync(_customers, _stop, async (customer, stop) =>
        {
            await _tenants.SetAsync(customer.Tenant, customer.Settings);
            var ring = await rings.GetKeyRingAsync(customer.Tenant, stop);
            await _tenants.SetMessageAsync(customer.Tenant, await ring.EncryptTextAsync("db password", cancellationToken: stop));
        });
    }

    /// <summary>Counts requests to AWS, without and with sharing.</summary>
    private async Task CountAsync()
    {
        var times = _counting;
        var minutes = 2 * times.ConfirmationInterval.TotalMinutes;
        Say($"Requests to AWS per minute: {_options.Tenants} tenants with roles, {Text(times)}.");
        var alone = await CountAsync(isShared: false);
        var shared = await CountAsync(isShared: true);

        // Without sharing, the processes do not affect each other. So each sends what a process sends that is alone.
        foreach (var service in (string[])["kms", "sts"])
        {
            var (before, after) = (alone.Count(request => request.Service == service), shared.Count(request => request.Service == service));
            var one = (double)before / _options.Processes;
            Add(new($"{service}: one process", one / minutes, ""));
            Add(new($"{service}: {_options.Processes} processes, not shared", before / minutes, ""));
            Add(new($"{service}: {_options.Processes} processes, shared", after / minutes, ""));
            if (service == "kms")
            {
                Add(new("kms: shared, as a multiple of one process", after / one, "times", 1.3));
            }
        }

        Add(new("busiest twentieth of the interval", Busiest(shared), "%", _options.Tenants < ManyTenants ? null : 10));
        Say("   In addition, each process confirms each key once per MaxAge, and begins one session per hour and role.");
    }

    private async Task<IReadOnlyList<LoggedRequest>> CountAsync(bool isShared)
    {
        await StartAsync(_options.Processes, _counting, isShared);
        var from = DateTimeOffset.UtcNow;
        await WaitAsync(2 * _counting.ConfirmationInterval);
        var to = DateTimeOffset.UtcNow;
        await StopAsync();
        return [.. _aws.Log.Requests.Where(request => request.Time >= from && request.Time < to)];
    }

    /// <summary>The percentage of requests in the twentieth of the interval that has most of them.</summary>
    private double Busiest(IReadOnlyCollection<LoggedRequest> requests)
    {
        var interval = _counting.ConfirmationInterval.Ticks;
        var parts = requests.GroupBy(request => request.Time.Ticks % interval * 20 / interval);
        return 100.0 * parts.Max(part => part.Count()) / requests.Count;
    }

    /// <summary>Customers disable their keys, while something happens to Redis.</summary>
    private async Task DisturbAsync(string what, Func<CancellationToken, Task> disturb)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(_stop);
        var disturbing = disturb(end.Token);
        try
        {
            await DisableAsync(what);
        }
        finally
        {
            await end.CancelAsync();
            await disturbing;
        }
    }

    /// <summary>Customers disable their keys, and the process that asked AWS last about them is killed.</summary>
    private async Task DisableAsync(string what, bool isLast = false)
    {
        var unused = _customers[_used..];
        var asker = _instances.Skip(1).MaxBy(instance => unused.Count(customer => LastAsker(customer) == instance))!;
        var customers = unused.OrderBy(customer => LastAsker(customer) == asker ? 0 : 1).Take(Group).ToList();
        Use(customers);
        customers.ForEach(customer => customer.Key.Disable());
        var change = DateTimeOffset.UtcNow;
        _instances.Remove(asker);
        await asker.KillAsync();
        _disabled.AddRange(customers.Select(customer => (customer, change)));

        var others = _instances.ToList();
        var limit = _limits.Limit;
        await UntilAsync(change + limit + limit, () => others.TrueForAll(instance => customers.TrueForAll(
            customer => instance.StateOf(customer.Tenant) is { Kind: ReportKind.Refused } state && state.Time >= change)));
        var last = others.SelectMany(instance => customers.Select(customer => instance.StateOf(customer.Tenant)))
            .Max(state => state is { Kind: ReportKind.Refused } ? state.Time - change : TimeSpan.MaxValue);
        Add(new($"{what}: the last of {others.Count} processes refused", last.TotalSeconds, "s", limit.TotalSeconds));
        await asker.DisposeAsync();
        if (!isLast)
        {
            await StartAsync(1, _limits);
        }
    }

    /// <summary>Customers change their keys, and the first process invalidates the settings.</summary>
    private async Task ChangeAsync(string what, bool isPublished, TimeSpan limit)
    {
        var customers = _customers[_used..].Take(Group).ToList();
        Use(customers);
        var others = _instances[1..];
        foreach (var customer in customers)
        {
            customer.ChangeKey();
            await _tenants.SetAsync(customer.Tenant, customer.Settings);
        }

        var change = DateTimeOffset.UtcNow;
        foreach (var customer in customers)
        {
            await _instances[0].InvalidateAsync(customer.Tenant);
        }

        await UntilAsync(change + limit + limit, () => customers.TrueForAll(
            customer => Invalidated(customer) is not null && Alive().All(instance => HasNew(instance, customer))));
        var last = Alive().SelectMany(instance => customers.Select(customer => HasNew(instance, customer)
            ? instance.StateOf(customer.Tenant)!.Time - change
            : TimeSpan.MaxValue)).Max();
        Add(new($"{what}: all processes use them", last.TotalSeconds, "s", limit.TotalSeconds));
        var wrong = customers.Count(customer => Invalidated(customer)?.Detail != isPublished.ToString());
        Add(new($"InvalidateAsync that did not return {isPublished}", wrong, "calls", 0));

        Report? Invalidated(Customer customer) => _instances[0].Last(ReportKind.Invalidated, customer.Tenant);
        IEnumerable<InstanceProcess> Alive() => others.Where(instance => !instance.HasExited);
        static bool HasNew(InstanceProcess instance, Customer customer) => instance.StateOf(customer.Tenant)?.Detail == customer.Key.Arn;
    }

    /// <summary>The process that sent the last request to AWS about a tenant's key.</summary>
    private InstanceProcess? LastAsker(Customer customer) =>
        _instances.MaxBy(instance => instance.Last(ReportKind.Asked, customer.Tenant)?.Time ?? DateTimeOffset.MinValue);

    /// <summary>Starts processes, and waits until each has used the key of each tenant.</summary>
    private async Task StartAsync(int count, InstanceTimes times, bool isShared = true)
    {
        // Some at a time: a start costs much more than the work.
        foreach (var group in Enumerable.Range(0, count).Chunk(StartedAtOnce))
        {
            var started = group.Select(_ => new InstanceProcess(Settings(times, isShared, ClocksApart * (_started++ % 2)))).ToList();
            _instances.AddRange(started);
            await UntilAsync(DateTimeOffset.UtcNow + StartLimit, () => started.TrueForAll(instance => instance.IsReady));
            if (started.Find(instance => !instance.IsReady) is { } slow)
            {
                throw new InvalidOperationException($"A process does not start.\n{slow.Errors}");
            }
        }
    }

    private async Task StopAsync()
    {
        await Task.WhenAll(_instances.Select(instance => instance.DisposeAsync().AsTask()));
        _instances.Clear();
    }

    private Task WaitAsync(TimeSpan time) => UntilAsync(DateTimeOffset.UtcNow + time, () => false);

    private async Task UntilAsync(DateTimeOffset end, Func<bool> condition)
    {
        while (!condition() && DateTimeOffset.UtcNow < end)
        {
            await Task.Delay(Poll, _stop);
            if (_instances.Find(instance => instance.HasExited) is { } ended)
            {
                throw new InvalidOperationException($"A process has ended by itself:\n{ended.Errors}");
            }
        }
    }

    /// <summary>The configuration of an instance.</summary>
    private Dictionary<string, string?> Settings(InstanceTimes times, bool isShared, TimeSpan clockError = default)
    {
        var settings = new Dictionary<string, string?>
        {
            ["Tenants"] = _folder.Path,
            ["ClockError"] = clockError.TotalSeconds.ToString(CultureInfo.InvariantCulture),
            ["Pause"] = (0.2 * _options.Slowness).ToString(CultureInfo.InvariantCulture),
            ["Redis:Configuration"] = _redis.Configuration,
            ["Redis:InstanceName"] = _redis.Prefix,
            ["Byok:Endpoints:Kms:*"] = _aws.Endpoint.AbsoluteUri,
            ["Byok:Endpoints:Sts:*"] = _aws.Endpoint.AbsoluteUri,
            ["Byok:HostAccountId"] = HostAccount,
            ["Byok:HostIdentity:AccessKeyId"] = _identity.AccessKeyId,
            ["Byok:HostIdentity:SecretAccessKey"] = _identity.SecretAccessKey,
            ["Byok:ConfirmationInterval"] = times.ConfirmationInterval.ToString(),
            ["Byok:RoleCheckInterval"] = times.RoleCheckInterval.ToString(),
            ["Byok:DataKeyCache:MaxAge"] = times.MaxAge.ToString(),
        };
        if (isShared)
        {
            settings["Byok:Fleet:Secrets:0"] = _secret;
            settings["Byok:Fleet:ClockTolerance"] = times.ClockTolerance.ToString();
        }

        return settings;
    }

    private void Use(List<Customer> customers)
    {
        // The used ones come first, so the rest is unused.
        foreach (var customer in customers)
        {
            var place = Array.IndexOf(_customers, customer);
            (_customers[place], _customers[_used]) = (_customers[_used], customer);
            _used++;
        }
    }

    private static string Text(InstanceTimes times) => string.Create(
        CultureInfo.InvariantCulture,
        $"ConfirmationInterval {times.ConfirmationInterval.TotalSeconds} s, ClockTolerance {times.ClockTolerance.TotalSeconds} s");

    private void Add(Finding finding)
    {
        lock (_findings)
        {
            _findings.Add(finding);
        }

        Say(finding.ToString());
    }

    private void Say(string text) => _options.Output.WriteLine(text);
}
