using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using LocalAws;
using WebHost.Accounts;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>
/// Many clients use the API for many customers. One customer disables the key, and another one's Region does not answer. The other
/// customers notice nothing. <c>BYOK_WEBHOST_SECONDS</c> is the length of each of the three phases, with 64 clients and 200 customers. The
/// customer of the lost Region is served for <c>MaxAge</c> after the last confirmation, so the third phase begins when that has passed.
/// </summary>
[NonParallelizable]
[Category("Slow")]
internal sealed class WebHostLoadTests
{
    private const string Account = "111122223333";
    private const string Denied = "customer-0";
    private const string Lost = "customer-1";
    private const string LostRegion = "us-east-2";
    private const int Reads = 9; // for each write

    private static readonly int Seconds = Measured.Number("BYOK_WEBHOST_SECONDS", otherwise: 0);

    private static readonly (int Clients, int Customers, TimeSpan Phase, TimeSpan MaxAge) Size = Seconds > 0
        ? (64, 200, TimeSpan.FromSeconds(Seconds), TimeSpan.FromSeconds(20))
        : (8, 12, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(6));

    [Test]
    public async Task A_disabled_key_and_a_lost_Region_concern_no_other_customer()
    {
        await using var world = await WebHostWorld.StartAsync(
            "--Byok:DataKeyCache:MaxAge", Size.MaxAge.ToString(),
            "--Byok:ConfirmationInterval", (Size.MaxAge / 2).ToString(),
            "--Byok:Resilience:AttemptTimeout", "00:00:02",
            "--Byok:Resilience:TotalTimeout", "00:00:10",
            "--Moves:AccountsAtOnce", "16");
        var names = Enumerable.Range(0, Size.Customers).Select(number => $"customer-{number}").ToList();
        var keys = new Dictionary<string, LocalKey>();
        foreach (var name in names)
        {
            keys[name] = await EnableAsync(world, name);
        }

        using var handler = new SocketsHttpHandler { UseCookies = false };
        using var client = new HttpClient(handler) { BaseAddress = world.Address };
        var cookies = names.ToDictionary(name => name, name => world.CookieOf(name) is var cookie ? $"{cookie.Name}={cookie.Value}" : "");
        foreach (var name in names)
        {
            await WebHostWorld.UntilAsync(() => world.Accounts.GetAsync(name), account => account.Phase == AccountPhase.CustomerKey);
            await SendAsync(client, cookies[name], isRead: false);
        }

        var before = await RunAsync(client, cookies);
        keys[Denied].Disable();
        world.Aws.Faults.Add(Fault.BlackHole() with { Region = LostRegion });
        await WebHostWorld.UntilAsync(() => SendAsync(client, cookies[Denied], isRead: true), status => status == HttpStatusCode.Conflict);
        var after = await RunAsync(client, cookies);
        await WebHostWorld.UntilAsync(
            () => SendAsync(client, cookies[Lost], isRead: true), status => status == HttpStatusCode.ServiceUnavailable);
        var (lost, problem) = await ReadProblemAsync(client, cookies[Lost]);
        var due = await RunAsync(client, cookies);

        Report("before", before);
        Report("after", after);
        Report("due", due);
        Assert.That(before.Where(call => call.Status != HttpStatusCode.OK), Is.Empty);
        Assert.That(after.Where(call => call.Customer is not (Denied or Lost) && call.Status != HttpStatusCode.OK), Is.Empty);
        Assert.That(due.Where(call => call.Customer is not (Denied or Lost) && call.Status != HttpStatusCode.OK), Is.Empty);
        Assert.That(
            after.Concat(due).Where(call => call.Customer == Denied).Select(call => call.Status), Is.All.EqualTo(HttpStatusCode.Conflict));
        Assert.That(after.Where(call => call.Customer == Lost).Select(call => call.Status),
            Is.All.EqualTo(HttpStatusCode.OK).Or.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That(
            due.Where(call => call.Customer == Lost).Select(call => call.Status), Is.All.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That((lost.Status, lost.ContentType), Is.EqualTo((HttpStatusCode.ServiceUnavailable, "application/problem+json")));
        Assert.That(lost.RetryAfter, Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(1)));
        Assert.That((string?)problem["type"], Is.EqualTo("urn:webhost:problem:keys-unreachable"));
    }

    /// <summary>Creates a customer with a key, as the page does, and lets the host move to the key.</summary>
    private static async Task<LocalKey> EnableAsync(WebHostWorld world, string name)
    {
        var aws = world.Aws.Account(Account);
        var key = aws.CreateKey(name == Lost ? LostRegion : "us-east-1", multiRegion: true);
        var accessKey = aws.CreateUser(name, ByokPolicies.KeyPermissions(KmsKeyArn.Parse(key.Arn))).CreateAccessKey();
        var settings = new ByokKeySettings
        {
            KeyArn = key.Arn,
            Credentials = ByokCredentialSettings.AccessKeys(accessKey.AccessKeyId, accessKey.SecretAccessKey),
        };
        await world.Accounts.CreateAsync(name);
        var draft = await world.Accounts.SaveDraftAsync(name, 1, AccountAction.Enable, settings);
        Assert.That(await world.Accounts.ActivateAsync(name, 1, draft!.Value), Is.EqualTo(AccountChange.Done));
        return key;
    }

    private static async Task<List<Call>> RunAsync(HttpClient client, Dictionary<string, string> cookies)
    {
        var (calls, names, end) = (new ConcurrentBag<Call>(), cookies.Keys.ToArray(), Stopwatch.GetTimestamp());
        await Task.WhenAll(Enumerable.Range(0, Size.Clients).Select(async number =>
        {
            var dice = new Random(number);
            while (Stopwatch.GetElapsedTime(end) < Size.Phase)
            {
                var name = names[dice.Next(names.Length)];
                var start = Stopwatch.GetTimestamp();
                var status = await SendAsync(client, cookies[name], isRead: dice.Next(Reads + 1) > 0);
                calls.Add(new(name, status, Stopwatch.GetElapsedTime(start).TotalMilliseconds));
            }
        }));
        return [.. calls];
    }

    private static async Task<(Browser.Answer Answer, JsonNode Problem)> ReadProblemAsync(HttpClient client, string cookie)
    {
        using var answer = await SendRequestAsync(client, cookie, isRead: true);
        var read = await Browser.Answer.OfAsync(answer);
        return (read, read.Json);
    }

    private static async Task<HttpStatusCode> SendAsync(HttpClient client, string cookie, bool isRead)
    {
        using var answer = await SendRequestAsync(client, cookie, isRead);
        return answer.StatusCode;
    }

    private static async Task<HttpResponseMessage> SendRequestAsync(HttpClient client, string cookie, bool isRead)
    {
        using var request = new HttpRequestMessage(isRead ? HttpMethod.Get : HttpMethod.Post, new Uri(
            "/api/variables?limit=20", UriKind.Relative));
        request.Headers.Add("Cookie", cookie);
        request.Content = isRead ? null : JsonContent.Create(new JsonArray(new JsonObject
        {
            ["workspace"] = "production",
            ["name"] = "name",
            ["value"] = "value",
        }));
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        return await client.SendAsync(request, limit.Token);
    }

    private static void Report(string phase, List<Call> calls)
    {
        var others = calls.Where(call => call.Customer is not (Denied or Lost)).Select(call => call.Milliseconds).ToList();
        TestContext.Out.WriteLine(
            $"{phase}: {others.Count:N0} calls of the other customers, p50 {Measured.Median(others):0.0} ms, "
            + $"p99 {Measured.Quantile(others, 0.99):0.0} ms; "
            + string.Join(", ", calls.Where(call => call.Customer is Denied or Lost).GroupBy(call => (call.Customer, call.Status))
                .OrderBy(group => group.Key).Select(
                    group => $"{group.Key.Customer} {(int)group.Key.Status}: {group.Count()}, p50 "
                        + $"{Measured.Median(group.Select(call => call.Milliseconds)):0} ms")));
    }

    private sealed record Call(string Customer, HttpStatusCode Status, double Milliseconds);
}
