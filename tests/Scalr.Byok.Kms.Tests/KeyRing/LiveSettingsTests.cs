using System.Collections.Concurrent;
using Amazon.Runtime;
using LocalAws;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>A ring of <c>AddKeyRing</c> follows its settings while the host runs.</summary>
[CancelAfter(120_000)]
internal sealed class LiveSettingsTests
{
    private const string NotUsed = "New settings of a key ring are not used. The old ones stay in use. ";

    private static readonly byte[] Plaintext = "for acme"u8.ToArray();

    private ByokWorld _world = null!;
    private LocalKey _newKey = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _newKey = _world.Customer.CreateKey(ByokWorld.Region);
        _world.User.Policy = _world.AssumedRole.Policy = Policies.Permissions("*");
    }

    [TearDown]
    public async Task StopAsync()
    {
        await _world.DisposeAsync();
        var leaks = _world.Logs.Entries.Where(entry => _world.Secrets.Exists(secret => entry.Contains(secret, StringComparison.Ordinal)));
        Assert.That(leaks, Is.Empty, "no secret is logged");
    }

    [Test]
    public async Task A_rotated_access_key_takes_effect_without_a_restart_and_no_call_fails()
    {
        var host = Host("AccessKeys");
        var ring = host.Ring;
        var message = await ring.EncryptAsync(Plaintext);
        var old = host.Inner;
        var done = false;
        var calls = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!Volatile.Read(ref done))
            {
                await ring.DecryptAsync(message);
                await ring.EncryptAsync(Plaintext);
            }
        })).ToArray();
        await _world.ReceivedAsync("Decrypt", 4);

        Rotate(host);
        await ByokWorld.UntilAsync(() => TenantHost.IsDisposed(old), "the old ring was not disposed");
        _world.AccessKey.Active = false;
        var received = _world.Aws.Log.Count("Decrypt");
        await _world.ReceivedAsync("Decrypt", received + 8);
        Volatile.Write(ref done, true);
        await Task.WhenAll(calls);

        Assert.That(host.Ring, Is.SameAs(ring));
        Assert.That(host.Inner, Is.Not.SameAs(old));
    }

    [Test]
    public async Task A_changed_role_takes_effect_too([Values("acme", "")] string name)
    {
        var host = new LiveHost(_world, _world.Settings("AssumeRole"), name: name);
        var message = await host.Ring.EncryptAsync(Plaintext);
        var role = _world.Customer.CreateRole(
            "another", Policies.AssumeRoleTrust(ByokWorld.HostAccount, ByokWorld.ExternalId), Policies.Permissions("*"));

        host.Change(("Credentials:RoleArn", role.Arn));
        _world.AssumedRole.TrustPolicy = Policies.AssumeRoleTrust("444455556666", ByokWorld.ExternalId);
        _world.Time.Advance(TimeSpan.FromSeconds(1));
        _world.AssumedRole.RevokeSessions();

        Assert.That(await host.Ring.DecryptAsync(message), Is.EqualTo(Plaintext));
        var assumed = _world.Aws.Log.Requests.Where(request => request.Operation == "AssumeRole").Select(request => request.Key);
        Assert.That(assumed, Is.EqualTo([_world.AssumedRole.Arn, role.Arn]));
    }

    [Test]
    [Category("Slow")]
    public async Task A_stream_finishes_with_the_old_settings()
    {
        var host = Host("AccessKeys", o => o.DataKeyCache.MaxAge = TimeSpan.FromMinutes(5));
        var old = host.Inner;
        var content = new byte[3_000_000];
        using var source = new SourceStream(content);
        var hold = new Hold();
        source.At(1_000_000, hold.ObeyAsync);
        using var message = new MemoryStream();
        var underWay = host.Ring.EncryptAsync(source, message);
        await hold.Reached;

        Rotate(host);
        Assert.That(await host.Ring.EncryptAsync(Plaintext), Is.Not.Empty);
        Assert.That(TenantHost.IsDisposed(old), Is.False, "the stream is inside");
        hold.Release();
        await underWay;

        Assert.That(TenantHost.IsDisposed(old), Is.True);
        Assert.That((await host.Ring.DecryptAsync(message.ToArray())).AsSpan().SequenceEqual(content));
        Assert.That(_world.Aws.Log.Count("Encrypt"), Is.EqualTo(2), "one for each ring");
    }

    [Test]
    public async Task An_open_data_key_keeps_working_until_it_is_disposed()
    {
        var host = Host("AccessKeys");
        var old = host.Inner;
        var key = await host.Ring.CreateDataKeyAsync();
        var value = key.EncryptText("abc");

        Rotate(host);

        Assert.That(key.DecryptText(value), Is.EqualTo("abc"));
        using var again = await host.Ring.OpenDataKeyAsync(key.EncryptedKey);
        Assert.That(again.DecryptText(value), Is.EqualTo("abc"));
        Assert.That(TenantHost.IsDisposed(old), Is.False);
        key.Dispose();
        Assert.That(TenantHost.IsDisposed(old), Is.True);
    }

    [Test]
    public async Task An_open_data_key_is_closed_when_AWS_denies_the_old_credentials_and_opens_again_with_the_new_ones()
    {
        var host = Host("AccessKeys", o => o.DataKeyCache.MaxAge = TimeSpan.FromMinutes(5));
        var old = host.Inner;
        using var key = await host.Ring.CreateDataKeyAsync();
        var value = key.EncryptText("abc");
        Rotate(host);
        _world.AccessKey.Active = false;

        _world.Time.Advance(TimeSpan.FromSeconds(60));
        await ByokWorld.UntilAsync(() => TenantHost.IsDisposed(old), "the old ring was not disposed");

        var thrown = Assert.Throws<ByokKeyUnavailableException>(() => key.DecryptText(value));
        Assert.That(thrown!.Reason, Is.EqualTo(ByokKeyUnavailableReason.CredentialsRejected));
        using var again = await host.Ring.OpenDataKeyAsync(key.EncryptedKey);
        Assert.That(again.DecryptText(value), Is.EqualTo("abc"));
    }

    [TestCase("KeyArn", "not an ARN", "Customers:Acme:KeyArn")]
    [TestCase("KeyArn", null, "Customers:Acme:KeyArn is missing.")]
    [TestCase("Credentials:SecretAccessKey", "S3cret of the wrong length", "Customers:Acme:Credentials:SecretAccessKey ")]
    [TestCase("Credentials", "S3cret in the wrong place", "Customers:Acme:Credentials is a text; expected a section with ")]
    public async Task Invalid_settings_keep_the_old_ones_and_are_logged(string setting, string? value, string message)
    {
        var host = Host("AccessKeys");
        var good = host.Configuration[$"{LiveHost.Section}:{setting}"];
        var (ring, inner) = (host.Ring, host.Inner);

        Assert.That(() => host.Change((setting, value)), Throws.Nothing, "the host's reload is not disturbed");

        Assert.That(await ring.DecryptAsync(await ring.EncryptAsync(Plaintext)), Is.EqualTo(Plaintext));
        Assert.That(host.Inner, Is.SameAs(inner));
        Assert.That(Errors().Single(), Does.StartWith(NotUsed + message).And.Not.Contains("S3cret"));

        host.Change((setting, good));
        Assert.That(host.Inner, Is.SameAs(inner), "what is in use already");
        Rotate(host);
        _world.AccessKey.Active = false;
        Assert.That(await ring.EncryptAsync(Plaintext), Is.Not.Empty);
        Assert.That(Errors(), Has.Length.EqualTo(1));
    }

    [Test]
    public async Task Settings_that_cannot_be_read_keep_the_old_ones_and_are_logged_without_the_text_of_the_error()
    {
        var fails = false;
        var host = Host("AccessKeys", with: builder => builder.Services.PostConfigureAll<ByokKeySettings>(settings =>
            settings.KeyArn = Volatile.Read(ref fails) ? throw new InvalidOperationException("cannot convert 'S3cret'") : settings.KeyArn));
        var inner = host.Inner;

        Volatile.Write(ref fails, true);
        Assert.That(() => Rotate(host), Throws.Nothing, "the host's reload is not disturbed");

        Assert.That(await host.Ring.EncryptAsync(Plaintext), Is.Not.Empty);
        Assert.That(host.Inner, Is.SameAs(inner));
        var error = Errors().Single();
        Assert.That(error, Does.StartWith(NotUsed + "Key ring 'acme': ").And.Contains("InvalidOperationException"));
        Assert.That(error, Does.Not.Contain("S3cret"));

        Volatile.Write(ref fails, false);
        host.Configuration.Reload();
        Assert.That(host.Inner, Is.Not.SameAs(inner));
    }

    [Test]
    public async Task A_changed_key_is_used_only_if_the_old_one_is_among_the_previous_keys()
    {
        var host = Host("AccessKeys");
        var (ring, inner) = (host.Ring, host.Inner);
        var message = await ring.EncryptAsync(Plaintext);

        host.Change(("KeyArn", _newKey.Arn));

        Assert.That(ring.KeyArn.ToString(), Is.EqualTo(_world.Key.Arn));
        Assert.That(host.Inner, Is.SameAs(inner));
        Assert.That(await ring.DecryptAsync(message), Is.EqualTo(Plaintext));
        Assert.That(Errors().Single(), Does.StartWith(
            $"{NotUsed}Customers:Acme:KeyArn changed from {_world.Key.Arn} to {_newKey.Arn}, but the old key is not among PreviousKeys, "
            + "so messages under it would no longer open. Add the old key with its credentials to PreviousKeys. "
            + "To use the new key alone, restart the host."));

        host.Change(
            ("PreviousKeys:0:KeyArn", _world.Key.Arn),
            ("PreviousKeys:0:Credentials:Type", "AccessKeys"),
            ("PreviousKeys:0:Credentials:AccessKeyId", _world.AccessKey.AccessKeyId),
            ("PreviousKeys:0:Credentials:SecretAccessKey", _world.AccessKey.SecretAccessKey));

        Assert.That(ring.KeyArn.ToString(), Is.EqualTo(_newKey.Arn));
        Assert.That(await ring.DecryptAsync(message), Is.EqualTo(Plaintext));
        Assert.That(KeyOf(await ring.EncryptAsync(Plaintext)), Is.EqualTo(_newKey.Arn));
        Assert.That(KeyOf(await ring.ReencryptAsync(message)), Is.EqualTo(_newKey.Arn));
        Assert.That(Errors(), Has.Length.EqualTo(1));
    }

    [Test]
    public async Task A_replica_of_the_old_key_is_the_same_key()
    {
        var host = Host("AccessKeys");
        var message = await host.Ring.EncryptAsync(Plaintext);
        var replica = _world.Key.Replicate("us-east-2");

        host.Change(("KeyArn", replica.Arn));

        Assert.That(host.Ring.KeyArn.ToString(), Is.EqualTo(replica.Arn));
        Assert.That(await host.Ring.DecryptAsync(message), Is.EqualTo(Plaintext));
    }

    [Test]
    public async Task A_reload_that_changes_nothing_of_the_ring_costs_nothing()
    {
        var host = Host("AccessKeys", o => o.DataKeyCache.MaxAge = TimeSpan.FromMinutes(5));
        var message = await host.Ring.EncryptAsync(Plaintext);
        await host.Ring.DecryptAsync(message);
        var (inner, requests) = (host.Inner, _world.Aws.Log.Requests.Count);

        host.Configuration["Other:Setting"] = "2";
        host.Configuration.Reload();
        host.Configuration.Reload();
        await host.Ring.DecryptAsync(message);
        await host.Ring.EncryptAsync(Plaintext);

        Assert.That(host.Inner, Is.SameAs(inner));
        Assert.That(_world.Aws.Log.Requests, Has.Count.EqualTo(requests));
        Assert.That(_world.Logs.Entries, Has.None.Contains("has new settings"));
    }

    [Test]
    public async Task Of_many_changes_at_once_the_last_wins_and_the_rings_between_are_disposed()
    {
        var (source, made, audience) = (new Source(), new Strategy(_world), "first");
        var services = _world.Services();
        services.AddSingleton<IOptionsChangeTokenSource<ByokKeySettings>>(source);
        services.AddSingleton<IByokCredentialStrategy>(made);
        services.AddScalrByok().AddKeyRing("acme", settings =>
        {
            settings.KeyArn = _world.Key.Arn;
            settings.Credentials = new ByokCredentialSettings { Type = "Counted", Audience = Volatile.Read(ref audience) };
        });
        var provider = _world.Build(services);
        var ring = provider.GetRequiredKeyedService<IByokKeyRing>("acme");
        var message = await ring.EncryptAsync(Plaintext);
        Assert.That(made.Alive, Is.EqualTo(["first"]));

        var changes = Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                Volatile.Write(ref audience, $"{thread}-{i}");
                source.Change();
            }
        })));
        while (!changes.IsCompleted)
        {
            await ring.DecryptAsync(message);
        }

        await changes;
        Assert.That(await ring.DecryptAsync(message), Is.EqualTo(Plaintext));
        Assert.That(made.Alive, Is.EqualTo([audience]));
        await provider.DisposeAsync();
        Assert.That(made.Alive, Is.Empty);
        audience = "after the end";
        source.Change();
        Assert.That(made.Alive, Is.Empty, "the host's services are disposed");
    }

    [Test]
    public async Task Nothing_listens_any_more_once_the_host_is_disposed()
    {
        var source = new Source();
        var host = Host("AccessKeys", with: builder => builder.Services.AddSingleton<IOptionsChangeTokenSource<ByokKeySettings>>(source));
        var ring = host.Ring;
        Assert.That(source.Listeners, Is.EqualTo(1));
        for (var i = 0; i < 10; i++)
        {
            source.Change();
        }

        Assert.That(source.Listeners, Is.EqualTo(1));
        await host.Services.DisposeAsync();

        Assert.That(source.Listeners, Is.Zero);
        source.Change();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await ring.EncryptAsync(Plaintext));
        Assert.That(Errors(), Is.Empty);
    }

    [Test]
    public async Task Settings_in_code_follow_the_hosts_own_source_of_changes()
    {
        var source = new Source();
        var settings = _world.Settings("AccessKeys");
        var services = _world.Services();
        services.AddSingleton<IOptionsChangeTokenSource<ByokKeySettings>>(source);
        services.AddScalrByok().AddKeyRing("acme", ring => (ring.KeyArn, ring.Credentials) = (settings.KeyArn, settings.Credentials));
        var ring = _world.Build(services).GetRequiredKeyedService<IByokKeyRing>("acme");
        var message = await ring.EncryptAsync(Plaintext);

        var accessKey = NewAccessKey();
        settings.Credentials = ByokCredentialSettings.AccessKeys(accessKey.AccessKeyId, accessKey.SecretAccessKey);
        source.Change();
        _world.AccessKey.Active = false;

        Assert.That(await ring.DecryptAsync(message), Is.EqualTo(Plaintext));
    }

    [Test]
    public async Task A_change_between_the_start_and_the_first_use_counts_and_an_invalid_one_does_not([Values] bool isValid)
    {
        var host = Host("AccessKeys");
        if (isValid)
        {
            Rotate(host);
            _world.AccessKey.Active = false;
        }
        else
        {
            host.Change(("KeyArn", "not an ARN"));
            Assert.That(Errors(), Has.Length.EqualTo(1));
        }

        Assert.That(await host.Ring.EncryptAsync(Plaintext), Is.Not.Empty);
    }

    [Test]
    public async Task The_hosts_own_options_stay_as_they_were_at_the_start()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("Byok:ConfirmationInterval", "00:00:30")]).Build();
        var host = Host("AccessKeys", with: builder => builder.Services.AddScalrByok(configuration.GetSection("Byok")));
        var monitor = host.Services.GetRequiredService<IOptionsMonitor<ByokOptions>>();
        Assert.That(monitor.CurrentValue.ConfirmationInterval, Is.EqualTo(TimeSpan.FromSeconds(30)));
        var inner = host.Inner;

        configuration["Byok:ConfirmationInterval"] = "thirty";
        Assert.That(configuration.Reload, Throws.Nothing);
        configuration["Byok:ConfirmationInterval"] = "00:00:40";
        configuration.Reload();

        Assert.That(await host.Ring.EncryptAsync(Plaintext), Is.Not.Empty);
        Assert.That(host.Inner, Is.SameAs(inner));
        var options = host.Services.GetRequiredService<IOptions<ByokOptions>>().Value;
        Assert.That(options.ConfirmationInterval, Is.EqualTo(TimeSpan.FromSeconds(30)));
    }

    [Test]
    public async Task Health_probes_new_settings_at_once()
    {
        var host = Host("AccessKeys", with: builder =>
        {
            builder.AddHealthCheck();
            builder.Services.AddLogging();
            builder.Services.AddSingleton<ILoggerFactory>(_world.Logs);
        });
        var health = host.Services.GetRequiredService<HealthCheckService>();
        Assert.That((await health.CheckHealthAsync()).Status, Is.EqualTo(HealthStatus.Healthy));

        host.Change(("Credentials:AccessKeyId", "AKIAIOSFODNN7EXAMPLE"));
        Assert.That((await health.CheckHealthAsync()).Status, Is.EqualTo(HealthStatus.Degraded), "no such access key");
        Rotate(host);

        Assert.That((await health.CheckHealthAsync()).Status, Is.EqualTo(HealthStatus.Healthy));
        Assert.That((await health.CheckHealthAsync()).Status, Is.EqualTo(HealthStatus.Healthy));
        Assert.That(_world.Aws.Log.Count("DescribeKey"), Is.EqualTo(3), "a probe serves for a while");
    }

    private static string KeyOf(byte[] message) => ByokMessage.Read(message).KeyArns.Single().ToString();

    private LiveHost Host(string type, Action<ByokOptions>? options = null, Action<IByokBuilder>? with = null) =>
        new(_world, _world.Settings(type), options, with);

    private LocalAccessKey NewAccessKey()
    {
        var accessKey = _world.User.CreateAccessKey();
        _world.Remember(accessKey.SecretAccessKey);
        return accessKey;
    }

    private void Rotate(LiveHost host)
    {
        var accessKey = NewAccessKey();
        host.Change(("Credentials:AccessKeyId", accessKey.AccessKeyId), ("Credentials:SecretAccessKey", accessKey.SecretAccessKey));
    }

    /// <summary>The errors in the log.</summary>
    private string[] Errors() =>
    [
        .. _world.Logs.Entries.Where(entry => entry.StartsWith("Error", StringComparison.Ordinal))
            .Select(entry => entry[(entry.IndexOf(": ", StringComparison.Ordinal) + 2)..]),
    ];

    /// <summary>Credentials that are counted while they are not disposed, by their audience.</summary>
    private sealed class Strategy(ByokWorld world) : IByokCredentialStrategy
    {
        private readonly ConcurrentDictionary<Counted, string> _alive = new();

        public string Type => "Counted";

        public IEnumerable<string> Alive => _alive.Values;

        public IEnumerable<string> Validate(ByokCredentialSettings credentials) => [];

        public AWSCredentials CreateCredentials(ByokCredentialSettings credentials, ByokCredentialContext context)
        {
            var counted = new Counted(this, world.AccessKey);
            _alive[counted] = credentials.Audience!;
            return counted;
        }

        private sealed class Counted(Strategy owner, LocalAccessKey accessKey) : AWSCredentials, IDisposable
        {
            public override ImmutableCredentials GetCredentials() => new(accessKey.AccessKeyId, accessKey.SecretAccessKey, null);

            public void Dispose() => owner._alive.TryRemove(this, out _);
        }
    }

    /// <summary>The host's own source of changes, which counts its listeners.</summary>
    private sealed class Source : IOptionsChangeTokenSource<ByokKeySettings>
    {
        private ConfigurationReloadToken _change = new();
        private int _listeners;

        public string Name => "acme";

        public int Listeners => Volatile.Read(ref _listeners);

        public IChangeToken GetChangeToken() => new Token(this, Volatile.Read(ref _change));

        public void Change()
        {
            Interlocked.Exchange(ref _change, new ConfigurationReloadToken()).OnReload();
        }

        private sealed class Token(Source source, ConfigurationReloadToken token) : IChangeToken
        {
            public bool HasChanged => token.HasChanged;

            public bool ActiveChangeCallbacks => true;

            public IDisposable RegisterChangeCallback(Action<object?> callback, object? state)
            {
                var registration = new Registration(source);
                registration.Inner = token.RegisterChangeCallback(
                    changed =>
                    {
                        registration.End(); // a token fires once
                        callback(changed);
                    },
                    state);
                return registration;
            }
        }

        private sealed class Registration : IDisposable
        {
            private readonly Source _source;
            private int _isEnded;

            public Registration(Source source)
            {
                _source = source;
                Interlocked.Increment(ref source._listeners);
            }

            public IDisposable? Inner { get; set; }

            public void End()
            {
                if (Interlocked.Exchange(ref _isEnded, 1) == 0)
                {
                    Interlocked.Decrement(ref _source._listeners);
                }
            }

            public void Dispose()
            {
                Inner?.Dispose();
                End();
            }
        }
    }
}
