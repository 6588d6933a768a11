using System.Text.RegularExpressions;
using Scalr.Byok.Kms.Settings;
using Scalr.Byok.Kms.Tests.KeyRing;
using Scalr.Byok.Kms.Tests.Settings;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Credentials;

/// <summary>The session names that customers see in CloudTrail.</summary>
internal sealed partial class SessionNameTests
{
    private const string Template = "Scalr.Byok.Kms-{tenant}";

    [TestCase(Template, "acme", "Scalr.Byok.Kms-acme")]
    [TestCase(Template, "A_b+c=d.e@f-9", "Scalr.Byok.Kms-A_b+c=d.e@f-9")]
    [TestCase(Template, null, "Scalr.Byok.Kms-")]
    [TestCase(Template, "acme corp", "Scalr.Byok.Kms-acme-corp,0e2dc44d1a4d2f1e")]
    [TestCase(Template, "acme-corp", "Scalr.Byok.Kms-acme-corp")]
    [TestCase("{tenant}@my host", "acme", "acme@my-host")]
    [TestCase("{tenant}", "ab", "ab")]
    [TestCase("{tenant}", null, ",,")]
    [TestCase("no placeholder", "acme", "no-placeholder")]
    public void A_session_name_has_the_tenant_in_it(string template, string? tenant, string expected)
    {
        var name = SessionNames.For(template, tenant);

        Assert.That(HashDigits().Replace(name, ",(hash)"), Is.EqualTo(HashDigits().Replace(expected, ",(hash)")));
    }

    [TestCase("{tenant}")]
    [TestCase(Template)]
    [TestCase("{tenant}-of-the-host-that-has-a-name-of-45-letters")]
    public void Different_tenants_have_different_valid_names(string template)
    {
        string[] tenants =
        [
            "a",
            "-",
            "--",
            ",",
            ",,",
            "ab",
            "a b",
            "a-b",
            "a\tb",
            "a,b",
            "acme",
            "ACME",
            "Acme",
            "acme ",
            " acme",
            "acme-",
            "ac\u00adme",
            "Zo\u00eb",
            "Zo\u00e9",
            "\u9375",
            "\U0001F511", "\U0001F512", new(
                'a', 64), new('a', 65), new string('a', 64) + "b", new string('a', 64) + "c", new('b', 1000), "{tenant}",
        ];
        string?[] all =
            [null, .. tenants, .. tenants.Where(tenant => tenant.Length <= 64).Select(tenant => SessionNames.For("{tenant}", tenant))];

        var names = all.Distinct().Select(tenant => SessionNames.For(template, tenant)).ToList();

        Assert.That(SessionNames.Complain(template), Is.Null);
        Assert.That(names, Is.Unique);
        Assert.That(names, Is.All.Match("^[A-Za-z0-9_+=,.@-]{2,64}$"));
    }

    [TestCase("{Tenant}", "RoleSessionName has a brace that does not belong to {tenant}, which is the only placeholder.")]
    [TestCase("x-{region}-{tenant}", "RoleSessionName has a brace that does not belong to {tenant}, which is the only placeholder.")]
    [TestCase("{tenant", "RoleSessionName has a brace that does not belong to {tenant}, which is the only placeholder.")]
    [TestCase("{tenant}{tenant}", "RoleSessionName has {tenant} more than once.")]
    [TestCase("{tenant}-of-the-host-that-has-a-name-of-47-characters", null)]
    [TestCase(
        "{tenant}-of-the-host-that-has-a-name-of-at-least-47-characters",
        "RoleSessionName leaves 10 of 64 characters for {tenant}, which needs 18; make the rest shorter.")]
    public void The_option_is_validated(string template, string? error)
    {
        var (_, errors) = Validated.Options(services => services.AddScalrByok(options => options.RoleSessionName = template));

        Assert.That(errors, Is.EqualTo(error is null ? [] : new[] { error }));
    }

    [Test]
    public async Task CloudTrail_shows_for_whom_a_call_was_made([Values("AssumeRole", "Oidc")] string type)
    {
        await using var world = await ByokWorld.StartAsync();
        var host = new TenantHost(world, options => options.RoleSessionName = Template);
        host.Store["acme"] = host.Store["Acme Corp"] = world.Settings(type);

        await (await host.GetAsync("acme")).EncryptAsync(new byte[1]);
        await (await host.GetAsync("Acme Corp")).EncryptAsync(new byte[1]);

        var principals = world.Aws.Log.Requests.Where(request => request.Operation == "Encrypt")
            .Select(request => request.Principal).ToList();
        Assert.That(principals[0], Does.EndWith("/Scalr.Byok.Kms-acme"));
        Assert.That(principals[1], Does.Match("/Scalr\\.Byok\\.Kms-Acme-Corp,[0-9a-f]{16}$"));
    }

    [GeneratedRegex(",[0-9a-f]{16}")]
    private static partial Regex HashDigits();
}
