using System.Buffers.Text;
using System.Text;
using CsCheck;
using Scalr.Byok.Kms.Credentials;

namespace Scalr.Byok.Kms.Tests.Credentials;

/// <summary>Reading what the host's own token says, to write the trust policy that admits it; whatever the provider returned.</summary>
internal sealed class OidcClaimsTests
{
    private const string Role = "arn:aws-us-gov:iam::111122223333:role/path/scalr";

    [Test]
    public void Issuer_and_subject_of_a_token_are_read()
    {
        Assert.That(
            Read("""{"sub":"account:acme","aud":["a","b"],"iss":"https://scalr.io","exp":1}"""),
            Is.EqualTo(new OidcClaims("https://scalr.io", "account:acme")));
        Assert.That(
            Read("""{"iss":"https://x.io/\u0070ath","sub":"Größe 😀"}"""), Is.EqualTo(new OidcClaims("https://x.io/path", "Größe 😀")));
    }

    [TestCase("""{"iss":"http://scalr.io","sub":"a"}""", TestName = "Reading_refuses an issuer without TLS")]
    [TestCase("""{"iss":"scalr.io","sub":"a"}""", TestName = "Reading_refuses an issuer without a scheme")]
    [TestCase("""{"iss":"HTTPS://scalr.io","sub":"a"}""", TestName = "Reading_refuses an issuer that shouts")]
    [TestCase("""{"iss":"https:/scalr.io","sub":"a"}""", TestName = "Reading_refuses an issuer that lacks a slash")]
    [TestCase("""{"iss":" https://scalr.io","sub":"a"}""", TestName = "Reading_refuses an issuer behind white space")]
    [TestCase("""{"iss":"ftp://scalr.io","sub":"a"}""", TestName = "Reading_refuses an issuer of another scheme")]
    [TestCase("""{"iss":"https://scalr.io"}""", TestName = "Reading_refuses a token without a subject")]
    [TestCase("""{"sub":"a"}""", TestName = "Reading_refuses a token without an issuer")]
    [TestCase("""{"iss":"https://scalr.io","sub":7}""", TestName = "Reading_refuses a subject that is a number")]
    [TestCase("""{"iss":["https://scalr.io"],"sub":"a"}""", TestName = "Reading_refuses an issuer that is a list")]
    [TestCase("""{"iss":null,"sub":null}""", TestName = "Reading_refuses nulls")]
    [TestCase("""{"iss":"https://scalr.io","sub":"\ud800"}""", TestName = "Reading_refuses half a surrogate pair")]
    [TestCase("""["iss","sub"]""", TestName = "Reading_refuses a list")]
    [TestCase("\"iss\"", TestName = "Reading_refuses a text")]
    [TestCase("null", TestName = "Reading_refuses null")]
    [TestCase("""{"iss":"https://scalr.io","sub":"a"} x""", TestName = "Reading_refuses what follows")]
    [TestCase("", TestName = "Reading_refuses an empty payload")]
    public void Reading_refuses(string payload) => Assert.That(Read(payload), Is.Null);

    [TestCase("")]
    [TestCase(".")]
    [TestCase("..")]
    [TestCase("a.b")]
    [TestCase("a.b.c")]
    [TestCase("a.!!!!.c")]
    [TestCase("a.e30.c")]
    [TestCase("a.eyJhIjoxfQ==.c")]
    [TestCase("a.b.c.d.e")]
    [TestCase("not-a-token")]
    public void Garbage_is_no_token(string token)
    {
        Assert.That(OidcClaims.TryRead(token, out var claims), Is.False);
        Assert.That(claims, Is.Null);
    }

    [Test]
    public void Payload_bytes_that_are_no_text_are_no_token()
    {
        var bytes = Encoding.Latin1.GetBytes("{\"iss\":\"https://scalr.io\",\"sub\":\"\xff\xfe\"}");
        Assert.That(OidcClaims.TryRead($"h.{Base64Url.EncodeToString(bytes)}.s", out _), Is.False);
        Assert.That(Read(new string('[', 10_000)), Is.Null);
    }

    [Test]
    [Category("Slow")]
    public void Reading_never_throws_whatever_the_provider_returned()
    {
        Gen.String.Sample(token => Consistent(token), iter: 20_000);
        Gen.Select(Gen.String, Gen.String, Gen.String).Sample((a, b, c) => Consistent($"{a}.{b}.{c}"), iter: 20_000);
        Gen.Byte.Array[0, 60].Sample(bytes => Consistent($"h.{Base64Url.EncodeToString(bytes)}.s"), iter: 20_000);
        var good = Encoding.UTF8.GetBytes("""{"iss":"https://scalr.io","sub":"account:acme","aud":"\u0061"}""");
        Gen.Select(Gen.Int[0, good.Length - 1], Gen.Byte).Array[1, 4].Sample(
            changes =>
            {
                var bytes = (byte[])good.Clone();
                foreach (var (at, value) in changes)
                {
                    bytes[at] = value;
                }

                return Consistent($"h.{Base64Url.EncodeToString(bytes)}.s");
            },
            iter: 50_000);
    }

    [Test]
    public void The_trust_policy_is_that_of_the_issuer_the_subject_the_audience_and_the_roles_account()
    {
        Assert.That(
            new OidcClaims("https://x.io/path", "account:acme").WriteTrustPolicy(Role, "aud"),
            Is.EqualTo(ByokPolicies.OidcTrust("111122223333", "aud", "acme", "x.io/path", "aws-us-gov")));
        Assert.That(
            new OidcClaims("https://x.io", "repo:acme/tools").WriteTrustPolicy(Role, "aud"),
            Does.Contain("\"x.io:sub\": \"repo:acme/tools\""));
    }

    [Test]
    public void A_slash_at_the_end_of_the_issuer_belongs_to_the_providers_name() =>
        Assert.That(
            new OidcClaims("https://acme.example.com/", "account:acme").WriteTrustPolicy(Role, "aud"),
            Does.Contain("oidc-provider/acme.example.com/\"").And.Contain("\"acme.example.com/:sub\""));

    [TestCase("https://scalr.io", "account:*")]
    [TestCase("https://scalr.io", "*")]
    [TestCase("https://scalr.io", "a?")]
    [TestCase("https://scalr.io", "${aws:username}")]
    [TestCase("https://scalr.io", "")]
    [TestCase("https://scalr.io", "a\nb")]
    [TestCase("https://scalr.io:8443", "account:acme")]
    [TestCase("https://scalr.io?x", "account:acme")]
    [TestCase("https://*.scalr.io", "account:acme")]
    [TestCase("https://", "account:acme")]
    public void No_trust_policy_is_written_where_it_would_say_something_else(string issuer, string subject) =>
        Assert.That(new OidcClaims(issuer, subject).WriteTrustPolicy(Role, "aud"), Is.Null);

    private static bool Consistent(string token) =>
        OidcClaims.TryRead(token, out var claims)
            ? claims!.Issuer.StartsWith("https://", StringComparison.Ordinal)
                && claims.WriteTrustPolicy(Role, "aud")?.Contains('*', StringComparison.Ordinal) != true
            : claims is null;

    private static OidcClaims? Read(string payload) =>
        OidcClaims.TryRead($"e30.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(payload))}.c2ln", out var claims) ? claims : null;
}
