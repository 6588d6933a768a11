using System.IO.Compression;
using System.Text;
using Byok.Cli;

namespace Scalr.Byok.Kms.Tests.Cli;

/// <summary>Files that byok audit reconcile gets from outside.</summary>
internal sealed class ReconcileInputTests
{
    private const string Key = "arn:aws:kms:us-east-1:111122223333:key/1";
    private static readonly string Event = EventOf("r1");

    private CliWorld _cli = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _cli = await CliWorld.StartAsync();
        await WriteAsync("a.jsonl", RecordOf("r1") + "\n");
    }

    [TearDown]
    public async Task StopAsync() => await _cli.DisposeAsync();

    [TestCase("")]
    [TestCase("{")]
    [TestCase("{}")]
    [TestCase("[]")]
    [TestCase("text")]
    [TestCase("""{"Records":{}}""")]
    [TestCase("""{"Records":[{}""")]
    [TestCase("""{"Events":[{"Records":[]}]}""")]
    [TestCase("""{"Records":[]}{"Records":[""")]
    public async Task A_file_that_is_not_of_CloudTrail_is_an_error(string content)
    {
        await WriteAsync("t.json", content);

        var result = await RunAsync("t.json");

        Assert.That((result.Code, result.Error), Is.EqualTo((ExitCode.Failed, result.Error)));
        Assert.That(result.Error, Does.Contain("t.json is not a log file of AWS CloudTrail"));
    }

    [Test]
    public async Task Depth_and_length_are_limited()
    {
        await WriteAsync("deep.json", $$"""{"Records":[{{new string('[', 100)}}""");
        await WriteAsync("long.json", $$"""{"Records":[{"a":"{{new string('x', 5_000_000)}}"}]}""");

        Assert.That((await RunAsync("deep.json")).Error, Does.Contain("it is not JSON"));
        Assert.That((await RunAsync("long.json")).Error, Does.Contain("an event is too large"));
    }

    [Test]
    public async Task A_file_that_is_not_packed_is_an_error()
    {
        await WriteAsync("t.json.gz", $$"""{"Records":[{{Event}}]}""");

        Assert.That((await RunAsync("t.json.gz")).Error, Does.Contain("it is not packed by gzip"));
    }

    [Test]
    public async Task Events_of_any_length_are_read_whole_wherever_a_read_ends()
    {
        // Other services, properties around Records, events that are longer than the first buffer.
        var others = string.Join(',', Enumerable.Range(0, 300).Select(i => EventOf($"o{i}", "s3.amazonaws.com", new string('y', i * 331))));
        var json = $$$"""{"a":[{"Records":[{}]}],"Records":[{{{others}}},{{{Event}}},null,1,"x",[{}]],"z":{} }""";
        await using (var file = File.Create(_cli.PathOf("t.json.gz")))
        {
            await using var packed = new GZipStream(file, CompressionLevel.Fastest);
            await packed.WriteAsync(Encoding.UTF8.GetBytes(json));
        }

        var result = await RunAsync("t.json.gz");

        Assert.That((result.Code, result.Output), Is.EqualTo((ExitCode.Success, "")), result.ToString());
        Assert.That(result.Error, Does.Contain("1 records, 1 events, 1 match. Differences: 0."));
    }

    [Test]
    public async Task Lines_that_are_no_records_are_named_and_the_others_compared()
    {
        await WriteAsync(
            "a.jsonl", $"{RecordOf("r1")[..40]}\r\n\n{new string('x', 600_000)}\n{RecordOf("r1")}\n{RecordOf("r2")}");
        await WriteAsync("t.json", $$"""{"Records":[{{Event}},{{EventOf("r2")}}]}""");

        var result = await RunAsync("t.json");

        Assert.That((result.Code, result.Output), Is.EqualTo((ExitCode.Warnings, "")));
        Assert.That(
            result.Error, Does.Contain("a.jsonl:1 is not").And.Contain("a.jsonl:3 is not").And.Contain("2 records, 2 events, 2 match"));
    }

    [Test]
    public async Task A_comparison_of_nothing_does_not_succeed()
    {
        await WriteAsync("t.json", """{"Records":[]}""");
        await WriteAsync("empty.jsonl", "");

        Assert.That((await RunAsync("t.json")).Code, Is.EqualTo(ExitCode.Usage));
        Assert.That(
            (await _cli.RunAsync("audit", "reconcile", _cli.PathOf("empty.jsonl"), _cli.PathOf("t.json"))).Code,
            Is.EqualTo(ExitCode.Usage));
        Assert.That((await RunAsync("none.json")).Code, Is.EqualTo(ExitCode.Usage));
    }

    [Test]
    public async Task What_a_terminal_would_obey_is_escaped()
    {
        await WriteAsync("t.json", $$"""{"Records":[{{Event}},{{EventOf("r1\\u001b[2J", agent: "app/Scalr.Byok.Kms")}}]}""");

        Assert.That((await RunAsync("t.json")).Output, Does.Contain(@"r1\u{001B}[2J").And.Not.Contain("\u001b"));
    }

    [Test]
    public async Task Failures_without_a_resource_match_by_operation_and_request_id()
    {
        await WriteAsync("t.json", """
            {"Records":[{"eventSource":"kms.amazonaws.com","eventName":"Encrypt","requestID":"r1","errorCode":"AccessDenied",
            "requestParameters":null,"resources":null,"userIdentity":null}]}
            """);

        Assert.That((await RunAsync("t.json")).Error, Does.Contain("1 match. Differences: 0."));
    }

    /// <summary>A request has one record. Another record must not hide behind its request id.</summary>
    [TestCase('b', Key)]
    [TestCase('a', Key + "2")]
    [TestCase('b', Key + "2")]
    public async Task A_second_record_of_one_request_is_listed(char id, string key)
    {
        await WriteAsync("a.jsonl", $"{RecordOf("r1")}\n{RecordOf("r1")}\n{RecordOf("r1", id, key)}\n");
        await WriteAsync("t.json", $$"""{"Records":[{{Event}},{{Event}}]}""");

        var result = await RunAsync("t.json");

        Assert.That(result.Code, Is.EqualTo(ExitCode.Warnings));
        Assert.That(result.Output.TrimEnd().Split('\n'), Has.Length.EqualTo(1).And.All.Match($"^only-host .*{key} request r1"));
        Assert.That(result.Error, Does.Contain("3 records, 2 events, 1 match. Differences: 1."));
    }

    [Test]
    public async Task An_empty_request_id_is_none()
    {
        await WriteAsync("a.jsonl", $"{RecordOf("r1")}\n{RecordOf("", 'b')}\n");
        await WriteAsync("t.json", $$"""{"Records":[{{Event}},{{EventOf("")}}]}""");

        var result = await RunAsync("t.json");

        Assert.That(result.Output, Does.Contain("no-answer").And.Contain("only-cloudtrail"));
    }

    private static string RecordOf(string id, char record = 'a', string key = Key) => new ByokAuditRecord
    {
        Id = new string(record, 32),
        Time = DateTimeOffset.UnixEpoch,
        Operation = "kms:Encrypt",
        Cause = ByokAuditCause.Call,
        Outcome = ByokAuditOutcome.Success,
        KeyArn = key,
        Region = "us-east-1",
        RequestId = id,
    }.ToJson();

    private static string EventOf(string id, string source = "kms.amazonaws.com", string agent = "agent") =>
        $$$"""
        {"eventTime":"1970-01-01T00:00:00Z","eventSource":"{{{source}}}","eventName":"Encrypt","requestID":"{{{id}}}",
        "userAgent":"{{{agent}}}","requestParameters":{"keyId":"{{{Key}}}"},"userIdentity":{"arn":"arn:aws:iam::111122223333:user/scalr"}}
        """;

    private Task<string> WriteAsync(string name, string content) => _cli.WriteAsync(name, Encoding.UTF8.GetBytes(content));

    private Task<CliResult> RunAsync(string trail) =>
        _cli.RunAsync("audit", "reconcile", _cli.PathOf("a.jsonl"), _cli.PathOf(trail));
}
