using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Credentials;

/// <summary>Delegates for tokens, as hosts write them. That each of them compiles is half of the test.</summary>
internal sealed class TokenDelegateTests
{
    private ByokWorld _world = null!;

    [SetUp]
    public async Task SetUpAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task TearDownAsync() => await _world.DisposeAsync();

    [Test]
    public Task An_async_lambda_is_not_ambiguous() =>
        AssertServesAsync(builder => builder.AddOidcTokens(async (request, cancellationToken) =>
        {
            await Task.Yield();
            return Token(request);
        }));

    [Test]
    public Task Two_async_lambdas_are_not_ambiguous() => AssertServesAsync(
        builder => builder.AddOidcTokens(
            async (request, cancellationToken) => await TokenAsync(request, cancellationToken),
            async (request, cancellationToken) => await OtherTokenAsync(request, cancellationToken)),
        asksStranger: true);

    [Test]
    public Task A_lambda_that_returns_a_task() =>
        AssertServesAsync(builder => builder.AddOidcTokens((request, cancellationToken) => TokenAsync(request, cancellationToken)));

    [Test]
    public Task Lambdas_that_return_tasks() => AssertServesAsync(
        builder => builder.AddOidcTokens(
            (request, cancellationToken) => TokenAsync(request, cancellationToken),
            (request, cancellationToken) => OtherTokenAsync(request, cancellationToken)),
        asksStranger: true);

    [Test]
    public Task A_lambda_that_returns_a_value_task() =>
        AssertServesAsync(builder => builder.AddOidcTokens((request, cancellationToken) => TokenValueAsync(request, cancellationToken)));

    [Test]
    public Task Methods_that_return_tasks() =>
        AssertServesAsync(
            builder => builder.AddOidcTokens(TokenAsync, OtherTokenAsync, subject: _ => ByokWorld.Subject), asksStranger: true);

    [Test]
    public Task A_method_that_returns_a_value_task() => AssertServesAsync(builder => builder.AddOidcTokens(TokenValueAsync));

    [Test]
    public void A_delegate_that_is_missing_is_refused()
    {
        Func<OidcTokenRequest, CancellationToken, Task<string>> none = null!;

        Assert.That(
            Assert.Throws<ArgumentNullException>(() => new ServiceCollection().AddScalrByok().AddOidcTokens(none))!.ParamName,
            Is.EqualTo("getToken"));
        Assert.That(
            Assert.Throws<ArgumentNullException>(() => ((IByokBuilder)null!).AddOidcTokens(TokenAsync))!.ParamName, Is.EqualTo("builder"));
    }

    private async Task AssertServesAsync(Action<IByokBuilder> addTokens, bool asksStranger = false)
    {
        var services = _world.Services();
        addTokens(services.AddScalrByok());
        services.AddScalrByok()
            .AddKeyRing(settings => (settings.KeyArn, settings.Credentials) = (_world.Key.Arn, _world.Settings("Oidc").Credentials));
        var provider = _world.Build(services);
        var ring = provider.GetRequiredService<IByokKeyRing>();

        Assert.That(await ring.DecryptTextAsync(await ring.EncryptTextAsync("abc")), Is.EqualTo("abc"));

        var tokens = provider.GetRequiredService<IOidcTokenProvider>();
        Assert.That(
            await tokens.GetUnrelatedSubjectTokenAsync(new() { Audience = "a", RoleArn = "r", KeyArn = default }, default),
            Is.EqualTo(asksStranger ? "other" : null));
    }

    private string Token(OidcTokenRequest request) => _world.Token(request.Audience, ByokWorld.Subject);

    private Task<string> TokenAsync(OidcTokenRequest request, CancellationToken cancellationToken) => Task.FromResult(Token(request));

    private ValueTask<string> TokenValueAsync(OidcTokenRequest request, CancellationToken cancellationToken) => new(Token(request));

    private static Task<string?> OtherTokenAsync(OidcTokenRequest request, CancellationToken cancellationToken) =>
        Task.FromResult<string?>("other");
}
