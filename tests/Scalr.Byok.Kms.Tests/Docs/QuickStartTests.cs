using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using LocalAws;

namespace Scalr.Byok.Kms.Tests.Docs;

/// <summary>The programs of README are pasted into what <c>dotnet new</c> makes, built against the package, and run on LocalAws.</summary>
[Category("Slow")]
internal sealed partial class QuickStartTests
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(60);

    private readonly NewProject _projects = new();
    private DemoCustomer _customer = null!;

    private static IReadOnlyList<string> Programs => Page.Readme.Blocks("csharp");

    private static string Settings => Page.Readme.Blocks("json")[0];

    /// <summary>What differs from README: the addresses of LocalAws, and its key.</summary>
    private Dictionary<string, string> Environment => new()
    {
        ["Byok__Endpoints__Kms__*"] = _customer.Aws.Endpoint.ToString(),
        ["Byok__Endpoints__Sts__*"] = _customer.Aws.Endpoint.ToString(),
        ["Byok__ConfirmationInterval"] = "00:00:01",
        ["Acme__KeyArn"] = _customer.Key.Arn,
        ["Acme__Credentials__AccessKeyId"] = _customer.AccessKey.AccessKeyId,
        ["Acme__Credentials__SecretAccessKey"] = _customer.AccessKey.SecretAccessKey,
        ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
    };

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _customer = await DemoCustomer.StartAsync();
        await _projects.PackAsync();
        await _projects.CreateAsync("console", "quickstart", Programs[0], Settings, "Microsoft.Extensions.Hosting");
        await _projects.CreateAsync("web", "webquickstart", Programs[1], Settings);
        await _projects.CreateAsync("web", "tenants", Programs[2], """{ "AllowedHosts": "*" }""");
        await _projects.BuildAsync();
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        _projects.Dispose();
        await _customer.DisposeAsync();
    }

    [TearDown]
    public void EnableKey() => _customer.Key.Enable();

    [Test]
    public async Task The_console_program_encrypts_and_decrypts()
    {
        using var process = _projects.Start("quickstart", Environment);
        using var limit = new CancellationTokenSource(LongestWait);
        var output = await process.StandardOutput.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);

        Assert.That(process.ExitCode, Is.Zero, await process.StandardError.ReadToEndAsync(limit.Token));
        Assert.That(output, Does.Contain($"bytes under {_customer.Key.Arn}").And.Contain("Decrypted: correct horse battery staple"));
    }

    [Test]
    public async Task The_web_program_encrypts_and_decrypts()
    {
        await using var site = await Site.StartAsync(_projects.StartBuilt("webquickstart", Environment));

        var message = await site.SendAsync<byte[]>(HttpMethod.Post, "/encrypt/db_password", "secret");
        Assert.That(ByokMessage.Read(message!).EncryptionContext, Does.ContainKey("variable").WithValue("db_password"));

        using var decrypted = await site.SendAsync(HttpMethod.Post, "/decrypt/db_password", message!);
        Assert.That(await decrypted.Content.ReadAsStringAsync(), Is.EqualTo("secret"));

        using var elsewhere = await site.SendAsync(HttpMethod.Post, "/decrypt/other", message!);
        Assert.That(elsewhere.StatusCode, Is.EqualTo(HttpStatusCode.InternalServerError));
    }

    [Test]
    public async Task The_program_for_many_customers_takes_a_customer_from_onboarding_to_revocation()
    {
        await using var site = await Site.StartAsync(_projects.StartBuilt("tenants", Environment));
        var key = new { KeyArn = _customer.Key.Arn, Credentials = Credentials(_customer.AccessKey.SecretAccessKey) };
        var (row, otherRow) = (Guid.NewGuid(), Guid.NewGuid());

        var wrongKey = new { key.KeyArn, Credentials = Credentials("wJalrXUtnFEMI/EXAMPLEKEY") };
        using var wrongSecret = await site.SendAsync(HttpMethod.Put, "/acme/key", wrongKey);
        Assert.That(wrongSecret.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That(await wrongSecret.Content.ReadAsStringAsync(), Does.Contain("AWS does not accept the access key."));

        using var unknown = await site.SendAsync(HttpMethod.Get, $"/acme/variables/{row}");
        Assert.That(unknown.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));

        var externalId = await site.TextAsync("/acme/external-id");
        Assert.That(externalId, Has.Length.EqualTo(32).And.EqualTo(await site.TextAsync("/acme/external-id")));
        Assert.That(await site.TextAsync("/globex/external-id"), Has.Length.EqualTo(32).And.Not.EqualTo(externalId));

        using var saved = await site.SendAsync(HttpMethod.Put, "/acme/key", key);
        Assert.That(saved.StatusCode, Is.EqualTo(HttpStatusCode.OK));

        using var anotherTenants = await site.SendAsync(HttpMethod.Put, "/globex/key", key);
        Assert.That(anotherTenants.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest), "the key is acme's");

        using var written = await site.SendAsync(HttpMethod.Put, $"/acme/variables/{row}", "secret");
        using var read = await site.SendAsync(HttpMethod.Get, $"/acme/variables/{row}");
        Assert.That((written.StatusCode, await read.Content.ReadAsStringAsync()), Is.EqualTo((HttpStatusCode.OK, "secret")));

        using var missing = await site.SendAsync(HttpMethod.Get, $"/acme/variables/{otherRow}");
        Assert.That(missing.StatusCode, Is.EqualTo(HttpStatusCode.InternalServerError));
        Assert.That(await site.TextAsync("/health"), Is.EqualTo("Healthy"));

        _customer.Key.Disable();

        using var denied = await site.UntilAsync($"/acme/variables/{row}", HttpStatusCode.Conflict);
        Assert.That(denied.Content.Headers.ContentType?.MediaType, Is.EqualTo("application/problem+json"));
        Assert.That(await denied.Content.ReadAsStringAsync(), Does.Contain("The key is disabled."));
        Assert.That(await site.TextAsync("/health"), Is.EqualTo("Degraded"));

        _customer.Key.Enable();

        using var restored = await site.UntilAsync($"/acme/variables/{row}", HttpStatusCode.OK);
        Assert.That(await restored.Content.ReadAsStringAsync(), Is.EqualTo("secret"));
    }

    private object Credentials(string secret) =>
        new { Type = ByokCredentialSettings.AccessKeysType, _customer.AccessKey.AccessKeyId, SecretAccessKey = secret };

    /// <summary>A web host as a process.</summary>
    private sealed partial class Site : IAsyncDisposable
    {
        private readonly Process _process;
        private readonly HttpClient _client;
        private readonly Task _rest;

        private Site(Process process, Uri address)
        {
            _process = process;
            _client = new HttpClient { BaseAddress = address };
            _rest = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        }

        public static async Task<Site> StartAsync(Process process)
        {
            using var limit = new CancellationTokenSource(LongestWait);
            while (await process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
            {
                if (Address().Match(line) is { Success: true } match)
                {
                    return new Site(process, new Uri(match.Groups["address"].Value));
                }
            }

            throw new InvalidOperationException($"The host did not start. {await process.StandardError.ReadToEndAsync(limit.Token)}");
        }

        public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, object? body = null)
        {
            using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
            return await _client.SendAsync(request);
        }

        public async Task<T?> SendAsync<T>(HttpMethod method, string path, object body)
        {
            using var response = await SendAsync(method, path, body);
            return await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<T>();
        }

        public Task<string> TextAsync(string path) => _client.GetStringAsync(new Uri(path, UriKind.Relative));

        /// <summary>Asks until it answers so, as a customer would who has changed something in AWS.</summary>
        public async Task<HttpResponseMessage> UntilAsync(string path, HttpStatusCode status)
        {
            for (var started = Stopwatch.GetTimestamp(); ;)
            {
                var response = await SendAsync(HttpMethod.Get, path);
                if (response.StatusCode == status || Stopwatch.GetElapsedTime(started) > LongestWait)
                {
                    Assert.That(response.StatusCode, Is.EqualTo(status));
                    return response;
                }

                response.Dispose();
                await Task.Delay(50);
            }
        }

        public async ValueTask DisposeAsync()
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
            await _rest;
            _process.Dispose();
            _client.Dispose();
        }

        [GeneratedRegex("Now listening on: (?<address>http://[^ ]+)")]
        private static partial Regex Address();
    }
}
