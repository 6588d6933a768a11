using LocalAws;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokKeyUnavailableReason;

namespace Scalr.Byok.Kms.Tests.Kms;

/// <summary>Every reason there is, brought about over the wire: what encrypting tells, and what a probe of the same key tells.</summary>
internal sealed class ReasonTests
{
    /// <summary>Stands for the scenario's own reason, which is no value of the enumeration.</summary>
    private const ByokKeyUnavailableReason Same = (ByokKeyUnavailableReason)(-1);

    private static readonly Dictionary<ByokKeyUnavailableReason, Scenario> Scenarios = new()
    {
        [KeyDisabled] = new(world => world.Key.Disable()),
        [KeyPendingDeletion] = new(world => world.Key.ScheduleDeletion()),
        [KeyNotFound] = new(world =>
        {
            world.Key.ScheduleDeletion(7);
            world.Time.Advance(TimeSpan.FromDays(7));
        }),
        [KeyMaterialMissing] = new(_ => { }) { Key = world => world.Customer.CreateKey(ByokWorld.Region, origin: "EXTERNAL") },
        [KeyStoreUnavailable] = new(_ => { })
        {
            Key = world =>
            {
                var key = world.Customer.CreateKey(ByokWorld.Region, origin: "EXTERNAL_KEY_STORE");
                key.DisconnectKeyStore();
                return key;
            },
        },
        [KeyStateInvalid] = new(world => world.Key.HoldIn(LocalKeyState.Creating)),

        // kms:Encrypt cannot tell the two apart, and speaks of the usage; kms:DescribeKey can.
        [UnsupportedKeySpec] = new(_ => { }) { Key = NotSymmetric, OnEncrypting = UnsupportedKeyUsage },
        [UnsupportedKeyUsage] = new(_ => { }) { Key = NotSymmetric, OnProbing = UnsupportedKeySpec },
        [WrongRegion] = new(world => world.Aws.Faults.Add(Fault.Error("NotFoundException", 400, "Invalid arn us-east-1"))),

        // A denial of kms:DescribeKey says nothing about the key, but the probe finds that kms:Encrypt is denied.
        [AccessDenied] = new(world => world.User.Policy = null),
        [CredentialsRejected] = new(world => world.AccessKey.Active = false),
        [RoleNotAssumable] = new(world => world.AssumedRole.TrustPolicy = Policies.AssumeRoleTrust("999988887777", ByokWorld.ExternalId))
        {
            Type = "AssumeRole",
            Operation = "sts:AssumeRole",
        },
        [TokenRejected] = new(world =>
            world.GetToken = (request, _) => new(world.Token("unknown-audience", request.Subject ?? ByokWorld.Subject)))
        {
            Type = "Oidc",
            Operation = "sts:AssumeRoleWithWebIdentity",
        },
        [RegionDisabled] = new(world => world.Aws.Faults.Add(Fault.Error("RegionDisabledException", 403) with { Service = "sts" }))
        {
            Type = "AssumeRole",
            Operation = "sts:AssumeRole",
        },
        [SessionPolicyTooLarge] = new(world => world.Aws.Faults.Add(Fault.Error("PackedPolicyTooLarge") with { Service = "sts" }))
        {
            Type = "Oidc",
            Operation = "sts:AssumeRoleWithWebIdentity",
        },
    };

    /// <summary>All reasons but the default value of the type, which the library never reports.</summary>
    private static readonly ByokKeyUnavailableReason[] Reported =
        [.. Enum.GetValues<ByokKeyUnavailableReason>().Where(reason => reason != Unknown)];

    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task Every_reason_comes_over_the_wire([ValueSource(nameof(Reported))] ByokKeyUnavailableReason reason)
    {
        Assert.That(Scenarios, Contains.Key(reason), "a new reason wants a scenario");
        var scenario = Scenarios[reason];
        var ring = Ring(scenario);
        scenario.BringAbout(_world);

        var thrown = await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.EncryptAsync(new byte[1]));
        var health = await ring.ProbeAsync();

        var onEncrypting = scenario.OnEncrypting ?? reason;
        var onProbing = scenario.OnProbing is { } other ? (other == Same ? reason : other) : (ByokKeyUnavailableReason?)null;
        Assert.That((thrown!.Reason, health.Reason), Is.EqualTo((onEncrypting, onProbing)));
        Assert.That(reason, Is.EqualTo(onEncrypting).Or.EqualTo(onProbing), "the scenario is one of this reason");
        DemandWholeStory(thrown, ring.KeyArn, scenario.Operation);
        if (onProbing is { } probed)
        {
            var same = new ByokKeyUnavailableException(ring.KeyArn, probed, probed == AccessDenied ? "kms:Encrypt" : "kms:DescribeKey");
            Assert.That((health.Findings[0].Code, health.Findings[0].Remedy), Is.EqualTo((probed.ToString(), same.Remedy)));
        }
    }

    [Test]
    public async Task Every_reason_of_KMS_comes_on_decrypting_too(
        [Values(
            KeyDisabled,
            KeyPendingDeletion,
            KeyNotFound,
            KeyStateInvalid,
            WrongRegion,
            AccessDenied,
            CredentialsRejected)] ByokKeyUnavailableReason reason)
    {
        var ring = _world.Ring("AccessKeys");
        var message = await ring.EncryptAsync(new byte[1]);
        Scenarios[reason].BringAbout(_world);

        var thrown = await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.DecryptAsync(message));

        Assert.That(thrown!.Reason, Is.EqualTo(reason));
        DemandWholeStory(thrown, ring.KeyArn, "kms:Decrypt");
    }

    /// <summary>
    /// The words for each reason are pinned where exceptions are tested; here they must be those of this key and this operation.
    /// </summary>
    private static void DemandWholeStory(ByokKeyUnavailableException thrown, KmsKeyArn key, string operation)
    {
        var told = new ByokKeyUnavailableException(key, thrown.Reason, operation);
        Assert.That((thrown.Message, thrown.Remedy), Is.EqualTo((told.Message, told.Remedy)));
        Assert.That(
            (thrown.KeyArn, thrown.Operation, thrown.Region, thrown.IsTransient), Is.EqualTo((key, operation, ByokWorld.Region, false)));
        Assert.That(Guid.TryParse(thrown.RequestId, out _), Is.True, $"AWS's id of the request, not '{thrown.RequestId}'");
    }

    private static LocalKey NotSymmetric(ByokWorld world) => world.Customer.CreateKey(ByokWorld.Region, keySpec: "RSA_2048");

    private IByokKeyRing Ring(Scenario scenario)
    {
        var key = scenario.Key(_world);
        _world.User.Policy = Policies.Permissions(key.Arn);
        return _world.Ring(scenario.Type, settings => settings.KeyArn = key.Arn);
    }

    private sealed record Scenario(Action<ByokWorld> BringAbout)
    {
        public string Type { get; init; } = ByokCredentialSettings.AccessKeysType;

        public string Operation { get; init; } = "kms:Encrypt";

        public Func<ByokWorld, LocalKey> Key { get; init; } = world => world.Key;

        /// <summary>Null: the scenario's own.</summary>
        public ByokKeyUnavailableReason? OnEncrypting { get; init; }

        /// <summary>Null: none.</summary>
        public ByokKeyUnavailableReason? OnProbing { get; init; } = Same;
    }
}
