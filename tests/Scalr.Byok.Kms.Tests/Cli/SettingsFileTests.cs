using System.Text;
using System.Text.Json;
using Byok.Cli;
using Microsoft.Extensions.Configuration;
using Scalr.Byok.Kms.Tests.Settings;

namespace Scalr.Byok.Kms.Tests.Cli;

/// <summary>The settings file says the same to byok as configuration says to a host.</summary>
internal sealed class SettingsFileTests
{
    private CliWorld _world = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _world = await CliWorld.StartAsync();

    [OneTimeTearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [SetUp]
    public void Reset()
    {
        _world.Environment.Clear();
        _world.Environment["TokenFile"] = _world.PathOf("settings/token.jwt");
    }

    [TestCaseSource(typeof(MisconfigurationTests), nameof(MisconfigurationTests.All))]
    public async Task A_mistake_is_reported_as_a_host_reports_it(string[] changes, string[] messages)
    {
        var result = await _world.RunAsync("health", "-s", await WriteAsync(changes));

        string[] lines = ["byok: The settings are invalid:", .. messages.Select(message => $"      {InByok(message)}")];
        Assert.That(result.Code, Is.EqualTo(ExitCode.Usage), result.ToString());
        Assert.That(Errors(result), Is.EqualTo(lines));
    }

    [TestCaseSource(nameof(CustomersMistakes))]
    public async Task A_mistake_of_the_customer_is_a_failed_step_of_a_verification(string[] changes, string[] messages)
    {
        var result = await _world.RunAsync("verify", "-s", await WriteAsync(changes));

        var failed = string.Join('\n', result.Output.Split('\n').Where(line => line.StartsWith("FAILED", StringComparison.Ordinal)));
        Assert.That(result.Code, Is.EqualTo(ExitCode.KeyUnusable), result.ToString());
        Assert.That(Errors(result), Is.Empty);
        Assert.That(messages.Where(message => !failed.Contains(InByok(message), StringComparison.Ordinal)), Is.Empty, failed);
        Assert.That(
            result.Output,
            Does.Match(@"Copy the ARN of the key again|Use a key (in an allowed Region|of the customer's own)|Correct the settings\.")
                .And.Not.Contain("S3cret"));
    }

    [Test]
    public async Task A_mistake_of_the_operator_ends_a_verification_before_it_begins()
    {
        var result = await _world.RunAsync("verify", "-s", await WriteAsync("Byok:KeyRingIdleTimeout=15"));

        Assert.That(result.Code, Is.EqualTo(ExitCode.Usage), result.ToString());
        Assert.That(result.Error, Does.Contain("      Byok:KeyRingIdleTimeout is '15', which .NET reads as 15 days; expected hh:mm:ss"));
    }

    [TestCase(
        "permissions",
        "Key:ReplicaRegions has Key:ReplicaRegions:us-east-2 below it; "
            + "expected a list of Regions, or one text such as us-east-1,eu-west-1.",
        "Customers:Acme:ReplicaRegions:us-east-2=true")]
    [TestCase("permissions", "Key:KeyArn has settings below it, such as Key:KeyArn:Arn; expected one text.",
        "-Customers:Acme:KeyArn", "Customers:Acme:KeyArn:Arn=x")]
    [TestCase("permissions", "Key is a text; expected a section with KeyArn, Credentials, ReplicaRegions, PreviousKeys.",
        "-Customers:Acme", "Customers:Acme=arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab")]
    [TestCase(
        "assume-role",
        "Key:Credentials is a text; expected a section with Type, AccessKeyId, SecretAccessKey, RoleArn, ExternalId, Audience.",
        "-Customers:Acme:Credentials", "Customers:Acme:Credentials=AssumeRole")]
    public async Task A_policy_is_not_written_from_settings_that_were_not_read(string command, string message, params string[] changes)
    {
        var result = await _world.RunAsync("policy", command, "-s", await WriteAsync(changes));

        Assert.That((result.Code, result.Output), Is.EqualTo((ExitCode.Usage, "")), result.ToString());
        Assert.That(result.Error, Does.Contain(message));
    }

    [Test]
    public async Task Regions_may_be_one_text_with_commas()
    {
        var file = await WriteAsync(
            "Byok:AllowedRegions=us-east-1, us-east-2,us-west-2",
            "-Byok:AllowedRegions:0",
            "-Byok:AllowedRegions:1",
            "Customers:Acme:ReplicaRegions=us-east-2,us-west-2");

        var policy = await _world.RunAsync("policy", "permissions", "-s", file);
        var shorter = await _world.RunAsync("health", "-s", file, "--allow-region", "us-east-1,us-east-2");

        Assert.That(policy.Output, Does.Contain("us-east-2").And.Contain("us-west-2"), policy.ToString());
        Assert.That(policy.Error, Is.Empty);
        Assert.That(
            shorter.Error, Does.Contain("Key:ReplicaRegions:1: Region us-west-2 is not allowed; allowed are us-east-1, us-east-2."));
        Assert.That(shorter.Error, Does.Not.Contain("both a text and a list"));
    }

    [Test]
    public async Task An_option_replaces_a_setting_with_all_below_it()
    {
        var file = await WriteAsync(
            "Byok:AllowedRegions:Typo=x",
            "-Customers:Acme:KeyArn",
            "Customers:Acme:KeyArn:Arn=x",
            "Byok:Endpoints:Kms=text",
            "Byok:Endpoints:Sts:all=https://x");

        var result = await _world.RunAsync(
            "health", "-s", file, "--allow-region", "us-east-1", "--key-arn", "alias/acme", "--endpoint", $"{_world.Demo.Aws.Endpoint}");

        Assert.That(result.Error, Does.Contain("Key:KeyArn: Not a KMS key ARN").And.Not.Contain("Byok:"), result.ToString());
    }

    [TestCase("Byok:FrameLenght=4096", "Byok:FrameLenght is not a setting of this version and is ignored. Did you mean FrameLength?")]
    [TestCase(
        "Customers:Acme:Credentials:RoleARM=x",
        "Key:Credentials:RoleARM is not a setting of this version and is ignored. Did you mean RoleArn?")]
    [TestCase("Customers:Acme:Colour=x", "Key:Colour is not a setting of this version and is ignored.")]
    public async Task An_unknown_name_is_a_warning_once(string change, string warning)
    {
        foreach (var command in (string[][])[["verify"], ["health"], ["policy", "permissions"]])
        {
            var result = await _world.RunAsync([.. command, "-s", await WriteAsync(change), "--key-arn", _world.Demo.Key.Arn]);

            var lines = result.Error.ReplaceLineEndings("\n").Split('\n');
            Assert.That(lines.Count(line => line == $"byok: warning: {warning}"), Is.EqualTo(1), result.ToString());
        }
    }

    [Test]
    public async Task Unknown_names_in_the_environment_are_warned_of_too_but_not_variables_that_mean_something_else()
    {
        _world.Environment["Key"] = "of something else";
        _world.Environment["Byok"] = "of something else";
        _world.Environment["Key:KeyARM"] = "x";

        var result = await _world.RunAsync("health", "-s", _world.KeySettings);

        Assert.That(result.Code, Is.Zero, result.ToString());
        Assert.That(
            result.Error.TrimEnd(),
            Is.EqualTo("byok: warning: Key:KeyARM is not a setting of this version and is ignored. Did you mean KeyArn?"));
    }

    [Test]
    public async Task TokenFile_is_one_text()
    {
        _world.Environment.Clear();

        var result = await _world.RunAsync("verify", "-s", await WriteAsync("TokenFile:0=token.jwt"));

        Assert.That(result.Code, Is.EqualTo(ExitCode.Usage), result.ToString());
        Assert.That(result.Error, Does.Contain("TokenFile has settings below it, such as TokenFile:0; expected one text."));
    }

    /// <summary>
    /// The mistakes in a customer's section. If all of it is missing, its steps name each setting. Without the host's account, verify
    /// names the option of the command line.
    /// </summary>
    public static IEnumerable<TestCaseData> CustomersMistakes()
    {
        string[] others = ["Byok:", "Key ring 'acme'", "Customers:Acme:Credentials:Type AssumeRole needs"];
        bool IsOther(string message) => others.Any(other => message.StartsWith(other, StringComparison.Ordinal));
        return MisconfigurationTests.All().Where(one => !((string[])one.Arguments[1]!).Any(IsOther));
    }

    /// <summary>The lines of standard error without the warnings, which have tests of their own.</summary>
    private static string[] Errors(CliResult result) =>
    [
        .. result.Error.ReplaceLineEndings("\n").Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(line => !line.StartsWith("byok: warning: ", StringComparison.Ordinal)),
    ];

    private static string InByok(string message) =>
        message.Replace("Customers:Acme", "Key", StringComparison.Ordinal).Replace("Key ring 'acme'", "Key ring", StringComparison.Ordinal);

    private async Task<string> WriteAsync(params string[] changes)
    {
        var values = Misconfigured.Configuration(changes).AsEnumerable().Where(pair => pair.Value is not null)
            .ToDictionary(pair => InByok(pair.Key), pair => pair.Value);
        if (!changes.Any(change => change.StartsWith("Byok:Endpoints", StringComparison.Ordinal)))
        {
            values["Byok:Endpoints:Kms:*"] = values["Byok:Endpoints:Sts:*"] = _world.Demo.Aws.Endpoint.ToString();
        }

        return await _world.WriteAsync($"{Guid.NewGuid():N}.json", Encoding.UTF8.GetBytes(JsonSerializer.Serialize(values)));
    }
}
