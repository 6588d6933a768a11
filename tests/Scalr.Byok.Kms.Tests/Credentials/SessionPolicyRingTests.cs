using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Credentials;

/// <summary>
/// Key rings whose sessions are restricted: with several keys, with more keys than a policy can name, and where AWS STS finds it too large.
/// </summary>
[TestFixture("AssumeRole")]
[TestFixture("Oidc")]
internal sealed class SessionPolicyRingTests
{
    private readonly string _type;
    private ByokWorld _world = null!;
    private LocalKey _replica = null!;
    private LocalKey _previous = null!;

    public SessionPolicyRingTests(string type) => _type = type;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _world.AssumedRole.Policy = _world.OidcRole.Policy = Policies.Permissions("*");
        _replica = _world.Key.Replicate("us-east-2");
        _previous = _world.Customer.CreateKey("us-west-2");
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task A_ring_with_a_replica_and_a_previous_key_works_under_the_restriction()
    {
        var old = _world.Ring(_type, settings => settings.KeyArn = _previous.Arn, options => options.AllowedRegions = ["us-west-2"]);
        var message = await old.EncryptAsync("abc"u8.ToArray());
        var ring = _world.Ring(_type, settings =>
        {
            settings.ReplicaRegions = [_replica.Region];
            settings.PreviousKeys = [new() { KeyArn = _previous.Arn, Credentials = settings.Credentials }];
        });

        Assert.That(await ring.DecryptAsync(message), Is.EqualTo("abc"u8.ToArray()));
        Assert.That(await ring.DecryptAsync(await ring.ReencryptAsync(message)), Is.EqualTo("abc"u8.ToArray()));
        Assert.That((await ring.ProbeAsync()).Findings, Is.Empty);
    }

    [Test]
    public async Task Thirty_previous_keys_do_not_fit_and_each_key_has_a_session_of_its_own()
    {
        var previous = Enumerable.Range(0, 30).Select(_ => _world.Customer.CreateKey("us-west-2")).ToList();
        var old = _world.Ring(_type, settings => settings.KeyArn = previous[29].Arn, options => options.AllowedRegions = ["us-west-2"]);
        var message = await old.EncryptAsync("abc"u8.ToArray());
        var ring = _world.Ring(_type, settings =>
        {
            settings.ReplicaRegions = [_replica.Region];
            settings.PreviousKeys =
            [
                .. previous.Select(key => new ByokPreviousKeySettings { KeyArn = key.Arn, Credentials = settings.Credentials }),
            ];
        }, options => options.MaxPreviousKeys = 30);

        Assert.That(await ring.DecryptAsync(message), Is.EqualTo("abc"u8.ToArray()));
        Assert.That(await ring.DecryptAsync(await ring.ReencryptAsync(message)), Is.EqualTo("abc"u8.ToArray()));
        Assert.That((await ring.ProbeAsync()).Findings, Is.Empty);
        Assert.That(_world.Aws.Log.Requests.Select(request => request.ErrorCode), Is.All.Null);
    }

    [Test]
    public async Task A_policy_that_fits_but_is_too_large_when_packed_is_narrowed_to_the_key_itself()
    {
        var fault = _world.Aws.Faults.Add(Fault.Error("PackedPolicyTooLarge") with { Service = "sts", Times = 1 });
        var ring = _world.Ring(_type, settings => settings.ReplicaRegions = [_replica.Region]);

        var message = await ring.EncryptAsync("abc"u8.ToArray());

        Assert.That(await ring.DecryptAsync(message), Is.EqualTo("abc"u8.ToArray()));
        Assert.That(
            _world.Aws.Log.Requests.Where(request => request.Service == "sts").Select(request => request.ErrorCode),
            Is.EqualTo((string?[])["PackedPolicyTooLarge", null]));
        _world.Aws.Faults.Remove(fault);
        _world.Time.Advance(TimeSpan.FromHours(2));
        _ = await ring.EncryptAsync(new byte[1]);
        Assert.That(
            _world.Aws.Log.Requests.Count(request => request.Service == "sts"),
            Is.EqualTo(3),
            "the next session is asked for with the narrow policy at once");
    }

    [Test]
    public async Task A_policy_of_one_key_that_is_too_large_is_not_tried_again()
    {
        _world.Aws.Faults.Add(Fault.Error("PackedPolicyTooLarge") with { Service = "sts" });

        var thrown = await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await _world.Ring(_type).EncryptAsync(new byte[1]));

        Assert.That((thrown!.Reason, _world.Aws.Log.Requests.Count), Is.EqualTo((ByokKeyUnavailableReason.SessionPolicyTooLarge, 1)));
    }
}
