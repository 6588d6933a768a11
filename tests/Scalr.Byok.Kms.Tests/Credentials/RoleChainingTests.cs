using Amazon.Runtime;
using Amazon.SecurityToken;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Credentials;

/// <summary>
/// A host that itself runs on a session of a role: AWS STS limits the sessions of customers' roles to 1 hour ("role chaining").
/// </summary>
internal sealed class RoleChainingTests
{
    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _world.AssumedRole.MaxSessionDuration = TimeSpan.FromHours(12);
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task Sessions_of_1_hour_are_used_and_the_host_is_told()
    {
        var host = await ChainedAsync(TimeSpan.FromHours(12));
        var ring = host.GetRequiredService<IByokKeyRing>();

        await ring.EncryptAsync(new byte[1]);
        var health = await ring.ProbeAsync();
        var verification = await host.GetRequiredService<IByokVerifier>().VerifyAsync(_world.Settings("AssumeRole"), tenant: null);

        const string Message = "AWS STS grants no session of 12 hours, because the host itself runs on a role (role chaining). Sessions "
            + "of 1 hour are used instead.";
        var finding = health.Findings.Single();
        Assert.That(
            (health.Status, finding.Code, finding.Owner, finding.Message),
            Is.EqualTo((HealthStatus.Degraded, ByokKeyFindingCode.SessionShortened, ByokKeyFindingOwner.Host, Message)));
        Assert.That(verification.Succeeded, Is.True, verification.ToString());
        Assert.That(
            verification.Steps.Where(step => step.Outcome == ByokVerificationOutcome.Warning).Select(step => step.Message),
            Is.EqualTo((string[])[Message]));
    }

    [Test]
    public async Task Sessions_of_1_hour_are_granted_at_once()
    {
        var host = await ChainedAsync(TimeSpan.FromHours(1));
        var before = _world.Aws.Log.Count("AssumeRole");

        var health = await host.GetRequiredService<IByokKeyRing>().ProbeAsync();

        Assert.That((health.Status, _world.Aws.Log.Count("AssumeRole") - before), Is.EqualTo((HealthStatus.Healthy, 1)));
    }

    /// <summary>A host whose own identity is a session of a role in its account.</summary>
    private async Task<ServiceProvider> ChainedAsync(TimeSpan duration)
    {
        var role = _world.Aws.Account(ByokWorld.HostAccount).CreateRole(
            "byok-host", Policies.AssumeRoleTrust(ByokWorld.HostAccount, ByokWorld.ExternalId), Policies.AllowAssumeRole);
        using var sts = new AmazonSecurityTokenServiceClient(
            new BasicAWSCredentials(_world.HostKey.AccessKeyId, _world.HostKey.SecretAccessKey),
            new AmazonSecurityTokenServiceConfig
            {
                ServiceURL = _world.Aws.Endpoint.ToString(),
                AuthenticationRegion = ByokWorld.Region,
            });
        var session = (await sts.AssumeRoleAsync(
            new() { RoleArn = role.Arn, RoleSessionName = "host", ExternalId = ByokWorld.ExternalId })).Credentials;
        _world.Remember(session.SecretAccessKey, session.SessionToken);
        var services = _world.Services(options => options.SessionDuration = duration);
        services.AddScalrByok()
            .UseHostCredentials(_ => new SessionAWSCredentials(session.AccessKeyId, session.SecretAccessKey, session.SessionToken))
            .AddKeyRing(ring => (ring.KeyArn, ring.Credentials) = (_world.Key.Arn, _world.Settings("AssumeRole").Credentials));
        return _world.Build(services);
    }
}
