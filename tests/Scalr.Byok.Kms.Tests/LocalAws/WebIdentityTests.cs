using System.Security.Cryptography;
using Amazon.Runtime;
using Amazon.SecurityToken.Model;
using LocalAws;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using NUnit.Framework.Constraints;
using static Scalr.Byok.Kms.Tests.LocalAwsTests.LocalAwsFixture;

namespace Scalr.Byok.Kms.Tests.LocalAwsTests;

public sealed class WebIdentityTests
{
    private const string Scalr = "https://scalr.io";
    private const string Audience = "scalr_kms";
    private const string Subject = "account:acme";

    [Test]
    public async Task A_token_of_the_trusted_issuer_opens_a_session()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        await using var issuer = await RegisterAsync(aws);
        var key = aws.Account.CreateKey(East1);

        var answer = await AssumeAsync(aws, issuer.CreateToken(Audience, Subject));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => aws.EncryptAsync(key, credentials: Of(answer.Credentials)), Throws.Nothing);
            Assert.That(answer.AssumedRoleUser.Arn, Is.EqualTo("arn:aws:sts::111122223333:assumed-role/oidc/scalr"));
            Assert.That(answer.SubjectFromWebIdentityToken, Is.EqualTo(Subject));
            Assert.That(answer.Audience, Is.EqualTo(Audience));
            Assert.That(answer.Provider, Is.EqualTo("arn:aws:iam::111122223333:oidc-provider/scalr.io"));
        }
    }

    [Test]
    public async Task An_issuer_can_be_its_own_loopback_address()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        await using var issuer = await LocalIssuer.StartAsync(time: aws.Time);
        aws.Account.CreateOidcProvider(issuer.Issuer, [Audience]);
        aws.Account.CreateRole("oidc", TrustPolicies.WebIdentity(aws.Account.Id, Audience, "account:*", issuer.Issuer["http://".Length..]));

        Assert.That(() => AssumeAsync(aws, issuer.CreateToken(Audience, Subject)), Throws.Nothing);
    }

    [Test]
    public async Task A_token_expires_by_the_server_s_clock()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        await using var issuer = await RegisterAsync(aws);
        var token = issuer.CreateToken(Audience, Subject);

        aws.Time.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromSeconds(2));
        Assert.That(() => AssumeAsync(aws, token), Throws.Nothing);
        aws.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.That(() => AssumeAsync(aws, token), Refused("ExpiredTokenException"));
        Assert.That(
            () => AssumeAsync(aws, issuer.CreateToken(Audience, Subject, TimeSpan.FromMinutes(-1))), Refused("ExpiredTokenException"));
    }

    [Test]
    public async Task A_token_that_is_not_what_it_claims_is_invalid()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        await using var issuer = await RegisterAsync(aws);
        await using var stranger = await LocalIssuer.StartAsync("https://example.com", aws.Time);
        await using var impostor = await LocalIssuer.StartAsync(Scalr, aws.Time);
        var parts = issuer.CreateToken(Audience, Subject).Split('.');
        var otherPayload = issuer.CreateToken(Audience, "account:other").Split('.')[1];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => AssumeAsync(aws, issuer.CreateToken(Audience, Subject, wrongSignature: true)), Invalid("signature"));
            Assert.That(() => AssumeAsync(aws, impostor.CreateToken(Audience, Subject)), Invalid("signature"));
            Assert.That(() => AssumeAsync(aws, $"{parts[0]}.{otherPayload}.{parts[2]}"), Invalid("signature"));
            Assert.That(() => AssumeAsync(aws, Unsigned(aws)), Invalid("signature"));
            Assert.That(() => AssumeAsync(aws, SignedWithASecret(aws)), Invalid("signature"));
            Assert.That(
                () => AssumeAsync(aws, stranger.CreateToken(Audience, Subject)),
                Invalid("No OpenIDConnect provider found in your account for "));
            Assert.That(() => AssumeAsync(aws, issuer.CreateToken("another", Subject)), Invalid("audience"));
            Assert.That(() => AssumeAsync(aws, "nonsense"), Invalid("not a JSON Web Token"));
            Assert.That(() => AssumeAsync(aws, "a.b.c"), Invalid("not a JSON Web Token"));
        }
    }

    [Test]
    public async Task A_trust_policy_that_wants_another_subject_or_audience_denies()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        await using var issuer = await RegisterAsync(aws);
        aws.Account.CreateOidcProvider(Scalr, [Audience, "second"], issuer.Address);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => AssumeAsync(aws, issuer.CreateToken(Audience, "account:other")), Refused("AccessDenied"));
            Assert.That(() => AssumeAsync(aws, issuer.CreateToken("second", Subject)), Refused("AccessDenied"));
            Assert.That(
                () => AssumeAsync(aws, issuer.CreateToken(Audience, Subject), "arn:aws:iam::111122223333:role/missing"),
                Refused("AccessDenied"));
        }
    }

    [Test]
    public async Task An_issuer_that_is_down_is_a_communication_error()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var issuer = await RegisterAsync(aws);
        var token = issuer.CreateToken(Audience, Subject);
        Assert.That(() => AssumeAsync(aws, token), Throws.Nothing);

        await issuer.DisposeAsync();

        Assert.That(() => AssumeAsync(aws, token), Refused("IDPCommunicationError"));
    }

    [Test]
    public async Task An_issuer_whose_document_names_another_is_not_believed()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        await using var issuer = await RegisterAsync(aws);
        await using var other = await LocalIssuer.StartAsync("https://example.com", aws.Time);
        aws.Account.CreateOidcProvider(Scalr, [Audience], other.Address);

        Assert.That(() => AssumeAsync(aws, issuer.CreateToken(Audience, Subject)), Invalid("another issuer"));
    }

    [Test]
    public async Task An_issuer_beyond_loopback_is_never_asked()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        await using var issuer = await RegisterAsync(aws);
        aws.Account.CreateOidcProvider(Scalr, [Audience]);

        Assert.That(() => aws.Account.CreateOidcProvider(Scalr, [Audience], new Uri("http://192.0.2.1/")), Throws.ArgumentException);
        Assert.That(() => AssumeAsync(aws, issuer.CreateToken(Audience, Subject)), Refused("IDPCommunicationError"));
    }

    private static async Task<LocalIssuer> RegisterAsync(LocalAwsFixture aws)
    {
        var issuer = await LocalIssuer.StartAsync(Scalr, aws.Time);
        aws.Account.CreateOidcProvider(Scalr, [Audience], issuer.Address);
        aws.Account.CreateRole("oidc", TrustPolicies.WebIdentity(aws.Account.Id, Audience, Subject), Allow("kms:Encrypt", "*"));
        return issuer;
    }

    private static async Task<AssumeRoleWithWebIdentityResponse> AssumeAsync(
        LocalAwsFixture aws, string token, string roleArn = "arn:aws:iam::111122223333:role/oidc")
    {
        using var sts = aws.Sts(new AnonymousAWSCredentials());
        return await sts.AssumeRoleWithWebIdentityAsync(new() { RoleArn = roleArn, RoleSessionName = "scalr", WebIdentityToken = token });
    }

    private static ContainsConstraint Invalid(string about) =>
        Throws.InstanceOf<InvalidIdentityTokenException>().With.Message.Contains(about);

    private static string Unsigned(LocalAwsFixture aws) => new JsonWebTokenHandler().CreateToken(Descriptor(aws));

    private static string SignedWithASecret(LocalAwsFixture aws)
    {
        var descriptor = Descriptor(aws);
        descriptor.SigningCredentials = new SigningCredentials(
            new SymmetricSecurityKey(RandomNumberGenerator.GetBytes(32)), SecurityAlgorithms.HmacSha256);
        return new JsonWebTokenHandler().CreateToken(descriptor);
    }

    private static SecurityTokenDescriptor Descriptor(LocalAwsFixture aws) => new()
    {
        Issuer = Scalr,
        Audience = Audience,
        Claims = new Dictionary<string, object> { ["sub"] = Subject },
        Expires = aws.Time.GetUtcNow().UtcDateTime.AddMinutes(5),
    };
}
