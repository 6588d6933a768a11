using System.Diagnostics;
using System.Net;
using Scalr.Byok.Kms.Resilience;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.DependencyInjection;

/// <summary>
/// What leaves the host beside the calls themselves: no propagation headers, and nothing to a proxy that need not see it.
/// </summary>
[NonParallelizable]
internal sealed class OutboundTests
{
    private ByokWorld _world = null!;
    private RecordingListener _listener = null!;
    private IWebProxy _before = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _listener = new RecordingListener();
        _before = HttpClient.DefaultProxy;
    }

    [TearDown]
    public async Task StopAsync()
    {
        HttpClient.DefaultProxy = _before;
        await _world.DisposeAsync();
        await _listener.DisposeAsync();
    }

    [Test]
    public async Task No_propagation_header_is_sent([ValueSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))] string type)
    {
        using var heard = new ActivityListener
        {
            ShouldListenTo = _ => true,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
        };
        ActivitySource.AddActivityListener(heard);
        using var activity = new Activity("the host's request").SetIdFormat(ActivityIdFormat.W3C);
        activity.TraceStateString = "host=1";
        activity.AddBaggage("user", "someone@example.org");
        activity.Start();
        var ring = _world.Ring(type, options: o => o.Endpoints.Kms["*"] = o.Endpoints.Sts["*"] = _listener.Address);

        await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[1]));

        var head = _listener.Heads.Single();
        Assert.That(head, Does.Contain("app/Scalr.Byok.Kms").And.Not.Contain("someone").And.Not.Contain(activity.TraceId.ToString()));
        foreach (var name in new[] { "traceparent", "tracestate", "baggage", "Correlation-Context", "Request-Id", "X-Amzn-Trace-Id" })
        {
            Assert.That(head, Does.Not.Contain($"\n{name}:").IgnoreCase);
        }
    }

    [Test]
    public async Task An_endpoint_on_loopback_is_called_without_the_proxy()
    {
        HttpClient.DefaultProxy = new WebProxy(_listener.Address);
        var ring = _world.Ring("AssumeRole");

        Assert.That(await ring.DecryptAsync(await ring.EncryptAsync(new byte[1])), Is.EqualTo(new byte[1]));

        Assert.That(_listener.Heads, Is.Empty);
    }

    // Fault 26: http_proxy in the environment received a plaintext data key.
    [Test]
    public async Task The_proxy_of_the_environment_sees_nothing_of_an_endpoint_on_loopback()
    {
        var folder = Directory.CreateTempSubdirectory();
        using var process = Start(folder.FullName);
        try
        {
            Assert.That(await process.StandardOutput.ReadLineAsync(), Is.EqualTo("found nothing"));
            await process.StandardInput.WriteLineAsync("go on");
            await process.StandardInput.FlushAsync();
            var output = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();

            Assert.That((process.ExitCode, output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length), Is.EqualTo((0, 2)));
            Assert.That(_world.Aws.Log.Count("Encrypt"), Is.EqualTo(1));
            Assert.That(_listener.Heads, Is.Empty);
        }
        finally
        {
            process.Kill();
            folder.Delete(recursive: true);
        }
    }

    [TestCase("http://127.0.0.1:4566", true)]
    [TestCase("http://127.9.9.9", true)]
    [TestCase("http://localhost:4566", true)]
    [TestCase("http://[::1]:4566", true)]
    [TestCase("https://kms.us-east-1.amazonaws.com", false)]
    [TestCase("https://localhost.example.org", false)]
    public void Loopback_is_told_by_the_address(string address, bool isDirect)
    {
        HttpClient.DefaultProxy = new WebProxy(_listener.Address);
        var proxy = new SystemProxy();

        Assert.That(
            (proxy.IsBypassed(new Uri(address)), proxy.GetProxy(new Uri(address))),
            Is.EqualTo((isDirect, isDirect ? null : _listener.Address)));
    }

    [Test]
    public async Task Another_endpoint_is_called_through_the_proxy_if_the_host_wants_it([Values] bool wanted)
    {
        HttpClient.DefaultProxy = new WebProxy(_listener.Address);
        var ring = _world.Ring("AccessKeys", options: o =>
        {
            o.Endpoints.Kms["*"] = new Uri("https://kms.invalid");
            o.Endpoints.UseSystemProxy = wanted;
            o.Resilience.AttemptTimeout = o.Resilience.TotalTimeout = TimeSpan.FromHours(1);
        });

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[1]));

        Assert.That(thrown!.IsTransient, Is.True);
        Assert.That(
            _listener.Heads.Select(head => head.Split("\r\n")[0]),
            wanted ? Has.Some.EqualTo("CONNECT kms.invalid:443 HTTP/1.1") : Is.Empty);
    }

    [Test]
    public async Task A_proxy_that_does_not_exist_is_named()
    {
        HttpClient.DefaultProxy = new WebProxy("http://proxy.invalid:3128");
        var ring = _world.Ring("AccessKeys", options: o =>
        {
            o.Endpoints.Kms.Clear();
            o.Resilience.AttemptTimeout = o.Resilience.TotalTimeout = TimeSpan.FromHours(1);
        });

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[1]));

        Assert.That(
            thrown!.Message,
            Does.Contain("AWS could not be reached: kms.us-east-1.amazonaws.com:443 through the proxy proxy.invalid:3128, "));
    }

    /// <summary>A host's process whose environment names the listener as the proxy for everything.</summary>
    private Process Start(string folder)
    {
        var start = new ProcessStartInfo(
            Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet",
            [
                Path.Combine(AppContext.BaseDirectory, "Scalr.Byok.Kms.Racer.dll"),
                _world.Aws.Endpoint.AbsoluteUri, _world.Key.Arn, _world.AccessKey.AccessKeyId, _world.AccessKey.SecretAccessKey, folder,
            ])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        foreach (var name in (string[])["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
        {
            start.Environment[name] = _listener.Address.AbsoluteUri;
        }

        start.Environment.Remove("no_proxy");
        start.Environment.Remove("NO_PROXY");
        return ChildProcess.Start(start);
    }
}
