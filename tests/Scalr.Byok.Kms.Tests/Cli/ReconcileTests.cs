using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using Byok.Cli;
using LocalAws;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Cli;

/// <summary>byok audit reconcile, over 10,000 calls of a host whose requests partly fail.</summary>
[Category("Slow")]
internal sealed class ReconcileTests
{
    private const int Calls = 10_000;

    private static readonly string[] BothSides = ["only-host", "only-cloudtrail"];

    private CliWorld _cli = null!;
    private ByokWorld _world = null!;
    private Line[] _records = [];
    private Event[] _events = [];
    private Line[] _fewRecords = []; // one of ten, where only some are of interest: each comparison reads all it gets
    private Event[] _fewEvents = []; // of the same requests
    private ByokAuditRecord[] _unanswered = [];

    [OneTimeSetUp]
    public async Task CallAsync()
    {
        _cli = await CliWorld.StartAsync();
        _world = await ByokWorld.StartAsync(host: TimeProvider.System, aws: TimeProvider.System);
        await _cli.WriteAsync("audit.jsonl", []);
        await using var file = new FileStream(_cli.PathOf("audit.jsonl"), FileMode.Append, FileAccess.Write, FileShare.Read);
        foreach (var type in ByokWorld.CredentialTypes)
        {
            await CallAsync(type, file);
        }

        await file.DisposeAsync();
        _events = await ReadTrailAsync();
        _records = [.. (await File.ReadAllLinesAsync(_cli.PathOf("audit.jsonl"))).Select(text => new Line(text, Read(text)))];
        _unanswered = [.. _records.Select(line => line.Record).Where(record => record.Outcome == ByokAuditOutcome.NoAnswer)];
        _fewRecords = [.. _records.Where((_, index) => index % 10 == 0)];
        var few = _fewRecords.Select(line => line.Record.RequestId).OfType<string>().ToHashSet(StringComparer.Ordinal);
        _fewEvents = [.. _events.Where(one => few.Contains(one.RequestId!))];
        Assert.That(_records, Has.Length.GreaterThanOrEqualTo(Calls));
        Assert.That(_records.Select(line => line.Record.Cause).Distinct(), Has.Member(ByokAuditCause.Confirmation)
            .And.Member(ByokAuditCause.Verification).And.Member(ByokAuditCause.RoleCheck));
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await _world.DisposeAsync();
        await _cli.DisposeAsync();
    }

    [Test]
    public async Task Nothing_differs_and_requests_without_an_answer_are_listed()
    {
        var result = await ReconcileAsync(_records, _events);

        Assert.That(result.Code, Is.EqualTo(ExitCode.Success), result.ToString());
        Assert.That(_unanswered, Has.Length.GreaterThan(50));
        Assert.That(Lines(result), Has.Count.EqualTo(_unanswered.Length).And.All.StartsWith("no-answer"));
        var received = _world.Aws.Log.Requests.Where(request => request.ErrorCode == "fault:CutBody").ToList();
        Assert.That(received, Has.Count.GreaterThan(10));
        Assert.That(
            received.Select(request => request.RequestId).Where(id => !result.Output.Contains(id, StringComparison.Ordinal)),
            Is.Empty,
            "the customer's side has these requests");
        Assert.That(result.Error, Does.Contain($"{_records.Length} records, {_events.Length} events").And.Contain("Differences: 0."));
    }

    [Test]
    public async Task One_deleted_record_is_listed([Range(0, 4)] int which)
    {
        var answered = _fewRecords.Where(line => line.Record.RequestId is not null).ToList();
        var deleted = answered[which * (answered.Count - 1) / 4];

        var result = await ReconcileAsync(_fewRecords.Where(line => line != deleted), _fewEvents);

        Assert.That(result.Code, Is.EqualTo(ExitCode.Warnings));
        var only = Lines(result).Single(line => !line.StartsWith("no-answer", StringComparison.Ordinal));
        Assert.That(
            only, Does.StartWith("only-cloudtrail").And.Contain(deleted.Record.RequestId).And.Contain(deleted.Record.Operation));
    }

    [Test]
    public async Task One_deleted_event_is_listed([Range(0, 4)] int which)
    {
        var accepted = _fewRecords.Select(line => line.Record).Where(record => record.Outcome == ByokAuditOutcome.Success).ToList();
        var deleted = accepted[which * (accepted.Count - 1) / 4];

        var result = await ReconcileAsync(_fewRecords, _fewEvents.Where(one => one.RequestId != deleted.RequestId));

        Assert.That(result.Code, Is.EqualTo(ExitCode.Warnings));
        var only = Lines(result).Single(line => !line.StartsWith("no-answer", StringComparison.Ordinal));
        Assert.That(only, Does.StartWith("only-host").And.Contain(deleted.RequestId).And.Contain(deleted.RoleArn ?? deleted.KeyArn));
    }

    [Test]
    public async Task A_denied_request_that_CloudTrail_does_not_show_is_no_difference()
    {
        var denied = _fewRecords.Select(line => line.Record).First(record => record.Outcome == ByokAuditOutcome.Error);

        var result = await ReconcileAsync(_fewRecords, _fewEvents.Where(one => one.RequestId != denied.RequestId));

        Assert.That(result.Code, Is.EqualTo(ExitCode.Success));
        Assert.That(
            Lines(result).Single(line => line.StartsWith("failed", StringComparison.Ordinal)),
            Does.Contain(denied.RequestId).And.Contain(denied.ErrorCode));
    }

    [Test]
    public async Task A_record_with_another_operation_or_key_is_listed_on_both_sides(
        [Values("\"kms:Encrypt\"", "\"arn:aws:kms:us-east-1:111122223333:key")] string part)
    {
        var index = Array.FindIndex(
            _fewRecords, line => line.Text.Contains("kms:Encrypt") && line.Record.Outcome == ByokAuditOutcome.Success);
        var (text, record) = (_fewRecords[index].Text, _fewRecords[index].Record);
        var forged = _fewRecords.ToArray();
        forged[index] = new(text.Replace(part, part.Replace("kms:Encrypt", "kms:Decrypt").Replace("1111", "4444")), record);

        var result = await ReconcileAsync(forged, _fewEvents);

        var lines = Lines(result).Where(line => line.Contains(record.RequestId!, StringComparison.Ordinal));
        Assert.That(lines.Select(line => line.Split(' ')[0]), Is.EqualTo(BothSides));
    }

    [Test]
    public async Task Another_principal_on_the_key_is_not_the_host()
    {
        var bystander = _world.AddBystander("auditor", Policies.Permissions(_world.Key.Arn));
        using var kms = new AmazonKeyManagementServiceClient(
            bystander.AccessKeyId,
            bystander.SecretAccessKey,
            new AmazonKeyManagementServiceConfig { ServiceURL = _world.Aws.Endpoint.AbsoluteUri, AuthenticationRegion = ByokWorld.Region });
        var answer = await kms.DescribeKeyAsync(new DescribeKeyRequest { KeyId = _world.Key.Arn });

        var its = (await ReadTrailAsync()).Single(one => one.RequestId == answer.ResponseMetadata.RequestId);
        var result = await ReconcileAsync(_fewRecords, _fewEvents.Append(its));

        Assert.That(result.Code, Is.EqualTo(ExitCode.Success));
        Assert.That(
            Lines(result).Single(line => line.StartsWith("not-the-host", StringComparison.Ordinal)),
            Does.Contain(answer.ResponseMetadata.RequestId).And.Contain("user/auditor"));
    }

    [Test]
    public async Task Packed_files_in_folders_are_read_and_joined_files_too()
    {
        var all = Directory.CreateDirectory(_cli.PathOf("AWSLogs/2026/11"));
        foreach (var (index, part) in _events.Select(one => one.Text).Chunk(3000).Index())
        {
            await using var file = File.Create(Path.Combine(all.FullName, $"part-{index}.json.gz"));
            await using var packed = new GZipStream(file, CompressionLevel.Fastest);

            // The last part twice, one document after the other.
            foreach (var _ in Enumerable.Range(0, index == 0 ? 2 : 1))
            {
                await packed.WriteAsync(Encoding.UTF8.GetBytes($$"""{"Records":[{{string.Join(',', part)}}]}{{'\n'}}"""));
            }
        }

        await File.WriteAllLinesAsync(_cli.PathOf("all.jsonl"), _records.Select(line => line.Text));
        var result = await _cli.RunAsync("audit", "reconcile", _cli.PathOf("all.jsonl"), _cli.PathOf("AWSLogs"));

        Assert.That((result.Code, Lines(result).Count), Is.EqualTo((ExitCode.Success, _unanswered.Length)), result.Error);
    }

    [Test]
    public async Task Only_the_wanted_time_and_tenant_are_listed()
    {
        var (from, to) = (_records[100].Record.Time, _records[200].Record.Time);
        var result = await ReconcileAsync(
            _records, _events[..1], "--from", $"{from:O}", "--to", $"{to:O}", "--tenant", "AccessKeys", "--json");

        var listed = Lines(result).Select(line => JsonNode.Parse(line)!).ToList();
        var expected = _records.Select(line => line.Record)
            .Where(record => record.Time >= from && record.Time < to && record.Tenant == "AccessKeys"
                && record.RequestId != _events[0].RequestId);
        Assert.That(listed.Select(one => one["requestId"]?.GetValue<string>()), Is.EqualTo(expected.Select(record => record.RequestId)));
        Assert.That(listed.Select(one => one["kind"]!.GetValue<string>()), Has.Some.EqualTo("only-host"));
    }

    private static ByokAuditRecord Read(string line) =>
        ByokAuditRecord.TryParse(line, out var record) ? record : throw new FormatException(line);

    private static List<string> Lines(CliResult result) => [.. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)];

    /// <summary>The events of CloudTrail until now.</summary>
    private async Task<Event[]> ReadTrailAsync()
    {
        using var trail = new MemoryStream();
        await _world.Aws.Log.WriteCloudTrailAsync(trail);
        using var document = JsonDocument.Parse(trail.ToArray());
        return [.. document.RootElement.GetProperty("Records").EnumerateArray()
            .Select(one => new Event(one.GetRawText(), one.GetProperty("requestID").GetString()))];
    }

    private async Task<CliResult> ReconcileAsync(IEnumerable<Line> records, IEnumerable<Event> events, params string[] options)
    {
        var (left, right) = (_cli.PathOf("some.jsonl"), _cli.PathOf("some.json"));
        await File.WriteAllLinesAsync(left, records.Select(line => line.Text));
        await File.WriteAllTextAsync(right, $$"""{"Records":[{{string.Join(',', events.Select(one => one.Text))}}]}""");
        return await _cli.RunAsync(["audit", "reconcile", left, right, .. options]);
    }

    /// <summary>A third of the calls, with one type of credentials.</summary>
    private async Task CallAsync(string type, FileStream file)
    {
        _world.TrustAllSubjects();
        await WaitInVainAsync(type, file);
        var host = Host(type, file, attemptTimeout: TimeSpan.FromSeconds(30));
        var ring = host.GetRequiredKeyedService<IByokKeyRing>(type);
        using var key = await ring.CreateDataKeyAsync();
        await host.GetRequiredService<IByokVerifier>().VerifyAsync(_world.Settings(type), type);
        await ring.ProbeAsync();
        foreach (var fault in (Fault[])[
            Fault.Drop(),
            Fault.CutBody(),
            Fault.Error("ThrottlingException"),
            Fault.Error("KMSInternalException", 500),
            Fault.Error("AccessDeniedException"),
        ])
        {
            _world.Aws.Faults.Add(fault with { Probability = 0.01, Service = "kms" });
        }

        await Parallel.ForAsync(
            0, (Calls / 3) + 1, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) => await TryAsync(ring, $"{i}"));
        _world.Aws.Faults.Clear();
        await host.DisposeAsync();
    }

    /// <summary>Calls whose requests get no answer within their time limit.</summary>
    private async Task WaitInVainAsync(string type, FileStream file)
    {
        await using var host = Host(type, file, attemptTimeout: TimeSpan.FromSeconds(1));
        _world.Aws.Faults.Add(Fault.BlackHole() with { Operation = "Encrypt" });
        var ring = host.GetRequiredKeyedService<IByokKeyRing>(type);
        await Task.WhenAll(Enumerable.Range(0, 3).Select(i => TryAsync(ring, $"in vain {i}")));
        _world.Aws.Faults.Clear();
    }

    private static async Task TryAsync(IByokKeyRing ring, string record)
    {
        try
        {
            await ring.EncryptAsync(new byte[1], new Dictionary<string, string> { ["record"] = record });
        }
        catch (ByokException)
        {
            // Its requests are recorded like others.
        }
    }

    private ServiceProvider Host(string type, FileStream file, TimeSpan attemptTimeout)
    {
        var services = _world.Services(o =>
        {
            (o.ConfirmationInterval, o.RoleCheckInterval) = (TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
            o.Resilience.MaxRetryAttempts = 2;
            (o.Resilience.RetryDelay, o.Resilience.AttemptTimeout) = (TimeSpan.FromMilliseconds(50), attemptTimeout);
            o.Resilience.TotalTimeout = 2 * attemptTimeout;
        });
        var its = _world.Settings(type);
        services.AddScalrByok().AddAuditSink(new ByokJsonAuditSink(file))
            .AddKeyRing(type, ring => (ring.KeyArn, ring.Credentials) = (its.KeyArn, its.Credentials));
        return _world.Build(services);
    }

    /// <summary>A line of the host's file.</summary>
    private sealed record Line(string Text, ByokAuditRecord Record);

    /// <summary>An event of CloudTrail.</summary>
    private sealed record Event(string Text, string? RequestId);
}
