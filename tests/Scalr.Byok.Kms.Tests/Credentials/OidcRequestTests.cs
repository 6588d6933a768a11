using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Scalr.Byok.Kms.Tests.KeyRing;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Credentials;

/// <summary>What the host's issuer is asked for, and which tokens and subjects the library refuses before anything is sent.</summary>
internal sealed class OidcRequestTests
{
    private readonly List<OidcTokenRequest> _asked = [];

    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _world.GetToken = Answer;
        _asked.Clear();
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task The_request_says_for_whom_and_for_what([Values("tenant", "ring", "unnamed ring")] string kind)
    {
        var host = new TenantHost(_world, with: builder => builder.AddKeyRing("payments", Oidc).AddKeyRing(Oidc));
        host.Store["acme"] = _world.Settings("Oidc");
        var (ring, tenant) = kind switch
        {
            "tenant" => (await host.GetAsync("acme"), "acme"),
            "ring" => (host.Services.GetRequiredKeyedService<IByokKeyRing>("payments"), "payments"),
            _ => (host.Services.GetRequiredService<IByokKeyRing>(), null),
        };

        await ring.EncryptAsync(new byte[1]);

        var request = _asked.Single();
        Assert.That((request.Tenant, request.Subject), Is.EqualTo((tenant, tenant is null ? null : $"account:{tenant}")));
        Assert.That(
            (request.Audience, request.RoleArn, request.KeyArn.ToString()),
            Is.EqualTo((ByokWorld.Audience, _world.OidcRole.Arn, _world.Key.Arn)));
        Assert.That(request.ToString(), Is.EqualTo($"{tenant ?? "(no tenant)"}: {_world.OidcRole.Arn}, {_world.Key.Arn}"));
    }

    [Test]
    public async Task The_request_of_a_verification_names_the_tenant()
    {
        var host = new TenantHost(_world);

        var verification = await host.Services.GetRequiredService<IByokVerifier>().VerifyAsync(_world.Settings("Oidc"), "acme");

        Assert.That(verification.Succeeded, Is.True, verification.ToString());
        Assert.That(_asked.Select(request => (request.Tenant, request.Subject)), Is.All.EqualTo(("acme", "account:acme")));
    }

    [Test]
    public async Task The_request_has_the_canonical_name_of_the_tenant()
    {
        var host = new TenantHost(_world, with: builder => builder.AddTenantKeyRings<TenantStore>(StringComparer.OrdinalIgnoreCase));
        host.Store["acme"] = _world.Settings("Oidc");

        await (await host.GetAsync("ACME")).EncryptAsync(new byte[1]);

        Assert.That(_asked.Single().Subject, Is.EqualTo("account:acme"));
    }

    [Test]
    public async Task A_mapping_of_the_host_gives_the_subjects()
    {
        var host = new TenantHost(_world, with: builder => builder.AddOidcTokens(Answer, subject: tenant => $"account:mapped-{tenant}"));
        host.Store["acme"] = _world.Settings("Oidc");
        _world.OidcRole.TrustPolicy = ByokPolicies.OidcTrustForSubject(
            ByokWorld.CustomerAccount, ByokWorld.Audience, "account:mapped-acme", "scalr.io");

        await (await host.GetAsync("acme")).EncryptAsync(new byte[1]);

        Assert.That(_asked.Single().Subject, Is.EqualTo("account:mapped-acme"));
    }

    [Test]
    public async Task A_token_of_another_subject_than_the_requested_is_not_sent()
    {
        var host = new TenantHost(_world);
        host.Store["umbrella"] = _world.Settings("Oidc");
        _world.GetToken = (request, _) => new(_world.Token(request.Audience, "account:acme")); // an issuer that does not look at the tenant

        var thrown = await FailedAsync(await host.GetAsync("umbrella"));

        Assert.That(thrown.Message, Is.EqualTo(
            "The host's OIDC token provider returned a token whose sub is not the Subject of the request. If the sub is not "
            + "\"account:\" and the tenant, "
            + "give AddOidcTokens a subject mapping. Nothing was sent to AWS; the host's operator should check the provider."));
    }

    [TestCase("acme*")]
    [TestCase("acm?")]
    [TestCase("${aws:username}")]
    [TestCase("a\nb")]
    [TestCase("long")]
    public async Task A_tenant_whose_subject_no_trust_policy_can_name_gets_no_token(string tenant)
    {
        tenant = tenant == "long" ? new string('a', 248) : tenant;
        var host = new TenantHost(_world);
        host.Store[tenant] = _world.Settings("Oidc");

        var thrown = await FailedAsync(await host.GetAsync(tenant));

        Assert.That(thrown.Message, Does.Contain("no trust policy can safely name this tenant's subject").And.Not.Contain(tenant));
        Assert.That(_asked, Is.Empty);
    }

    [Test]
    public async Task Two_tenants_with_one_subject_both_get_no_token()
    {
        var host = new TenantHost(
            _world, with: builder => builder.AddOidcTokens(Answer, subject: tenant => "account:" + tenant.ToUpperInvariant()));
        host.Store["acme"] = host.Store["Acme"] = host.Store["umbrella"] = _world.Settings("Oidc");
        await (await host.GetAsync("acme")).EncryptAsync(new byte[1]);

        var thrown = await FailedAsync(await host.GetAsync("Acme"), sent: 1);
        host.Rings.Invalidate("acme");
        await FailedAsync(await host.GetAsync("acme"), sent: 1);

        Assert.That(
            thrown.Message,
            Does.Contain("the subject mapping gives this tenant's subject to another tenant as well").And.Not.Contain("acme").IgnoreCase);
        Assert.That(await (await host.GetAsync("umbrella")).EncryptAsync(new byte[1]), Is.Not.Empty);
    }

    [Test]
    public async Task A_tenant_with_the_name_of_a_ring_gets_no_token([Values] bool isMapped)
    {
        var host = new TenantHost(_world, with: builder =>
        {
            builder.AddKeyRing("payments", Oidc);
            if (isMapped)
            {
                builder.AddOidcTokens(Answer, subject: name => "account:" + name.ToUpperInvariant());
            }
        });
        var tenant = isMapped ? "Payments" : "payments";
        host.Store[tenant] = _world.Settings("Oidc");

        await FailedAsync(await host.GetAsync(tenant));
        var verification = await host.Services.GetRequiredService<IByokVerifier>().VerifyAsync(_world.Settings("Oidc"), tenant);

        Assert.That(verification.Succeeded, Is.False);
        Assert.That(_asked, Is.Empty);
        Assert.That(
            await host.Services.GetRequiredKeyedService<IByokKeyRing>("payments").EncryptAsync(new byte[1]),
            Is.Not.Empty,
            "the ring is the operator's");
    }

    [Test]
    public async Task The_issuer_chooses_the_subject_of_a_ring_of_AddKeyRing()
    {
        _world.GetToken = (request, _) => new(_world.Token(request.Audience, "account:acme"));
        var host = new TenantHost(_world, with: builder => builder.AddKeyRing("payments", Oidc));

        await host.Services.GetRequiredKeyedService<IByokKeyRing>("payments").EncryptAsync(new byte[1]);

        Assert.That(_world.Aws.Log.Count("AssumeRoleWithWebIdentity"), Is.EqualTo(1));
    }

    [Test]
    public async Task Rings_of_AddKeyRing_can_share_a_subject()
    {
        var host = new TenantHost(_world, with: builder =>
            builder.AddKeyRing("one", Oidc).AddKeyRing("two", Oidc).AddOidcTokens(Answer, subject: _ => "account:operator"));

        foreach (var name in (string[])["one", "two", "one"])
        {
            await host.Services.GetRequiredKeyedService<IByokKeyRing>(name).EncryptAsync(new byte[1]);
        }

        Assert.That(_asked.Select(request => request.Subject), Is.All.EqualTo("account:operator"));
    }

    [Test]
    public async Task An_issuer_that_does_not_answer_is_the_hosts_fault([Values] bool obeys, [Values] bool probes)
    {
        var hold = new Hold();
        _world.GetToken = async (_, token) =>
        {
            await (obeys ? hold.ObeyAsync(token) : hold.IgnoreAsync(token));
            return "too late";
        };
        var ring = _world.Ring("Oidc");
        const string Message = "The host's OIDC token provider did not finish within 2 s. Nothing was sent to AWS; the host's operator "
            + "should check the provider.";
        if (probes)
        {
            var probing = ring.ProbeAsync();
            await hold.Reached;
            _world.Time.Advance(TimeSpan.FromSeconds(2));
            var health = await probing;

            Assert.That((health.Status, health.Reason), Is.EqualTo((HealthStatus.Unhealthy, default(ByokKeyUnavailableReason?))));
            var finding = health.Findings.Single();
            Assert.That(
                (finding.Code, finding.Owner, finding.Message),
                Is.EqualTo((ByokKeyFindingCode.HostAtFault, ByokKeyFindingOwner.Host, Message)));
        }
        else
        {
            var encrypting = ring.EncryptAsync(new byte[1]).AsTask();
            await hold.Reached;
            _world.Time.Advance(TimeSpan.FromSeconds(2));
            var thrown = await Assert.ThrowsAsync<ByokServiceException>(() => encrypting);

            Assert.That((thrown!.Message, thrown.IsTransient), Is.EqualTo((Message, true)));
        }

        hold.Release();
        Assert.That(_world.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task An_issuer_that_does_not_answer_fails_the_calls_that_came_later_too()
    {
        var hold = new Hold();
        _world.GetToken = async (_, token) =>
        {
            await hold.ObeyAsync(token);
            return "too late";
        };
        var ring = _world.Ring("Oidc");
        var first = ring.EncryptAsync(new byte[1]).AsTask();
        await hold.Reached;
        _world.Time.Advance(TimeSpan.FromSeconds(1));
        var later = ring.EncryptAsync(new byte[1]).AsTask(); // waits for the same token

        _world.Time.Advance(TimeSpan.FromSeconds(1));

        foreach (var call in (Task[])[first, later])
        {
            var thrown = await Assert.ThrowsAsync<ByokServiceException>(() => call);
            Assert.That(thrown!.Message, Does.StartWith("The host's OIDC token provider did not finish within 2 s."));
            Assert.That(thrown.IsTransient, Is.True);
        }
    }

    [Test]
    public async Task A_mapping_that_throws_is_the_hosts_fault()
    {
        var host = new TenantHost(
            _world, with: builder => builder.AddOidcTokens(Answer, subject: _ => throw new KeyNotFoundException("secret")));
        host.Store["acme"] = _world.Settings("Oidc");

        var thrown = await FailedAsync(await host.GetAsync("acme"));

        Assert.That(thrown.ToString(), Does.Contain("the subject mapping threw KeyNotFoundException").And.Not.Contain("secret"));
    }

    private ValueTask<string> Answer(OidcTokenRequest request, CancellationToken cancellationToken)
    {
        _asked.Add(request);
        return new(_world.Token(request.Audience, request.Subject ?? ByokWorld.Subject));
    }

    private void Oidc(ByokKeySettings settings) =>
        (settings.KeyArn, settings.Credentials) = (_world.Key.Arn, _world.Settings("Oidc").Credentials);

    /// <summary>The host is at fault, nothing is sent, and health says so.</summary>
    private async Task<ByokServiceException> FailedAsync(IByokKeyRing ring, int sent = 0)
    {
        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[1]));

        Assert.That(thrown!.IsTransient, Is.False);
        Assert.That(_world.Aws.Log.Count("AssumeRoleWithWebIdentity"), Is.EqualTo(sent));
        var finding = (await ring.ProbeAsync()).Findings[0];
        Assert.That((finding.Code, finding.Owner), Is.EqualTo((ByokKeyFindingCode.HostAtFault, ByokKeyFindingOwner.Host)));
        return thrown;
    }
}
