using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using StackExchange.Redis;

namespace Fleet.Demo;

/// <summary>A Redis without persistence on a free port of 127.0.0.1, or one that runs already.</summary>
internal sealed class RedisServer : IAsyncDisposable
{
    /// <summary>
    /// Starts Redis, sends it the signals that the standard input names, and kills it when the input is closed. So Redis also ends when the
    /// demonstration dies.
    /// </summary>
    private const string Guard = """
        trap '' INT TERM HUP
        "$@" &
        while read -r signal; do kill -s "$signal" $!; done
        kill -s KILL $! 2>/dev/null
        wait
        """;

    // Entries as the cache's package stores them: a hash with this field.
    private const string Field = "data";

    private static readonly TimeSpan Suspended = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(10);

    private readonly Process? _guard;
    private ConnectionMultiplexer? _client;

    private RedisServer(string configuration, Process? guard)
    {
        Configuration = configuration;
        _guard = guard;
    }

    /// <summary>The connection string. It may contain a password.</summary>
    public string Configuration { get; }

    /// <summary>The names of all entries begin with this text.</summary>
    public string Prefix { get; } = $"byok-fleet-{RandomNumberGenerator.GetHexString(8, lowercase: true)}:";

    /// <summary>Whether the demonstration has started it, and so can stop it.</summary>
    public bool IsOwn => _guard is not null;

    private IDatabase Database => _client!.GetDatabase();

    /// <summary>Starts a Redis, or connects to one that runs.</summary>
    /// <param name="running">The connection string of the latter.</param>
    /// <exception cref="InvalidOperationException">redis-server is not installed, or Redis does not answer.</exception>
    public static async Task<RedisServer> StartAsync(string? running)
    {
        var redis = running is null ? Start() : new RedisServer(running, guard: null);
        try
        {
            var options = ConfigurationOptions.Parse(redis.Configuration);
            (options.AbortOnConnectFail, options.ReconnectRetryPolicy) = (false, new LinearRetry(100));
            redis._client = await ConnectionMultiplexer.ConnectAsync(options);
            for (var start = Stopwatch.GetTimestamp(); !redis._client.IsConnected; await Task.Delay(50))
            {
                if (Stopwatch.GetElapsedTime(start) > StartLimit)
                {
                    throw new InvalidOperationException($"Redis does not answer at {options.EndPoints[0]}.");
                }
            }

            return redis;
        }
        catch
        {
            await redis.DisposeAsync();
            throw;
        }
    }

    /// <summary>Whether redis-server is installed.</summary>
    public static bool IsInstalled => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Any(folder => Path.IsPathFullyQualified(folder) && File.Exists(Path.Combine(folder, "redis-server")));

    /// <summary>Sends Redis a signal: STOP, CONT or KILL.</summary>
    public async Task SignalAsync(string signal)
    {
        await _guard!.StandardInput.WriteLineAsync(signal);
        await _guard.StandardInput.FlushAsync();
    }

    /// <summary>Suspends Redis for four fifths of the time, so that most answers take up to 0.2 seconds.</summary>
    public async Task SlowAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await SignalAsync("STOP");
            await Task.Delay(Suspended, CancellationToken.None);
            await SignalAsync("CONT");
            await Task.Delay(Suspended / 4, CancellationToken.None);
        }
    }

    /// <summary>Writes back all entries as they are now, and deletes later ones, again and again.</summary>
    public async Task ReplayAsync(CancellationToken stop)
    {
        var old = await ReadAsync();
        while (!stop.IsCancellationRequested)
        {
            var later = (await ReadAsync()).Keys.Except(old.Keys);
            await Task.WhenAll([.. later.Select(name => Database.KeyDeleteAsync(name)), .. old.Select(WriteAsync)]);
            await Task.Delay(Pause, CancellationToken.None);
        }
    }

    /// <summary>Overwrites all entries, again and again: with random bytes, or so that each says "now" without the secret.</summary>
    public async Task ForgeAsync(CancellationToken stop)
    {
        for (var isGarbage = false; !stop.IsCancellationRequested; isGarbage = !isGarbage)
        {
            var entries = await ReadAsync();
            foreach (var entry in entries.Values)
            {
                if (isGarbage)
                {
                    RandomNumberGenerator.Fill(entry);
                }
                else
                {
                    BinaryPrimitives.WriteInt64BigEndian(entry.AsSpan(2), DateTime.UtcNow.Ticks); // there the entry's time is
                }
            }

            await Task.WhenAll(entries.Select(WriteAsync));
            await Task.Delay(Pause, CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_client is not null)
        {
            if (!IsOwn && _client.IsConnected)
            {
                await Task.WhenAll((await ReadAsync()).Keys.Select(name => Database.KeyDeleteAsync(name)));
            }

            await _client.DisposeAsync();
        }

        if (_guard is not null)
        {
            _guard.StandardInput.Close();
            await _guard.WaitForExitAsync();
            _guard.Dispose();
        }
    }

    private static RedisServer Start()
    {
        if (!IsInstalled)
        {
            throw new InvalidOperationException(
                "redis-server is not installed. Install it (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis), or "
                + "name a Redis that runs: --redis localhost:6379");
        }

        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        var port = ((IPEndPoint)free.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
        free.Stop();
        string[] redis = ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
        var start = new ProcessStartInfo("sh", ["-c", Guard, "guard", .. redis])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var guard = Process.Start(start)!;
        guard.BeginOutputReadLine(); // read, so that Redis can go on writing, and dropped
        guard.BeginErrorReadLine();
        return new RedisServer($"127.0.0.1:{port}", guard);
    }

    private async Task<Dictionary<RedisKey, byte[]>> ReadAsync()
    {
        var entries = new Dictionary<RedisKey, byte[]>();
        await foreach (var name in _client!.GetServers()[0].KeysAsync(pattern: Prefix + "*", pageSize: 1_000))
        {
            entries.TryAdd(name, []);
        }

        await Task.WhenAll(entries.Keys.Select(async name =>
        {
            var bytes = (byte[]?)await Database.HashGetAsync(name, Field);
            lock (entries)
            {
                entries[name] = bytes ?? [];
            }
        }));
        return entries.Where(entry => entry.Value.Length > 10).ToDictionary();
    }

    private Task WriteAsync(KeyValuePair<RedisKey, byte[]> entry) => Database.HashSetAsync(entry.Key, Field, entry.Value);
}
