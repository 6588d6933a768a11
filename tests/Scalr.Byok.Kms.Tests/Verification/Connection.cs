using System.Text.Json.Nodes;
using LocalAws;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokVerificationOutcome;
using Check = Scalr.Byok.Kms.ByokVerificationCheck;

namespace Scalr.Byok.Kms.Tests.Verification;

/// <summary>
/// A customer who has done all that the form asks: a multi-Region key with a replica, a previous key with a user of its own, and exactly
/// the policies of <see cref="ByokPolicies"/>. A test spoils something and presses the button "Test connection".
/// </summary>
internal sealed class Connection : IAsyncDisposable
{
    public const string ReplicaRegion = "us-east-2";
    public const string NotTried = "Not tried, because an earlier step failed.";

    private readonly string _type;

    private Connection(ByokWorld world, string type)
    {
        World = world;
        _type = type;
        ReplicaKey = world.Key.Replicate(ReplicaRegion);
        OldKey = world.Customer.CreateKey("us-west-2");
        OldUser = world.Customer.CreateUser("scalr-old", ByokPolicies.KeyPermissions(KmsKeyArn.Parse(OldKey.Arn)));
        var accessKey = OldUser.CreateAccessKey();
        world.Remember(accessKey.SecretAccessKey);
        OldCredentials = ByokCredentialSettings.AccessKeys(accessKey.AccessKeyId, accessKey.SecretAccessKey);
        world.GetUnrelatedSubjectToken = (request, _) => new(world.Token(request.Audience, "account:unknown"));
        world.AssumedRole.TrustPolicy = ByokPolicies.AssumeRoleTrust(ByokWorld.ExternalId, ByokWorld.HostAccount);
        world.OidcRole.TrustPolicy = ByokPolicies.OidcTrust(
            ByokWorld.CustomerAccount, ByokWorld.Audience, "acme", ByokPolicies.ScalrProviderHost);
        Permissions = GoodPermissions;
    }

    public ByokWorld World { get; }

    public LocalKey ReplicaKey { get; }

    public LocalKey OldKey { get; }

    public LocalUser OldUser { get; }

    public ByokCredentialSettings OldCredentials { get; }

    public bool HasRole => _type != ByokCredentialSettings.AccessKeysType;

    public bool IsOidc => _type == ByokCredentialSettings.OidcType;

    /// <summary>The STS operation, as AWS's log names it.</summary>
    public string Assume => IsOidc ? "AssumeRoleWithWebIdentity" : "AssumeRole";

    public LocalRole Role => IsOidc ? World.OidcRole : World.AssumedRole;

    public KmsKeyArn KeyArn => KmsKeyArn.Parse(World.Key.Arn);

    public string GoodPermissions => ByokPolicies.KeyPermissions(KeyArn, [ReplicaRegion]);

    public string GoodTrust => IsOidc
        ? ByokPolicies.OidcTrust(ByokWorld.CustomerAccount, ByokWorld.Audience, "acme", ByokPolicies.ScalrProviderHost)
        : ByokPolicies.AssumeRoleTrust(ByokWorld.ExternalId, ByokWorld.HostAccount);

    /// <summary>The permission policy of the user or the role.</summary>
    public string? Permissions
    {
        set
        {
            if (HasRole)
            {
                Role.Policy = value;
            }
            else
            {
                World.User.Policy = value;
            }
        }
    }

    /// <summary>The checks, in order.</summary>
    public Check[] Checks => [.. Enum.GetValues<Check>()
        .Where(check => check is not (Check.Unknown or Check.Registration) && (HasRole || check != Check.RoleTrust))];

    public static async Task<Connection> StartAsync(string type) => new(await ByokWorld.StartAsync(), type);

    /// <summary>What the customer typed: all right.</summary>
    public ByokKeySettings GoodSettings()
    {
        var settings = World.Settings(_type);
        settings.ReplicaRegions = [ReplicaRegion];
        settings.PreviousKeys = [new() { KeyArn = OldKey.Arn, Credentials = OldCredentials }];
        return settings;
    }

    public IByokVerifier Verifier(Action<ByokOptions>? options = null) =>
        World.Build(World.Services(options)).GetRequiredService<IByokVerifier>();

    /// <summary>Verifies the good settings, perhaps changed.</summary>
    public Task<ByokVerification> VerifyAsync(
        Action<ByokKeySettings>? change = null,
        ByokVerificationOptions? how = null,
        string? tenant = null,
        CancellationToken cancellationToken = default)
    {
        var settings = GoodSettings();
        change?.Invoke(settings);
        return Verifier().VerifyAsync(settings, tenant, how ?? new ByokVerificationOptions(), cancellationToken);
    }

    /// <summary>A verification of which these steps, and no others, are failed or warnings, and these were skipped for it.</summary>
    public async Task<ByokVerificationStep[]> NotPassedAsync(
        Action<ByokKeySettings>? change, Check[] notPassed, params Check[] skipped)
    {
        var verification = await VerifyAsync(change);

        var steps = verification.Steps.Where(step => step.Outcome is Failed or Warning).ToArray();
        Assert.That(steps.Select(step => step.Check), Is.EqualTo(notPassed), verification.ToString());
        Assert.That(Checked(verification, Skipped), Is.EqualTo(skipped), verification.ToString());
        Assert.That(verification.Steps.Where(step => step.Outcome == Skipped).Select(step => step.Message), Is.All.EqualTo(NotTried));
        Assert.That(verification.Succeeded, Is.EqualTo(steps.All(step => step.Outcome == Warning)));
        return steps;
    }

    /// <summary>As <see cref="NotPassedAsync"/>, for one step that stops all behind it, save the previous key.</summary>
    public async Task<ByokVerificationStep> StoppedAtAsync(Check check, Action<ByokKeySettings>? change = null)
    {
        var behind = Checks.SkipWhile(other => other != check).Skip(1)
            .Where(other => other is not (Check.PreviousKey or Check.AllowedRegion or Check.Settings));
        return (await NotPassedAsync(change, [check], [.. behind])).Single();
    }

    /// <summary>A verification that finds nothing wrong.</summary>
    public async Task AllPassAsync(Action<ByokKeySettings>? change = null)
    {
        var verification = await VerifyAsync(change);
        Assert.That(verification.Steps.Select(step => step.Outcome), Is.All.EqualTo(Passed), verification.ToString());
        Assert.That(verification.Succeeded, Is.True);
    }

    /// <summary>The policy of the step, a trust policy, is the right one and corrects it.</summary>
    public async Task MendsTrustAsync(ByokVerificationStep step)
    {
        Assert.That(JsonNode.DeepEquals(JsonNode.Parse(step.Policy!), JsonNode.Parse(GoodTrust)), step.Policy);
        Role.TrustPolicy = step.Policy!;
        await AllPassAsync();
    }

    /// <summary>Gives the role the good trust policy without one of its conditions.</summary>
    public void TrustWithout(string condition)
    {
        var trust = JsonNode.Parse(GoodTrust)!;
        Assert.That(trust["Statement"]![0]!["Condition"]!.AsObject().Remove(condition));
        Role.TrustPolicy = trust.ToJsonString();
    }

    public static IEnumerable<Check> Checked(ByokVerification verification, ByokVerificationOutcome outcome) =>
        verification.Steps.Where(step => step.Outcome == outcome).Select(step => step.Check);

    public ValueTask DisposeAsync() => World.DisposeAsync();
}
