using Amazon.KeyManagementService.Model;
using LocalAws;
using Scalr.Byok.Kms.Kms;
using Scalr.Byok.Kms.Resilience;
using Scalr.Byok.Kms.Tests.KeyRing;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Kms;

/// <summary>All customers share the client of a Region, and each request is signed with its customer's own credentials.</summary>
[CancelAfter(120_000)]
internal sealed class RequestCredentialsTests
{
    private static readonly byte[] Plaintext = "for one of many"u8.ToArray();

    [Test]
    public async Task Concurrent_requests_of_many_customers_are_signed_each_by_its_own_user()
    {
        const int Tenants = 20;
        await using var world = await ByokWorld.StartAsync();
        var host = new TenantHost(world);
        var keys = new Dictionary<string, string>();
        for (var i = 0; i < Tenants; i++)
        {
            var key = world.Customer.CreateKey(ByokWorld.Region);
            var user = world.Customer.CreateUser($"user-{i}", Policies.Permissions(key.Arn));
            var accessKey = user.CreateAccessKey();
            world.Remember(accessKey.SecretAccessKey);
            keys.Add(key.Arn, user.Arn);
            host.Store[$"tenant-{i}"] = new ByokKeySettings
            {
                KeyArn = key.Arn,
                Credentials = ByokCredentialSettings.AccessKeys(accessKey.AccessKeyId, accessKey.SecretAccessKey),
            };
        }

        await Parallel.ForEachAsync(Enumerable.Range(0, 25 * Tenants), async (i, token) =>
        {
            var ring = await host.GetAsync($"tenant-{i % Tenants}");
            var message = await ring.EncryptAsync(Plaintext, cancellationToken: token);
            Assert.That(await ring.DecryptAsync(message, cancellationToken: token), Is.EqualTo(Plaintext));
        });

        var requests = world.Aws.Log.Requests;
        Assert.That(requests, Has.Count.EqualTo(2 * 25 * Tenants));
        Assert.That(requests.Where(request => keys[request.Key!] != request.Principal), Is.Empty);
    }

    [Test]
    public async Task A_request_without_credentials_is_not_sent()
    {
        await using var world = await ByokWorld.StartAsync();
        var endpoints = new ByokEndpoints { Kms = { [ByokEndpoints.AnyRegion] = world.Aws.Endpoint } };
        using var configuration = new AwsClientConfiguration(endpoints, new ByokResilienceOptions());
        using var clients = new KmsClients(configuration);

        await Assert.ThatAsync(
            () => clients.In(ByokWorld.Region).DescribeKeyAsync(new DescribeKeyRequest { KeyId = world.Key.Arn }),
            Throws.InvalidOperationException.With.Message.EqualTo("A request to AWS KMS has no credentials."));

        Assert.That(world.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task The_client_of_a_Region_outlives_the_rings()
    {
        await using var world = await ByokWorld.StartAsync();
        var host = new TenantHost(world);
        host.Store["acme"] = host.Store["other"] = world.Settings(ByokCredentialSettings.AccessKeysType);
        var ring = await host.GetAsync("acme");
        await ring.EncryptAsync(Plaintext);
        host.Rings.Invalidate("acme");

        var other = await host.GetAsync("other");

        Assert.That(await other.DecryptAsync(await other.EncryptAsync(Plaintext)), Is.EqualTo(Plaintext));
    }

    [Test]
    public async Task A_ring_that_is_disposed_sends_nothing()
    {
        await using var world = await ByokWorld.StartAsync();
        var host = new TenantHost(world);
        host.Store["acme"] = world.Settings(ByokCredentialSettings.AccessKeysType);
        var key = TenantHost.Inner(await host.GetAsync("acme")).Keys.Current.Key;
        host.Rings.Invalidate("acme");

        await Assert.ThatAsync(
            () => key.DescribeAsync(key.Regions[0], CancellationToken.None), Throws.TypeOf<ObjectDisposedException>());

        Assert.That(world.Aws.Log.Requests, Is.Empty);
    }
}
