using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Tests.Diagnostics;
using Scalr.Byok.Kms.Tests.KeyRing;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Audit;

/// <summary>Sinks: none, several, failing ones, and those that are built in.</summary>
internal sealed class AuditSinkTests
{
    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task Without_a_sink_the_user_agent_has_no_id()
    {
        await _world.Ring("AssumeRole").EncryptAsync(new byte[1]);

        Assert.That(_world.Aws.Log.Requests.Select(request => request.UserAgent), Has.Exactly(2).Items.And.None.Contains("byok-audit"));
    }

    [Test]
    public async Task A_sink_that_throws_disturbs_neither_the_call_nor_other_sinks()
    {
        using var metrics = new TelemetryRecord(traces: false);
        var kept = new List<ByokAuditRecord>();
        await using var provider = Build(builder => builder
            .AddAuditSink(new DelegateSink(_ => throw new InvalidOperationException("secret-of-the-host")))
            .AddAuditSink(new DelegateSink(kept.Add)));

        await provider.GetRequiredService<IByokKeyRing>().EncryptAsync(new byte[1]);

        Assert.That(kept, Has.Count.EqualTo(1));
        Assert.That(metrics.Of("scalr.byok.audit.failures"), Has.Exactly(1).Items, "sinks fail in no other fixture");
        var logged = _world.Logs.Entries.Single(entry => entry.Contains("audit sink", StringComparison.Ordinal));
        Assert.That(logged, Does.Contain(nameof(InvalidOperationException)).And.Contain(kept[0].Id).And.Contain(kept[0].RequestId));
        Assert.That(logged, Does.Not.Contain("secret-of-the-host"));
    }

    [Test]
    public async Task The_record_is_there_before_the_answer_is_used()
    {
        IByokKeyRing? ring = null;
        var wasCompleted = true;
        Task<byte[]>? call = null;
        var started = new TaskCompletionSource();
        await using var provider = Build(builder => builder.AddAuditSink(new DelegateSink(_ =>
        {
            started.Task.Wait(TimeSpan.FromSeconds(30));
            wasCompleted = call!.IsCompleted;
        })));
        ring = provider.GetRequiredService<IByokKeyRing>();

        call = ring.EncryptAsync(new byte[1]).AsTask();
        started.SetResult();
        await call;

        Assert.That(wasCompleted, Is.False);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task A_sink_may_need_the_rings_of_tenants_or_a_ring([Values] bool starts, CancellationToken cancellationToken)
    {
        var kept = new List<ByokAuditRecord>();
        var services = _world.Services();
        (object? Provider, object? Ring) needs = default;
        services.AddScalrByok().AddTenantKeyRings<TenantStore>()
            .AddKeyRing(ring => (ring.KeyArn, ring.Credentials) = (_world.Key.Arn, _world.Settings("AccessKeys").Credentials))
            .AddAuditSink(provider =>
            {
                needs = (provider.GetRequiredService<IByokKeyRingProvider>(), provider.GetRequiredService<IByokKeyRing>());
                return new DelegateSink(kept.Add);
            });
        await using var host = services.BuildServiceProvider();

        // On a thread of its own, because the resolution of a circle blocks.
        await Task.Factory.StartNew(
            () =>
            {
                if (starts)
                {
                    host.GetRequiredService<IStartupValidator>().Validate();
                }

                return host.GetRequiredService<IByokKeyRing>().EncryptAsync(new byte[1], cancellationToken: cancellationToken).AsTask();
            },
            cancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default).Unwrap().WaitAsync(cancellationToken);

        Assert.That(kept, Has.Count.EqualTo(1));
        Assert.That(needs.Provider, Is.SameAs(host.GetRequiredService<IByokKeyRingProvider>()));
        Assert.That(needs.Ring, Is.SameAs(host.GetRequiredService<IByokKeyRing>()));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task A_sink_that_cannot_be_created_fails_the_start_and_each_call_until_it_can(CancellationToken cancellationToken)
    {
        var kept = new List<ByokAuditRecord>();
        var isBroken = true;
        var services = _world.Services();
        services.AddScalrByok()
            .AddKeyRing(ring => (ring.KeyArn, ring.Credentials) = (_world.Key.Arn, _world.Settings("AccessKeys").Credentials))
            .AddAuditSink(_ => isBroken ? throw new IOException("secret-of-the-host") : new DelegateSink(kept.Add));
        await using var host = services.BuildServiceProvider();
        var ring = host.GetRequiredService<IByokKeyRing>();

        var atStart = Assert.Throws<ByokServiceException>(() => host.GetRequiredService<IStartupValidator>().Validate());
        var atCall = await Assert.ThrowsAsync<ByokServiceException>(
            () => ring.EncryptAsync(new byte[1], cancellationToken: cancellationToken).AsTask());
        var sent = _world.Aws.Log.Requests.Count;
        isBroken = false;
        await ring.EncryptAsync(new byte[1], cancellationToken: cancellationToken);

        Assert.That((atStart!.Message, atCall!.IsTransient, sent, kept.Count), Is.EqualTo((atCall.Message, false, 0, 1)));
        Assert.That(atCall.Message, Does.Contain(nameof(IOException)).And.Not.Contain("secret-of-the-host"));
    }

    /// <summary>A sink must not use a ring, least of all while it is created. If it does, the call ends by its time limit.</summary>
    [Test]
    [CancelAfter(60_000)]
    public async Task A_sink_that_waits_for_a_call_while_it_is_created_does_not_hang(CancellationToken cancellationToken)
    {
        var services = _world.Services(o => o.Resilience.TotalTimeout = o.Resilience.AttemptTimeout = TimeSpan.FromSeconds(1));
        services.AddSingleton(TimeProvider.System);
        services.AddScalrByok()
            .AddKeyRing(ring => (ring.KeyArn, ring.Credentials) = (_world.Key.Arn, _world.Settings("AccessKeys").Credentials))
            .AddAuditSink(provider =>
            {
                var call = provider.GetRequiredService<IByokKeyRing>().EncryptAsync(new byte[1]).AsTask();
                ((IAsyncResult)call).AsyncWaitHandle.WaitOne();
                throw call.Exception!.InnerException!;
            });
        await using var host = services.BuildServiceProvider();

        var call = Task.Factory.StartNew(
            () => host.GetRequiredService<IByokKeyRing>().EncryptAsync(new byte[1]).AsTask(),
            cancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default).Unwrap().WaitAsync(cancellationToken);

        await Assert.ThrowsAsync<ByokServiceException>(() => call);
        Assert.That(_world.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task Lines_of_JSON_are_whole_and_the_provider_disposes_the_sink()
    {
        using var written = new MemoryStream();
        var provider = Build(builder => builder.AddAuditSink(_ => new ByokJsonAuditSink(written)).AddAuditSink<CountingSink>());
        var ring = provider.GetRequiredService<IByokKeyRing>();
        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => ring.EncryptAsync(new byte[1]).AsTask()));
        await provider.DisposeAsync();

        var lines = Encoding.UTF8.GetString(written.ToArray()).Split('\n')[..^1];
        Assert.That(lines, Has.Length.EqualTo(50));
        Assert.That(lines.Select(line => ByokAuditRecord.TryParse(line, out var record) ? record.RequestId : null),
            Is.EquivalentTo(_world.Aws.Log.Requests.Select(request => request.RequestId)));
        Assert.That(() => written.WriteByte(0), Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public void A_line_that_was_cut_off_does_not_spoil_the_next()
    {
        using var written = new HalfStream { IsFull = true };
        using var sink = new ByokJsonAuditSink(written);
        Assert.That(() => sink.Record(Any()), Throws.InstanceOf<IOException>());
        written.IsFull = false;

        sink.Record(Any());
        sink.Record(Any());

        var lines = Encoding.UTF8.GetString(written.ToArray()).Split('\n');
        Assert.That(lines.Select(line => ByokAuditRecord.TryParse(line, out _)), Is.EqualTo((bool[])[false, true, true, false]));

        static ByokAuditRecord Any() => new()
        {
            Id = "a",
            Time = default,
            Operation = "kms:Encrypt",
            Cause = ByokAuditCause.Call,
            Outcome = ByokAuditOutcome.Success,
            KeyArn = "arn:aws:kms:us-east-1:111122223333:key/1",
            Region = "us-east-1",
        };
    }

    [Test]
    public async Task The_log_has_each_record_in_a_category_of_its_own()
    {
        await using var provider = Build(builder => builder.AddAuditLog());

        await provider.GetRequiredService<IByokKeyRing>().EncryptAsync(
            new byte[1], new Dictionary<string, string> { ["name-1"] = "value-1" });

        var request = _world.Aws.Log.Requests.Single();
        Assert.That(_world.Logs.Entries, Has.Exactly(1).Contains($"kms:Encrypt on key {_world.Key.Arn}: Success"));
        var entry = _world.Logs.Entries.Single(entry => entry.Contains("kms:Encrypt on key", StringComparison.Ordinal));
        Assert.That(entry, Does.Contain(request.RequestId).And.Contain("name-1").And.Not.Contain("value-1"));
    }

    [Test]
    public async Task Records_name_the_tenant()
    {
        var kept = new List<ByokAuditRecord>();
        var host = new TenantHost(_world, with: builder => builder.AddAuditSink(new DelegateSink(kept.Add)));
        host.Store["acme"] = _world.Settings("AssumeRole");

        await (await host.GetAsync("acme")).EncryptAsync(new byte[1]);

        Assert.That(
            kept.Select(record => (record.Operation, record.Tenant, record.IsTenant, record.EncryptionContextNames.Count)),
            Is.EqualTo(new[] { ("sts:AssumeRole", "acme", true, 0), ("kms:Encrypt", "acme", true, 1) }));
    }

    [Test]
    public void A_record_survives_JSON()
    {
        var record = new ByokAuditRecord
        {
            Id = new string('a', 32),
            Time = new DateTimeOffset(2026, 11, 29, 3, 40, 1, 234, TimeSpan.FromHours(1)),
            Operation = "sts:AssumeRole",
            Cause = ByokAuditCause.RoleCheck,
            Outcome = ByokAuditOutcome.Error,
            Tenant = "Ä \"quoted\"\n",
            IsTenant = true,
            KeyArn = "arn:aws:kms:us-east-1:111122223333:key/1",
            RoleArn = "arn:aws:iam::111122223333:role/byok",
            Region = "us-east-1",
            EncryptionContextNames = ["a", "b"],
            RequestId = "id",
            ErrorCode = "AccessDenied",
            KeyMaterialId = "material",
            TraceId = "trace",
        };

        var json = record.ToJson();

        Assert.That(json, Does.StartWith("{\"id\":\"aaaa").And.Contain("\"time\":\"2026-11-29T02:40:01.2340000Z\"").And.Not.Contain("\n"));
        Assert.That(ByokAuditRecord.TryParse(json, out var read), Is.True);
        Assert.That(read!.ToString(), Is.EqualTo(json));
        Assert.That(read.Time, Is.EqualTo(record.Time));
        Assert.That(read.EncryptionContextNames, Is.EqualTo(record.EncryptionContextNames));
    }

    [TestCase(null)]
    [TestCase("")]
    [TestCase("{}")]
    [TestCase("[]")]
    [TestCase("null")]
    [TestCase("2026-11-29T02:40:01.2340000Z -> 2026-11-29")]
    [TestCase("\"a\" -> 1")]
    [TestCase("\"a\" -> \"\\ud800\"")]
    [TestCase("\"a\" -> null")]
    [TestCase(",\"region\":\"r\" -> ")]
    [TestCase("} -> ")]
    public void Other_text_is_no_record(string? change)
    {
        const string Record = """
            {"id":"a","time":"2026-11-29T02:40:01.2340000Z","operation":"o","cause":"Call","outcome":"Success","keyArn":"k","region":"r"}
            """;
        var json = change?.Split(" -> ") is [var old, var changed] ? Record.Replace(old, changed, StringComparison.Ordinal) : change;

        Assert.That(ByokAuditRecord.TryParse(Record, out _), Is.True);
        Assert.That(ByokAuditRecord.TryParse(json, out _), Is.False);
    }

    [Test]
    public void A_cause_of_a_later_version_is_unknown()
    {
        const string Later = """
            {"id":"a","time":"2026-11-29T02:40:01.2340000Z","operation":"o","cause":"New","outcome":"7","keyArn":"k","region":"r","more":{"x":1}}
            """;

        Assert.That(ByokAuditRecord.TryParse(Later, out var record), Is.True);
        Assert.That((record!.Cause, record.Outcome), Is.EqualTo((ByokAuditCause.Unknown, ByokAuditOutcome.Unknown)));
    }

    private ServiceProvider Build(Action<IByokBuilder> sinks)
    {
        var services = _world.Services();
        var builder = services.AddScalrByok().AddKeyRing(ring =>
            (ring.KeyArn, ring.Credentials) = (_world.Key.Arn, _world.Settings("AccessKeys").Credentials));
        sinks(builder);
        return services.BuildServiceProvider();
    }

    private sealed class DelegateSink(Action<ByokAuditRecord> record) : IByokAuditSink
    {
        public void Record(ByokAuditRecord one) => record(one);
    }

    /// <summary>While it is full, it takes one half of what it gets.</summary>
    private sealed class HalfStream : MemoryStream
    {
        public bool IsFull { get; set; }

        public override void Write(byte[] buffer, int offset, int count)
        {
            base.Write(buffer, offset, IsFull ? count / 2 : count);
            if (IsFull)
            {
                throw new IOException("No space left on device");
            }
        }
    }

    private sealed class CountingSink : IByokAuditSink
    {
        private int _count;

        public void Record(ByokAuditRecord record) => Interlocked.Increment(ref _count);
    }
}
