using System.Globalization;
using LocalAws;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>A customer who follows the instructions of the page in an AWS account of LocalAws.</summary>
internal sealed class Customer(WebHostWorld world, string tenant, Browser browser, string accountId)
{
    private static long _accounts;

    private readonly LocalAccount _account = world.Aws.Account(accountId);
    private int _number;

    public string Tenant { get; } = tenant;

    public Browser Browser { get; private set; } = browser;

    public LocalKey Key { get; private set; } = null!;

    public LocalUser User { get; private set; } = null!;

    public LocalRole? Role { get; private set; }

    public static async Task<Customer> SignInAsync(WebHostWorld world, string tenant = "acme", string accountId = "111122223333") =>
        new(world, tenant, await world.SignInAsync(tenant), accountId);

    /// <summary>A customer with an account of its own, in a host that other tests use too.</summary>
    public static async Task<Customer> AddAsync(WebHostWorld world)
    {
        var awsAccount = 100_000_000_000 + Interlocked.Increment(ref _accounts);
        return await SignInAsync(world, await world.AddAccountAsync(), awsAccount.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Signs in to a host that was started again.</summary>
    public async Task SignInAgainAsync() => Browser = await world.SignInAsync(Tenant);

    /// <summary>Sets up the key and the credentials as the page says, and tests the connection.</summary>
    /// <returns>The page after the test.</returns>
    public async Task<Browser.Answer> TestAsync(string purpose, string type, bool newKey = true)
    {
        Key = newKey ? _account.CreateKey("us-east-1", multiRegion: true) : Key;
        var page = $"/Encryption/Setup?purpose={purpose}&type={type}&keyArn={Uri.EscapeDataString(Key.Arn)}";
        var steps = await Browser.GetAsync(page);
        var name = $"byok-{++_number}";
        var fields = new List<(string, string?)> { ("Purpose", purpose), ("Type", type), ("KeyArn", Key.Arn) };
        if (type == ByokCredentialSettings.AccessKeysType)
        {
            User = _account.CreateUser(name, steps.TextOf("policy-permissions"));
            var accessKey = User.CreateAccessKey();
            fields.AddRange([("AccessKeyId", accessKey.AccessKeyId), ("SecretAccessKey", accessKey.SecretAccessKey)]);
        }
        else
        {
            if (type == ByokCredentialSettings.OidcType)
            {
                _account.CreateOidcProvider(steps.TextOf("provider-url"), [steps.TextOf("provider-audience")], world.Address);
                fields.Add(("Audience", steps.TextOf("provider-audience")));
            }

            Role = _account.CreateRole(name, steps.TextOf("policy-trust"), steps.TextOf("policy-permissions"));
            fields.Add(("RoleArn", Role.Arn));
        }

        return await Browser.PostAsync(page, "/Encryption/Setup?handler=Test", [.. fields, ("Version", steps.ValueOf("Version"))]);
    }

    public Task<Browser.Answer> ActivateAsync(string purpose, Browser.Answer tested) => Browser.PostAsync(
        "/Encryption",
        "/Encryption/Setup?handler=Activate",
        ("Purpose", purpose),
        ("Version", tested.ValueOf("Version")),
        ("draft", tested.ValueOf("draft")));

    /// <summary>Makes a change and waits until the data has moved.</summary>
    public async Task MoveAsync(string purpose, string type = ByokCredentialSettings.AccessKeysType)
    {
        var tested = await TestAsync(purpose, type);
        Assert.That(tested.ValueOf("draft"), Is.Not.Empty, tested.Text);
        await ActivateAsync(purpose, tested);
        await UntilAsync(tested, 2);
    }

    /// <summary>Waits for a number of changes of the account after a page was shown.</summary>
    public Task UntilAsync(Browser.Answer shown, int changes)
    {
        var version = long.Parse(shown.ValueOf("Version"), CultureInfo.InvariantCulture) + changes;
        return Browser.UntilAsync(state => (long)state["version"]! >= version);
    }
}
