using System.Text.Json;
using System.Text.RegularExpressions;
using Byok.Cli;
using LocalAws;

namespace Scalr.Byok.Kms.Tests.Cli;

/// <summary>byok verify: its exit codes, its words, and what it keeps to itself.</summary>
[Category("Slow")]
internal sealed partial class VerifyTests
{
    private CliWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await CliWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(2)]
    public async Task A_usable_key(int type)
    {
        var result = await _world.RunAsync("verify", "-s", _world.Settings[type].Settings);

        Assert.That((result.Code, result.Error), Is.EqualTo((ExitCode.Success, "")), result.ToString());
        Assert.That(result.Output, Does.Contain("ok       kms:Encrypt: ").And.Contain("The key can be used."));
    }

    [Test]
    public async Task A_file_without_the_section_Key_is_named_as_the_cause()
    {
        var file = _world.PathOf("web.json");
        await File.WriteAllTextAsync(file, """{ "Acme": { "KeyArn": "arn:aws:kms:us-east-1:111122223333:alias/acme" } }""");

        var result = await _world.RunAsync("verify", "-s", file);

        Assert.That(result.Code, Is.EqualTo(ExitCode.Usage), result.ToString());
        Assert.That(
            result.Error, Does.Contain("The configuration section Key does not exist or is empty; expected KeyArn and Credentials in it."));
    }

    [Test]
    public async Task A_key_with_warnings()
    {
        _world.Demo.Aws.Faults.Add(Fault.Error("AccessDeniedException") with { Operation = "DescribeKey" });

        var result = await _world.RunAsync("verify", "-s", _world.KeySettings);

        Assert.That(result.Code, Is.EqualTo(ExitCode.Warnings), result.ToString());
        Assert.That(result.Output, Does.Contain(
            "warning  kms:DescribeKey: ").And.Contain("\"kms:DescribeKey\"").And.Contain("The key can be used; see the warnings."));
    }

    [Test]
    public async Task An_unusable_key_ends_in_a_remedy_and_the_policy()
    {
        _world.Demo.Aws.Faults.Add(Fault.Error("AccessDeniedException") with { Operation = "Encrypt" });

        var result = await _world.RunAsync("verify", "-s", _world.KeySettings);

        Assert.That(result.Code, Is.EqualTo(ExitCode.KeyUnusable));
        Assert.That(result.Output, Does.Contain("kms:Encrypt: Attach this permission policy"));
        Assert.That(
            result.Output.ReplaceLineEndings("\n"),
            Does.Contain($"\n{ByokPolicies.KeyPermissions(KmsKeyArn.Parse(_world.Demo.Key.Arn))}\n"),
            "to be copied as it is");
    }

    [Test]
    public async Task A_policy_that_demands_a_tenant_is_verified_with_it()
    {
        var user = _world.Demo.Aws.Account("111122223333").CreateUser("strict", ByokPolicies.KeyPermissions(
            KmsKeyArn.Parse(_world.Demo.Key.Arn), encryptionContext: new Dictionary<string, string> { ["scalr:tenant"] = "acme" }));
        var accessKey = user.CreateAccessKey();
        _world.Environment["Key:Credentials:AccessKeyId"] = accessKey.AccessKeyId;
        _world.Environment["Key:Credentials:SecretAccessKey"] = accessKey.SecretAccessKey;

        var good = await _world.RunAsync("verify", "-s", _world.KeySettings, "--tenant", "acme");
        var bad = await _world.RunAsync("verify", "-s", _world.KeySettings, "--tenant", "another-tenant");

        Assert.That((good.Code, good.Error), Is.EqualTo((ExitCode.Success, "")), good.ToString());
        Assert.That(bad.Code, Is.EqualTo(ExitCode.KeyUnusable), bad.ToString());
        Assert.That(bad.Output, Does.Contain("they must allow the encryption context that was tried").And.Not.Contain("another-tenant"));
    }

    [Test]
    public async Task A_token_file_serves_the_tenant_that_is_verified() =>
        Assert.That(
            (await _world.RunAsync("verify", "-s", _world.Settings[2].Settings, "--tenant", "acme")).Code, Is.EqualTo(ExitCode.Success));

    [Test]
    public async Task A_tenant_without_a_name_is_a_mistake_of_the_caller() =>
        Assert.That((await _world.RunAsync("verify", "-s", _world.KeySettings, "--tenant", "")).Code, Is.EqualTo(ExitCode.Usage));

    [Test]
    public async Task An_outage_is_no_fault_of_the_key()
    {
        _world.Demo.Aws.Faults.Add(Fault.Error("KMSInternalException", 500));
        _world.Environment["Byok:Resilience:MaxRetryAttempts"] = "0";

        Assert.That((await _world.RunAsync("verify", "-s", _world.KeySettings)).Code, Is.EqualTo(ExitCode.ServiceFailing));
    }

    [Test]
    public async Task Settings_that_are_wrong_are_a_result_and_no_complaint()
    {
        var result = await _world.RunAsync("verify", "-s", _world.KeySettings, "--key-arn", "nonsense");

        Assert.That((result.Code, result.Error), Is.EqualTo((ExitCode.KeyUnusable, "")));
        Assert.That(result.Output, Does.Contain("FAILED   Key ARN: "));
    }

    [Test]
    public async Task JSON_has_every_step_and_no_secret()
    {
        var result = await _world.RunAsync("verify", "--json", "-s", _world.Settings[1].Settings, "--external-id", "not-the-external-id");

        var report = JsonDocument.Parse(result.Output).RootElement;
        var credentials = report.GetProperty("steps")
            .EnumerateArray()
            .Single(step => step.GetProperty("check").GetString() == "Credentials");
        Assert.That(result.Code, Is.EqualTo(ExitCode.KeyUnusable));
        Assert.That(report.GetProperty("succeeded").GetBoolean(), Is.False);
        Assert.That(credentials.GetProperty("reason").GetString(), Is.EqualTo("RoleNotAssumable"));
        Assert.That(credentials.GetProperty("policy").GetString(), Does.Contain("sts:ExternalId").And.Contain("(external ID)"));
        Assert.That(result.Output, Does.Not.Contain("not-the-external-id").And.Not.Contain(_world.Demo.HostKey.SecretAccessKey));
    }

    [TestCase(false, false)]
    [TestCase(true, true)]
    public async Task The_external_id_is_shown_to_a_person_only(bool atTerminal, bool shown)
    {
        _world.AtTerminal = atTerminal;

        var result = await _world.RunAsync("verify", "-s", _world.Settings[1].Settings, "--external-id", "not-the-external-id");

        Assert.That(result.Output.Contains("\"not-the-external-id\"", StringComparison.Ordinal), Is.EqualTo(shown));
    }

    [Test]
    public async Task At_a_terminal_there_is_a_table_that_fits([Values(60, 120)] int width)
    {
        (_world.AtTerminal, _world.Width, _world.CanDraw) = (true, width, true);

        var result = await _world.RunAsync("verify", "-s", _world.Settings[1].Settings);

        Assert.That(result.Code, Is.Zero);
        Assert.That(result.Output, Does.Contain("│ kms:Encrypt").And.Contain("The key can be used."));
        var lines = LineBreak().Split(result.Output).Select(line => Escape().Replace(line, "")).ToList();
        Assert.That(lines, Has.Count.GreaterThan(10).And.All.Length.LessThanOrEqualTo(width));
    }

    [Test]
    public async Task A_terminal_that_cannot_draw_gets_lines()
    {
        _world.AtTerminal = true;

        Assert.That((await _world.RunAsync("verify", "-s", _world.KeySettings)).Output, Does.StartWith("ok       Key ARN: "));
    }

    [Test]
    public async Task A_denied_step_is_tried_again_for_as_long_as_it_is_asked()
    {
        _world.Demo.Aws.Faults.Add(Fault.Error("AccessDeniedException") with { Operation = "Encrypt", Times = 1 });

        Assert.That((await _world.RunAsync("verify", "--wait", "30", "-s", _world.KeySettings)).Code, Is.Zero);
    }

    /// <summary>Where a terminal begins another line, or goes back to one.</summary>
    [GeneratedRegex(@"[\r\n]|\e\[\d*A")]
    private static partial Regex LineBreak();

    [GeneratedRegex(@"\e\[[\d;?]*[A-Za-z]")]
    private static partial Regex Escape();
}
