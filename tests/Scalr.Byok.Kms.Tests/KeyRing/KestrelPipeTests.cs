using System.IO.Pipelines;
using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>The pipes of a request and of its response in ASP.NET Core's server.</summary>
[TestFixture(HttpProtocols.Http1)]
[TestFixture(HttpProtocols.Http2)]
[CancelAfter(120_000)]
internal sealed class KestrelPipeTests(HttpProtocols protocol)
{
    private static readonly byte[] Plaintext = RandomNumberGenerator.GetBytes(5_000_000);

    private readonly Dictionary<string, byte[]> _stored = [];
    private ByokWorld _world = null!;
    private WebApplication _app = null!;
    private HttpClient _client = null!;
    private IByokKeyRing _ring = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _ring = _world.Ring(ByokCredentialSettings.AccessKeysType);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, endpoint => endpoint.Protocols = protocol));
        _app = builder.Build();
        _app.MapPut("/{name}", UploadAsync);
        _app.MapGet("/{name}", DownloadAsync);
        await _app.StartAsync();
        var address = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        _client = new HttpClient
        {
            BaseAddress = new Uri(address),
            DefaultRequestVersion = protocol == HttpProtocols.Http1 ? HttpVersion.Version11 : HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Timeout = TimeSpan.FromSeconds(60),
        };
    }

    [TearDown]
    public async Task StopAsync()
    {
        _client.Dispose();
        await _app.DisposeAsync();
        await _world.DisposeAsync();
    }

    [TestCase(0)]
    [TestCase(65_536)]
    [TestCase(5_000_000)]
    public async Task A_file_is_encrypted_as_it_is_uploaded_and_decrypted_as_it_is_downloaded(int length)
    {
        using ByteArrayContent content = new(Plaintext, 0, length);
        using var uploaded = await _client.PutAsync(new Uri("/file", UriKind.Relative), content);
        uploaded.EnsureSuccessStatusCode();

        Assert.That((await _ring.DecryptAsync(_stored["file"])).AsSpan().SequenceEqual(Plaintext.AsSpan(0, length)));
        Assert.That(
            (await _client.GetByteArrayAsync(new Uri("/file", UriKind.Relative))).AsSpan().SequenceEqual(Plaintext.AsSpan(0, length)));
    }

    [Test]
    public async Task A_file_that_was_changed_does_not_arrive_whole()
    {
        var message = await _ring.EncryptAsync(Plaintext);
        message[^1] ^= 1;
        _stored["file"] = message;

        await Assert.ThatAsync(
            () => _client.GetByteArrayAsync(new Uri("/file", UriKind.Relative)),
            Throws.InstanceOf<HttpRequestException>(), "the connection is cut, so the client knows");
    }

    private async Task UploadAsync(string name, HttpContext http)
    {
        using MemoryStream file = new();
        var message = PipeWriter.Create(file);
        await _ring.EncryptAsync(http.Request.BodyReader, message, cancellationToken: http.RequestAborted);
        await message.CompleteAsync();
        _stored[name] = file.ToArray();
    }

    private async Task DownloadAsync(string name, HttpContext http)
    {
        using MemoryStream file = new(_stored[name]);
        try
        {
            await _ring.DecryptAsync(PipeReader.Create(file), http.Response.BodyWriter, cancellationToken: http.RequestAborted);
        }
        catch (ByokDecryptionException)
        {
            http.Abort();
        }
    }
}
