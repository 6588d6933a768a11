using System.Buffers;
using System.IO.Pipelines;
using LocalAws;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>AWS rejects a tenant's credentials, and the store has others: an instance that missed the change recovers by itself.</summary>
[CancelAfter(120_000)]
internal sealed class TenantRefreshTests
{
    private const string Tenant = "acme";

    private static readonly byte[] Plaintext = "for acme"u8.ToArray();
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private static readonly Dictionary<string, Func<IByokKeyRing, byte[], byte[], Task>> Calls = new()
    {
        ["Encrypt"] = async (ring, _, _) => await ring.EncryptAsync(Plaintext),
        ["Encrypt into a buffer"] = async (ring, _, _) => await ring.EncryptAsync(Plaintext, new ArrayBufferWriter<byte>()),
        ["Encrypt a stream"] = async (ring, _, _) => await ring.EncryptAsync(new SourceStream(Plaintext), new MemoryStream()),
        ["Decrypt"] = async (ring, message, _) => await ring.DecryptAsync(message),
        ["Decrypt into a buffer"] = async (ring, message, _) => await ring.DecryptAsync(message, new ArrayBufferWriter<byte>()),
        ["Decrypt a stream"] = async (ring, message, _) => await ring.DecryptAsync(new MemoryStream(message), new MemoryStream()),
        ["Encrypt a pipe"] = async (ring, _, _) => await ring.EncryptAsync(new StrictPipeReader(Plaintext), new StrictPipeWriter()),
        ["Decrypt a pipe"] = async (ring, message, _) => await ring.DecryptAsync(new StrictPipeReader(message, 1), new StrictPipeWriter()),
        ["Encrypt pieces"] = async (ring, _, _) => await ring.EncryptAsync(Pieces.Of(Plaintext, 1), new ArrayBufferWriter<byte>()),
        ["Decrypt pieces"] = async (ring, message, _) => await ring.DecryptAsync(Pieces.Of(message, 99), new ArrayBufferWriter<byte>()),
        ["Decrypt streams in memory"] = async (ring, message, _) =>
        {
            using MemoryStream plaintext = new();
            await ring.DecryptAsync(new MemoryStream(message, 0, message.Length, false, publiclyVisible: true), plaintext);
            Assert.That(plaintext.ToArray(), Is.EqualTo(Plaintext));
        },
        ["Create a data key"] = async (ring, _, _) => (await ring.CreateDataKeyAsync()).Dispose(),
        ["Open a data key"] = async (ring, _, dataKey) => (await ring.OpenDataKeyAsync(dataKey)).Dispose(),
        ["Probe"] = async (ring, _, _) => Assert.That((await ring.ProbeAsync()).Status, Is.EqualTo(HealthStatus.Healthy)),
    };

    private ByokWorld _world = null!;
    private TenantHost _host = null!;

    private static IEnumerable<string> Members => Calls.Keys;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _world.User.Policy = _world.AssumedRole.Policy = Policies.Permissions("*");
        _host = Host();
    }

    [TearDown]
    public async Task StopAsync()
    {
        await _world.DisposeAsync();
        var leaks = _world.Logs.Entries.Where(entry => _world.Secrets.Exists(secret => entry.Contains(secret, StringComparison.Ordinal)));
        Assert.That(leaks, Is.Empty, "no secret is logged");
    }

    [TestCaseSource(nameof(Members))]
    public async Task A_rotated_access_key_fails_no_call_of_an_instance_that_missed_it(string member)
    {
        var ring = await RingAsync("AccessKeys");
        var message = await ring.EncryptAsync(Plaintext);
        byte[] dataKey;
        using (var made = await ring.CreateDataKeyAsync())
        {
            dataKey = made.EncryptedKey.ToArray();
        }

        _world.Time.Advance(Interval);
        Rotate();

        await Calls[member](ring, message, dataKey);

        Assert.That(_host.Store.Count(Tenant), Is.EqualTo(2));
        await Calls[member](ring, message, dataKey);
        Assert.That(_host.Store.Count(Tenant), Is.EqualTo(2));
        Assert.That(_world.Logs.Entries, Has.One.Contains("The store has other settings now, which are used."));
    }

    [Test]
    public async Task An_instance_that_was_told_and_one_that_was_not_go_on_alike()
    {
        var other = Host();
        other.Store[Tenant] = _world.Settings("AccessKeys");
        var (told, missed) = (await RingAsync("AccessKeys"), await other.GetAsync(Tenant));
        var message = await told.EncryptAsync(Plaintext);
        Assert.That(await missed.DecryptAsync(message), Is.EqualTo(Plaintext));
        _world.Time.Advance(Interval);

        Rotate(_host, other);
        _host.Rings.Invalidate(Tenant);

        Assert.That(await told.DecryptAsync(message), Is.EqualTo(Plaintext));
        Assert.That(await missed.DecryptAsync(message), Is.EqualTo(Plaintext));
        Assert.That((_host.Store.Count(Tenant), other.Store.Count(Tenant)), Is.EqualTo((2, 2)));
    }

    [TestCase("AssumeRole", "AssumeRole")]
    [TestCase("AssumeRole", "AccessKeys")]
    [TestCase("Oidc", "AssumeRole")]
    public async Task A_role_that_cannot_be_assumed_any_more_leads_to_the_new_settings(string type, string newType)
    {
        var ring = await RingAsync(type);
        var message = await ring.EncryptAsync(Plaintext);
        var role = _world.Customer.CreateRole(
            "another", Policies.AssumeRoleTrust(ByokWorld.HostAccount, ByokWorld.ExternalId), Policies.Permissions("*"));
        var settings = _world.Settings(newType);
        settings.Credentials.RoleArn = newType == "AssumeRole" ? role.Arn : null;
        _host.Store[Tenant] = settings;
        _world.AssumedRole.TrustPolicy = _world.OidcRole.TrustPolicy = Policies.AssumeRoleTrust("444455556666", ByokWorld.ExternalId);
        _world.Time.Advance(TimeSpan.FromMinutes(6)); // beyond RoleCheckInterval

        Assert.That(await ring.DecryptAsync(message), Is.EqualTo(Plaintext));
        Assert.That(_host.Store.Count(Tenant), Is.EqualTo(2));
    }

    [Test]
    public async Task A_rejected_token_leads_to_the_new_settings()
    {
        var ring = await RingAsync("Oidc");
        var message = await ring.EncryptAsync(Plaintext);
        _world.Customer.CreateOidcProvider(ByokWorld.Issuer, ["another-audience"], _world.OidcIssuer.Address);
        _world.OidcRole.TrustPolicy = Policies.OidcTrust(ByokWorld.CustomerAccount, "scalr.io", "another-audience", ByokWorld.Subject);
        var settings = _world.Settings("Oidc");
        settings.Credentials.Audience = "another-audience";
        _host.Store[Tenant] = settings;
        _world.Time.Advance(TimeSpan.FromMinutes(6));

        Assert.That(await ring.DecryptAsync(message), Is.EqualTo(Plaintext));
        Assert.That(_host.Store.Count(Tenant), Is.EqualTo(2));
    }

    [Test]
    public async Task A_hundred_callers_share_one_read()
    {
        var ring = await RingAsync("AccessKeys");
        var message = await ring.EncryptAsync(Plaintext);
        _world.Time.Advance(Interval);
        Rotate();
        var hold = new Hold();
        var answer = _host.Store.Answers[Tenant];
        _host.Store.Answers[Tenant] = async token =>
        {
            await hold.ObeyAsync(token);
            return await answer(token);
        };

        var calls = Enumerable.Range(0, 100).Select(_ => ring.DecryptAsync(message).AsTask()).ToArray();
        await hold.Reached;
        Assert.That(calls.Select(call => call.IsCompleted), Is.All.False);
        hold.Release();

        Assert.That(await Task.WhenAll(calls), Is.All.EqualTo(Plaintext));
        Assert.That(_host.Store.Count(Tenant), Is.EqualTo(2));
    }

    [Test]
    public async Task Credentials_that_are_rejected_for_good_cost_one_read_in_five_seconds_while_calls_come_and_none_without()
    {
        var ring = await RingAsync("AccessKeys");
        var message = await ring.EncryptAsync(Plaintext);
        _world.AccessKey.Active = false;
        var thrown = await DeniedAsync(ring, message);
        Assert.That(_host.Store.Count(Tenant), Is.EqualTo(1), "the settings were read just now");

        for (var second = 1; second <= 20; second++)
        {
            _world.Time.Advance(TimeSpan.FromSeconds(1));
            for (var i = 0; i < 3; i++)
            {
                Assert.That((await DeniedAsync(ring, message)).Reason, Is.EqualTo(thrown.Reason));
            }

            Assert.That(_host.Store.Count(Tenant), Is.EqualTo(1 + (second / 5)));
        }

        Assert.That(thrown.RequestId, Is.Not.Null);
        _world.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.That(_host.Store.Count(Tenant), Is.EqualTo(5));
        Assert.That(_world.Logs.Entries, Has.None.Contains("settings that the store has now"));
    }

    [Test]
    public async Task A_denial_that_is_remembered_leads_to_the_new_settings_too()
    {
        var ring = await RingAsync("AccessKeys");
        var message = await ring.EncryptAsync(Plaintext);
        _world.AccessKey.Active = false;
        await DeniedAsync(ring, message);
        _world.Time.Advance(TimeSpan.FromSeconds(1));
        await DeniedAsync(ring, message); // AWS is asked, and the pause before it is asked again grows
        _world.Time.Advance(TimeSpan.FromSeconds(1));
        await DeniedAsync(ring, message);
        Rotate();
        await DeniedAsync(ring, message);
        _world.Time.Advance(TimeSpan.FromSeconds(3));
        var received = _world.Aws.Log.Requests.Count(request => request.ErrorCode is not null);

        Assert.That(await ring.DecryptAsync(message), Is.EqualTo(Plaintext));
        Assert.That(_world.Aws.Log.Requests.Count(request => request.ErrorCode is not null), Is.LessThanOrEqualTo(received + 1));
        Assert.That(_host.Store.Count(Tenant), Is.EqualTo(2));
    }

    [Test]
    public async Task New_settings_that_are_rejected_too_are_not_tried_again_and_again()
    {
        var ring = await RingAsync("AccessKeys");
        var message = await ring.EncryptAsync(Plaintext);
        _world.Time.Advance(Interval);
        Rotate().Active = false;
        var requests = _world.Aws.Log.Requests.Count;

        await DeniedAsync(ring, message);

        Assert.That(_host.Store.Count(Tenant), Is.EqualTo(2));
        Assert.That(_world.Aws.Log.Requests, Has.Count.EqualTo(requests + 2), "once with each");
        await DeniedAsync(ring, message);
        Assert.That(_host.Store.Count(Tenant), Is.EqualTo(2));
    }

    [Test]
    public async Task A_tenant_that_is_gone_from_the_store_is_unknown()
    {
        var ring = await RingAsync("AccessKeys");
        var message = await ring.EncryptAsync(Plaintext);
        var inner = TenantHost.Inner(ring);
        _world.AccessKey.Active = false;
        _host.Store.Answers.Clear();
        _world.Time.Advance(Interval);

        var thrown = await Assert.ThrowsAsync<ByokTenantNotFoundException>(async () => await ring.DecryptAsync(message));

        Assert.That(thrown!.Tenant, Is.EqualTo(Tenant));
        Assert.That(_host.Store.Count(Tenant), Is.EqualTo(2));
        Assert.That(TenantHost.IsDisposed(inner), Is.True);
        Assert.That(_host.InUse, Is.Empty);
    }

    [Test]
    public async Task A_store_that_fails_or_has_invalid_settings_leaves_the_denial_and_is_logged([Values] bool fails)
    {
        var ring = await RingAsync("AccessKeys");
        var message = await ring.EncryptAsync(Plaintext);
        _world.AccessKey.Active = false;
        var invalid = new ByokKeySettings { KeyArn = "nonsense", Credentials = _world.Settings("AccessKeys").Credentials };
        _host.Store.Answers[Tenant] = _ => fails
            ? throw new InvalidOperationException($"connection with {_world.AccessKey.SecretAccessKey}")
            : Task.FromResult<ByokKeySettings?>(invalid);
        _world.Time.Advance(Interval);

        Assert.That((await DeniedAsync(ring, message)).Reason, Is.EqualTo(ByokKeyUnavailableReason.CredentialsRejected));

        var entry = _world.Logs.Entries.Single(line => line.StartsWith("Error", StringComparison.Ordinal));
        var expected = fails ? "InvalidOperationException" : "Key ring: KeyArn: ";
        Assert.That(entry, Does.Contain($"The settings that the store has now cannot be used: {expected}"));
        Rotate();
        await DeniedAsync(ring, message);
        _world.Time.Advance(Interval);
        Assert.That(await ring.DecryptAsync(message), Is.EqualTo(Plaintext));
    }

    [Test]
    public async Task A_store_that_does_not_answer_holds_a_call_for_five_seconds_and_its_late_answer_serves_the_next()
    {
        var ring = await RingAsync("AccessKeys");
        var message = await ring.EncryptAsync(Plaintext);
        _world.Time.Advance(Interval);
        Rotate();
        var hold = new Hold();
        var answer = _host.Store.Answers[Tenant];
        _host.Store.Answers[Tenant] = async token =>
        {
            await hold.ObeyAsync(token);
            return await answer(token);
        };
        using var cancellation = new CancellationTokenSource();
        var first = ring.DecryptAsync(message).AsTask();
        await hold.Reached;
        var calls = new[] { first, ring.DecryptAsync(message).AsTask() };
        var cancelled = ring.DecryptAsync(message, cancellationToken: cancellation.Token).AsTask();
        await cancellation.CancelAsync();
        await Assert.CatchAsync<OperationCanceledException>(() => cancelled);
        Assert.That(calls.Select(call => call.IsCompleted), Is.All.False);

        await ByokWorld.UntilAsync(
            () =>
            {
                _world.Time.Advance(TimeSpan.FromSeconds(1));
                return calls.All(call => call.IsCompleted);
            },
            "the calls did not end");
        foreach (var call in calls)
        {
            await RejectedAsync(call);
        }

        await DeniedAsync(ring, message);
        Assert.That(_host.Store.Count(Tenant), Is.EqualTo(2), "the read is still under way");
        var old = TenantHost.Inner(ring);
        hold.Release();
        await ByokWorld.UntilAsync(() => TenantHost.IsDisposed(old), "the ring was not replaced");
        Assert.That(await ring.DecryptAsync(message), Is.EqualTo(Plaintext));
        Assert.That(_host.Store.Count(Tenant), Is.EqualTo(2));
    }

    [Test]
    public async Task A_stream_that_was_read_and_cannot_be_set_back_is_denied_and_the_next_call_works([Values] bool isSeekable)
    {
        var ring = await RingAsync("AccessKeys");
        var message = await ring.EncryptAsync(Plaintext);
        _world.Time.Advance(Interval);
        Rotate();
        using var before = new MemoryStream([1, 2, 3, .. message]) { Position = 3 };
        using Stream source = isSeekable ? before : new SourceStream(message);
        using var sink = new MemoryStream();

        if (isSeekable)
        {
            await ring.DecryptAsync(source, sink);
            Assert.That(sink.ToArray(), Is.EqualTo(Plaintext));
        }
        else
        {
            await RejectedAsync(ring.DecryptAsync(source, sink));
            Assert.That(sink.Length, Is.Zero);
        }

        Assert.That(await ring.DecryptAsync(message), Is.EqualTo(Plaintext));
        Assert.That(_host.Store.Count(Tenant), Is.EqualTo(2));
    }

    [Test]
    public async Task A_stream_that_is_denied_in_its_middle_is_not_begun_again([Values] bool isPiped)
    {
        _host = Host(o => o.DataKeyCache.MaxAge = TimeSpan.FromMinutes(5));
        var ring = await RingAsync("AccessKeys");
        var content = new byte[3_000_000];
        using var source = new SourceStream(content);
        var hold = new Hold();
        source.At(2_000_000, hold.ObeyAsync);
        using var sink = new MemoryStream();
        var call = isPiped
            ? ring.EncryptAsync(PipeReader.Create(source), PipeWriter.Create(sink, new StreamPipeWriterOptions(leaveOpen: true)))
            : ring.EncryptAsync(source, sink);
        await hold.Reached;
        Rotate();
        _world.Time.Advance(TimeSpan.FromMinutes(1));
        hold.Release();

        await RejectedAsync(call);
        Assert.That(sink.Length, Is.LessThan(content.Length));
        Assert.That(await ring.EncryptAsync(Plaintext), Is.Not.Empty);
        Assert.That(_host.Store.Count(Tenant), Is.EqualTo(2));
    }

    [Test]
    public async Task Calls_that_other_denials_end_do_not_read_the_store()
    {
        var ring = await RingAsync("AccessKeys");
        var message = await ring.EncryptAsync(Plaintext);
        _world.Time.Advance(Interval);
        _world.Key.Disable();
        Assert.That((await DeniedAsync(ring, message)).Reason, Is.EqualTo(ByokKeyUnavailableReason.KeyDisabled));
        _world.Key.Enable();
        _world.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.That(await ring.DecryptAsync(message), Is.EqualTo(Plaintext));
        _world.User.Policy = null;
        Assert.That((await DeniedAsync(ring, message)).Reason, Is.EqualTo(ByokKeyUnavailableReason.AccessDenied));

        Assert.That(_host.Store.Count(Tenant), Is.EqualTo(1));
    }

    [Test]
    public async Task Invalidate_while_the_store_is_read_again_fails_nothing()
    {
        var ring = await RingAsync("AccessKeys");
        var message = await ring.EncryptAsync(Plaintext);
        _world.Time.Advance(Interval);
        Rotate();
        var hold = new Hold();
        var answer = _host.Store.Answers[Tenant];
        _host.Store.Answers[Tenant] = async token =>
        {
            await hold.ObeyAsync(token);
            return await answer(token);
        };
        var call = ring.DecryptAsync(message).AsTask();
        await hold.Reached;

        _host.Store.Answers[Tenant] = answer;
        _host.Rings.Invalidate(Tenant);
        Assert.That(await ring.DecryptAsync(message), Is.EqualTo(Plaintext));
        hold.Release();

        Assert.That(await call, Is.EqualTo(Plaintext));
        Assert.That(_host.Store.Count(Tenant), Is.EqualTo(3));
    }

    [Test]
    public async Task Disposing_the_host_ends_a_read()
    {
        var ring = await RingAsync("AccessKeys");
        var message = await ring.EncryptAsync(Plaintext);
        _world.Time.Advance(Interval);
        Rotate();
        var hold = new Hold();
        _host.Store.Answers[Tenant] = async token =>
        {
            await hold.ObeyAsync(token);
            return null;
        };
        var call = ring.DecryptAsync(message).AsTask();
        await hold.Reached;

        await _host.Services.DisposeAsync();

        await Assert.ThatAsync(() => call, Throws.InstanceOf<ByokKeyUnavailableException>().Or.InstanceOf<ObjectDisposedException>());
        Assert.That(_world.Logs.Entries, Has.None.StartsWith("Error"));
    }

    [Test]
    public async Task A_health_check_that_meets_the_rejection_leads_to_the_new_settings_and_keeps_no_ring_in_use()
    {
        _host = Host(o => o.KeyRingIdleTimeout = TimeSpan.FromMinutes(10), builder =>
        {
            builder.AddHealthCheck();
            builder.Services.AddLogging();
            builder.Services.AddSingleton<ILoggerFactory>(_world.Logs);
        });
        await RingAsync("AccessKeys");
        Assert.That(await CheckAsync(), Is.EqualTo(HealthStatus.Healthy));
        Rotate();
        _world.Time.Advance(TimeSpan.FromMinutes(1));

        Assert.That(await CheckAsync(), Is.EqualTo(HealthStatus.Healthy));
        Assert.That(_host.Store.Count(Tenant), Is.EqualTo(2));

        _world.Time.Advance(TimeSpan.FromMinutes(10.5));
        Assert.That(_host.InUse, Is.Empty, "checks are no use of the ring");
    }

    [Test]
    public async Task A_health_check_that_meets_the_rejection_of_a_tenant_that_is_gone_has_nothing_to_report()
    {
        _host = Host(with: builder =>
        {
            builder.AddHealthCheck();
            builder.Services.AddLogging();
            builder.Services.AddSingleton<ILoggerFactory>(_world.Logs);
        });
        await RingAsync("AccessKeys");
        _world.AccessKey.Active = false;
        _host.Store.Answers.Clear();
        _world.Time.Advance(Interval);

        Assert.That(await CheckAsync(), Is.EqualTo(HealthStatus.Healthy));
        Assert.That(_host.InUse, Is.Empty);
    }

    private static async Task<ByokKeyUnavailableException> DeniedAsync(IByokKeyRing ring, byte[] message) =>
        (await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.DecryptAsync(message)))!;

    private static async Task RejectedAsync(Task call)
    {
        var thrown = await Assert.ThrowsAsync<ByokKeyUnavailableException>(() => call);
        Assert.That(thrown!.Reason, Is.EqualTo(ByokKeyUnavailableReason.CredentialsRejected));
    }

    private async Task<HealthStatus> CheckAsync() =>
        (await _host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Status;

    private TenantHost Host(Action<ByokOptions>? options = null, Action<IByokBuilder>? with = null) => new(_world, options, with);

    private async Task<IByokKeyRing> RingAsync(string type)
    {
        _host.Store[Tenant] = _world.Settings(type);
        return await _host.GetAsync(Tenant);
    }

    /// <summary>The customer has another access key, which is in the store, and deactivates the old one.</summary>
    private LocalAccessKey Rotate(params TenantHost[] hosts)
    {
        var accessKey = _world.User.CreateAccessKey();
        _world.Remember(accessKey.SecretAccessKey);
        foreach (var host in hosts.DefaultIfEmpty(_host))
        {
            var credentials = ByokCredentialSettings.AccessKeys(accessKey.AccessKeyId, accessKey.SecretAccessKey);
            host.Store[Tenant] = new ByokKeySettings { KeyArn = _world.Key.Arn, Credentials = credentials };
        }

        _world.AccessKey.Active = false;
        return accessKey;
    }
}
