using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Kms;
using Scalr.Byok.Kms.Resilience;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Errors;

/// <summary>Network errors say what was called and why it failed.</summary>
internal sealed class NetworkFailureTests
{
    private static readonly Uri Aws = new("https://kms.us-east-1.amazonaws.com/");

    public static IEnumerable<TestCaseData> Causes()
    {
        yield return Case(
            new HttpRequestException(HttpRequestError.NameResolutionError, "S3cret", new SocketException((int)SocketError.HostNotFound)),
            "name not known");
        yield return Case(
            new HttpRequestException(HttpRequestError.NameResolutionError, "S3cret", new SocketException((int)SocketError.TryAgain)),
            "the name server did not answer");
        yield return Case(new HttpRequestException(HttpRequestError.NameResolutionError), "name not known");
        yield return Case(
            new HttpRequestException(HttpRequestError.ConnectionError, "S3cret", new SocketException((int)SocketError.ConnectionRefused)),
            "connection refused");
        yield return Case(
            new HttpRequestException(HttpRequestError.ConnectionError, "S3cret", new SocketException((int)SocketError.NetworkUnreachable)),
            "no route to this address");
        yield return Case(
            new HttpRequestException(HttpRequestError.ConnectionError, "S3cret", new SocketException((int)SocketError.TimedOut)),
            "no answer to the attempt to connect");
        yield return Case(
            new HttpRequestException(
                HttpRequestError.SecureConnectionError, "S3cret", new AuthenticationException("… RemoteCertificateNameMismatch")),
            "its TLS certificate is for another name");
        yield return Case(
            new HttpRequestException(HttpRequestError.SecureConnectionError, "S3cret", new AuthenticationException("… NotTimeValid")),
            "its TLS certificate has expired or is not yet valid");
        yield return Case(
            new HttpRequestException(HttpRequestError.SecureConnectionError, "S3cret", new AuthenticationException("… UntrustedRoot")),
            "its TLS certificate is not trusted");
        yield return Case(new HttpRequestException(HttpRequestError.ProxyTunnelError), "the proxy refused the connection");
        yield return Case(new IOException("S3cret"), "the connection was closed before the answer was complete");
    }

    [TestCaseSource(nameof(Causes))]
    public void Causes_are_told_in_words(Exception error, string words)
    {
        NetworkFailure.Note(error, Aws);

        Assert.That(
            NetworkFailure.Describe(error, "us-east-1"), Is.EqualTo($"AWS could not be reached: kms.us-east-1.amazonaws.com:443, {words}"));
    }

    [TestCase("https://vpce-1.kms.us-east-1.vpce.amazonaws.com/", "us-east-1")]
    [TestCase("https://kms.us-east-2.amazonaws.com/", "us-east-1")]
    [TestCase("https://kms.us-east-1.internal/", "us-east-1")]
    public void Configured_addresses_are_told(string address, string region)
    {
        var error = new HttpRequestException(HttpRequestError.NameResolutionError);
        NetworkFailure.Note(error, new Uri(address));

        Assert.That(
            NetworkFailure.Describe(error, region),
            Does.EndWith("name not known. This address is configured by the host's operator, in the option Endpoints"));
    }

    [TestCase("https://sts.cn-north-1.amazonaws.com.cn/", "cn-north-1")]
    [TestCase("https://kms.us-gov-west-1.amazonaws.com/", "us-gov-west-1")]
    public void Addresses_of_AWS_are_not_called_configured(string address, string region)
    {
        var error = new HttpRequestException(HttpRequestError.NameResolutionError);
        NetworkFailure.Note(error, new Uri(address));

        Assert.That(NetworkFailure.Describe(error, region), Does.EndWith(":443, name not known"));
    }

    [Test]
    public void A_proxy_is_told() // its own name may be the unknown one
    {
        var error = new HttpRequestException(HttpRequestError.NameResolutionError);
        NetworkFailure.Note(error, Aws, new Uri("http://user:S3cret@proxy.example:3128"));

        Assert.That(
            NetworkFailure.Describe(error, "us-east-1"),
            Is.EqualTo("AWS could not be reached: kms.us-east-1.amazonaws.com:443 through the proxy proxy.example:3128, name not known"));
    }

    [TestCase("eu-west-1", null, "sts.eu-west-1.amazonaws.com:443")]
    [TestCase("cn-north-1", null, "sts.cn-north-1.amazonaws.com.cn:443")]
    [TestCase("eu-west-1", "https://sts.eu-west-1.amazonaws.com", "sts.eu-west-1.amazonaws.com:443")]
    [TestCase("eu-west-1", "https://vpce.example/path", "vpce.example:443. This address is configured by the host's operator, in the "
        + "option Endpoints")]
    public void The_address_of_a_client_is_told(string region, string? configured, string expected)
    {
        var endpoints = new ByokEndpoints();
        if (configured is not null)
        {
            endpoints.Sts[region] = new Uri(configured);
        }

        using var configuration = new AwsClientConfiguration(endpoints, new ByokResilienceOptions());

        Assert.That(NetworkFailure.AddressOf(configuration.ForSts(region), "sts", region), Is.EqualTo(expected));
        Assert.That(NetworkFailure.AddressOf(null, "sts", region), Is.Null);
    }

    [Test]
    public void What_was_never_sent_has_no_address() =>
        Assert.That(
            NetworkFailure.Describe(new OperationCanceledException("S3cret"), "us-east-1"),
            Is.EqualTo("AWS could not be reached (OperationCanceledException)"));

    [Test]
    public async Task A_name_that_does_not_exist_is_told_on_the_way_through_the_SDK([Values("AccessKeys", "AssumeRole")] string type)
    {
        await using var world = await ByokWorld.StartAsync();
        var ring = world.Ring(type, options: o => o.Endpoints.Kms["*"] = o.Endpoints.Sts["*"] = new Uri("https://unknown.invalid"));

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[1]));

        Assert.That(thrown!.Message, Does.Contain("AWS could not be reached: unknown.invalid:443, name not known.").Or.Contain(
            "unknown.invalid:443, the name server did not answer."));
        Assert.That(
            thrown.Message, Does.Contain("This address is configured by the host's operator, in the option Endpoints. Try again later"));
    }

    [Test]
    public async Task The_remedy_of_a_verification_names_the_option_of_a_configured_address()
    {
        await using var world = await ByokWorld.StartAsync();
        var services = world.Services(o => o.Endpoints.Kms["*"] = new Uri("https://unknown.invalid"));
        var verifier = world.Build(services).GetRequiredService<IByokVerifier>();

        var verification = await verifier.VerifyAsync(world.Settings("AccessKeys"), tenant: null);

        var failed = verification.Steps.Single(step => step.Outcome == ByokVerificationOutcome.Failed);
        Assert.That(
            failed.Remedy, Is.EqualTo("Wait and try again. If that does not help, the host's operator has to check the option Endpoints."));
    }

    [Test]
    public async Task A_server_without_TLS_is_told()
    {
        await using var world = await ByokWorld.StartAsync();
        var ring = world.Ring("AccessKeys", options: o => o.Endpoints.Kms["*"] = new Uri($"https://127.0.0.1:{world.Aws.Endpoint.Port}"));

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[1]));

        Assert.That(thrown!.Message, Does.Contain($"AWS could not be reached: 127.0.0.1:{world.Aws.Endpoint.Port}, no TLS connection."));
    }

    private static TestCaseData Case(Exception error, string words) => new TestCaseData(error, words).SetArgDisplayNames(words);

    [TestCase(HttpRequestError.NameResolutionError, false)]
    [TestCase(HttpRequestError.ConnectionError, false)]
    [TestCase(HttpRequestError.SecureConnectionError, false)]
    [TestCase(HttpRequestError.ResponseEnded, false)]
    [TestCase(HttpRequestError.Unknown, true)]
    [TestCase(HttpRequestError.InvalidResponse, true)]
    [TestCase(HttpRequestError.HttpProtocolError, true)]
    [TestCase(HttpRequestError.ConfigurationLimitExceeded, true)]
    [TestCase(HttpRequestError.ProxyTunnelError, true)]
    public void A_failure_after_something_was_read_may_quote_it(HttpRequestError error, bool mayQuote)
    {
        HttpRequestException plain = new(error, "a text of .NET");
        HttpIOException read = new(error, "a text of .NET");

        Assert.That(NetworkFailure.MayQuote(plain), Is.EqualTo(mayQuote));
        Assert.That(NetworkFailure.MayQuote(read), Is.EqualTo(mayQuote));
        Assert.That(NetworkFailure.MayQuote(new HttpRequestException("sending failed", read)), Is.EqualTo(mayQuote));
        Assert.That(NetworkFailure.MayQuote(new IOException("reading failed", plain)), Is.EqualTo(mayQuote));
    }

    [Test]
    public void A_failure_of_a_kind_that_is_not_known_may_quote_anything()
    {
        Assert.That(NetworkFailure.MayQuote(new HttpRequestException("sending failed", new FormatException("quoted"))), Is.True);
        Assert.That(NetworkFailure.MayQuote(new HttpRequestException("sending failed", new SocketException())), Is.False);
        Assert.That(NetworkFailure.MayQuote(new TaskCanceledException("", new TimeoutException())), Is.False);
    }

    [Test]
    public void The_password_of_a_proxy_is_in_no_exception()
    {
        HttpRequestException error = new(
            HttpRequestError.ProxyTunnelError, "The proxy tunnel request to proxy 'http://user:S3cret@proxy.example:3128/' failed.");

        var key = KmsKeyArn.Parse("arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab");
        var translated = AwsErrors.Translate(error, key, "kms:Encrypt", sessionAction: null);

        Assert.That(translated.ToString(), Does.Not.Contain("S3cret"));
        Assert.That(translated.InnerException, Is.Null);
    }
}
