using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Fleet.Demo;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.Columns;
using WebHost.Accounts;
using WebHost.Moves;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>
/// Two instances of the sample's host with one database, one Redis and one AWS: a process, which the last test kills, and one in the
/// process of the tests.
/// </summary>
[TestFixture(ColumnsWorld.Sqlite)]
[TestFixture(ColumnsWorld.Postgres)]
[Category("Slow")]
internal sealed class WebHostInstancesTests(string database)
{
    private const int Variables = 30;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(0.2);

    private RedisServer _redis = null!;
    private WebHostWorld _world = null!;
    private HostProcess _process = null!;
    private Uri[] _instances = [];

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        if (!RedisServer.IsInstalled)
        {
            Assert.Ignore("redis-server is not installed.");
        }

        _redis = await RedisServer.StartAsync(running: null);
        _world = await WebHostWorld.StartWithoutHostAsync(
            database,
            "--ConnectionStrings:Redis", _redis.Configuration,
            "--Fleet:Secrets:0", Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)),
            "--Fleet:ClockTolerance", Tolerance.ToString(),
            "--Byok:DataKeyCache:MaxAge", "00:10:00",
            "--Byok:ConfirmationInterval", Interval.ToString(),
            "--Moves:MaxItemsPerSecond", "10", // so that the kill is in the middle
            "--Moves:PollInterval", "00:00:00.2"); // two instances that ask the database all the time
        _process = new HostProcess(_world.Arguments);
        await _world.StartHostAsync();
        _instances = [await _process.UntilListeningAsync(), _world.Address];
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        _process?.Dispose();
        if (_world is not null)
        {
            await _world.DisposeAsync();
        }

        if (_redis is not null)
        {
            await _redis.DisposeAsync();
        }
    }

    [Test]
    [Property("Order", 1)]
    public async Task A_change_through_one_instance_is_seen_by_the_other_and_of_two_changes_at_once_one_wins()
    {
        var customer = new Customer(_world, "acme", await _world.SignInAsync("acme", _instances), "111122223333");
        var each = await Task.WhenAll(_instances.Select(instance => _world.SignInAsync("acme", instance)));
        await customer.Browser.AddVariableAsync("first", "value-1");
        await customer.Browser.AddVariableAsync("second", "value-2");
        await customer.MoveAsync("Enable");
        var old = customer.Key;
        var before = await ReadAsync(each);
        await customer.MoveAsync("ChangeKey");
        old.Disable();
        var after = await ReadAsync(each);
        await each[0].AddVariableAsync("third", "value-3");
        var written = await ReadAsync(each[1..]);

        var version = (await each[0].GetAsync("/Encryption")).ValueOf("version");
        var pressed = await Task.WhenAll(each.Select(
            browser => browser.PostAsync("/Encryption", "/Encryption?handler=Return", ("version", version))));
        await customer.Browser.UntilAsync(state => (long)state["version"]! == 7);
        customer.Key.Disable();

        Assert.That(before.Concat(after).Concat(written), Is.EqualTo((string[])[
            "value-1 value-2", "value-1 value-2", "value-1 value-2", "value-1 value-2", "value-1 value-2 value-3"]));
        Assert.That(
            pressed.Select(page => page.TextOf("notice")), Has.Exactly(1).Contains("Nothing was changed by you.").And.Exactly(1).Empty);
        Assert.That(await ReadAsync(each), Is.All.EqualTo("value-1 value-2 value-3"), "all data is under the platform key");
    }

    [Test]
    [Property("Order", 2)]
    public async Task The_instances_share_their_requests_and_both_refuse_a_disabled_key_in_time()
    {
        var customer = new Customer(_world, "globex", await _world.SignInAsync("globex", _instances), "222233334444");
        var each = await Task.WhenAll(_instances.Select(instance => _world.SignInAsync("globex", instance)));
        await customer.Browser.AddVariableAsync("name", "value");
        await customer.MoveAsync("Enable");
        Assert.That(await ReadAsync(each), Is.All.EqualTo("value"));
        using var stop = new CancellationTokenSource();
        var uses = each.Select(browser => UseAsync(browser, stop.Token)).ToList();

        // Instances that share nothing ask at least once per 0.8 intervals, each of them. On a busy machine Redis may be late for a while,
        // so that each instance asks itself. The database does not matter, so one is enough.
        var window = 4 * Interval;
        var alone = (int)Math.Floor(window / (0.8 * Interval)) * _instances.Length;
        int? count = null;
        for (var attempt = 1; database == ColumnsWorld.Sqlite && !(count < alone) && attempt <= 8; attempt++)
        {
            var from = _world.Aws.Log.Requests.Count;
            await Task.Delay(window);
            count = _world.Aws.Log.Requests.Skip(from).Count(
                request => request.Operation == "Decrypt" && request.Key == customer.Key.Arn);
        }

        customer.Key.Disable();
        var disabled = Stopwatch.GetTimestamp();
        foreach (var browser in each)
        {
            await WebHostWorld.UntilAsync(() => browser.GetAsync("/api/variables"), answer => answer.Status == HttpStatusCode.Conflict);
        }

        await Task.Delay(TimeSpan.FromSeconds(2)); // nothing is served afterwards
        await stop.CancelAsync();
        var served = await Task.WhenAll(uses);

        // The time is reported, not asserted: on a busy machine LocalAws answers late, and a late answer is an outage.
        await TestContext.Out.WriteLineAsync(
            $"{(object?)count ?? "uncounted"} kms:Decrypt in {window.TotalSeconds} s (alone: {alone} or more); the last uses began "
            + string.Join(" and ", served.Select(use => $"{Stopwatch.GetElapsedTime(disabled, use.Last).TotalSeconds:0.00}"))
            + $" s after the change; the limit is {(Interval + Tolerance).TotalSeconds + 1:0.0} s");
        Assert.That(count ?? 1, Is.InRange(1, alone - 1));
        Assert.That(served.Select(use => use.IsServedAfterDenial), Is.All.False);
    }

    [Test]
    [Property("Order", 3)] // it ends the process
    public async Task A_move_that_an_instance_began_is_finished_by_the_other_when_the_first_is_killed()
    {
        var customer = new Customer(_world, "initech", await _world.SignInAsync("initech", _instances[0]), "333344445555");
        await customer.Browser.PostJsonAsync("/api/variables", new JsonArray(
            [.. Enumerable.Range(0, Variables).Select(number => (JsonNode)new JsonObject
            {
                ["workspace"] = "w", ["name"] = $"name-{number}", ["value"] = $"value-{number}",
            })]));
        await customer.ActivateAsync("Enable", await customer.TestAsync("Enable", ByokCredentialSettings.AccessKeysType));
        await customer.Browser.UntilAsync(state => (long)state["processed"]! > 0);

        _process.Kill();
        var phase = (await _world.ReadAccountAsync("initech")).Phase;
        _world.Services.GetRequiredService<MoveOptions>().MaxItemsPerSecond = null; // of the values, which follow the names
        var other = await _world.SignInAsync("initech", _instances[1]);
        await other.UntilAsync(state => (long)state["version"]! == 3);
        var afterKill = await ReadAsync([other]);
        await _world.StopHostAsync();
        await _world.StartHostAsync();
        var afterRestart = await ReadAsync([await _world.SignInAsync("initech")]);

        Assert.That(phase, Is.EqualTo(AccountPhase.MovingToCustomerKey), "the kill was in the middle");
        var values = string.Join(' ', Enumerable.Range(0, Variables).Select(number => $"value-{number}"));
        Assert.That(afterKill.Concat(afterRestart), Is.EqualTo((string[])[values, values]));

        var keys = (await _world.ReadDataKeysAsync("initech")).Select(key => ByokMessage.Read(key).EncryptedDataKeys[0].KeyArn.ToString());
        Assert.That(keys, Is.EqualTo((string[])[customer.Key.Arn]));
    }

    /// <summary>The values that each browser reads, in one text for each.</summary>
    private static Task<string[]> ReadAsync(IEnumerable<Browser> browsers) => Task.WhenAll(browsers.Select(async browser =>
        string.Join(' ', (await browser.GetAsync("/api/variables")).Json.AsArray().Select(one => (string)one!["value"]!))));

    /// <summary>Reads again and again.</summary>
    /// <returns>When the last read that was served began, and whether one was served after one that was denied.</returns>
    private static async Task<(long Last, bool IsServedAfterDenial)> UseAsync(Browser browser, CancellationToken stop)
    {
        var (last, isDenied, isServedAfterDenial) = (Stopwatch.GetTimestamp(), false, false);
        while (!stop.IsCancellationRequested)
        {
            var start = Stopwatch.GetTimestamp();
            var status = (await browser.GetAsync("/api/variables")).Status;
            isDenied |= status == HttpStatusCode.Conflict;
            if (status == HttpStatusCode.OK)
            {
                last = start;
                isServedAfterDenial |= isDenied;
            }

            await Task.Delay(200, CancellationToken.None);
        }

        return (last, isServedAfterDenial);
    }
}
