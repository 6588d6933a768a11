using System.Collections.Concurrent;
using System.Globalization;
using LocalAws;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Soak;

/// <summary>
/// Many workers on many tenants while AWS fails at random and customers take their keys away and give them back. A few seconds as a rule;
/// as many as BYOK_SOAK_SECONDS says, with a thousand tenants, otherwise.
/// </summary>
[NonParallelizable]
[Category("Slow")]
internal sealed class SoakTests
{
    private const string HostAccount = "615271354814";

    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan TotalTimeout = TimeSpan.FromSeconds(4);

    private readonly ConcurrentQueue<string> _wrongs = new();
    private readonly ConcurrentDictionary<string, int> _outcomes = new();

    [Test]
    public async Task Every_plaintext_is_right_and_every_refusal_justified()
    {
        var seconds = int.TryParse(Environment.GetEnvironmentVariable("BYOK_SOAK_SECONDS"), CultureInfo.InvariantCulture, out var asked)
            ? asked
            : 0;
        var (tenants, workers, duration) = seconds > 0 ? (1000, 64, TimeSpan.FromSeconds(seconds)) : (30, 16, TimeSpan.FromSeconds(3));
        using var unobserved = new Unobserved();
        await RunAsync(tenants, workers, duration);

        await TestContext.Out.WriteLineAsync(
            string.Join(", ", _outcomes.OrderBy(one => one.Key, StringComparer.Ordinal).Select(one => $"{one.Key} {one.Value}")));
        Assert.That(_wrongs, Is.Empty);
        unobserved.DemandNone();
        Assert.That(_outcomes["encrypted"], Is.GreaterThan(10));
        Assert.That(_outcomes["decrypted"], Is.GreaterThan(10));
    }

    private async Task RunAsync(int tenants, int workers, TimeSpan duration)
    {
        await using var aws = await LocalAwsServer.StartAsync();
        var customers = Enumerable.Range(0, tenants).Select(i => new Customer(aws, i)).ToArray();
        await using var provider = Build(aws, customers);
        var rings = provider.GetRequiredService<IByokKeyRingProvider>();
        using var end = new CancellationTokenSource(duration);
        long halfway = 0;
        var tasks = Enumerable.Range(0, workers).Select(i => WorkAsync(rings, customers, new Random(i), end.Token))
            .Append(TroubleAsync(aws, new Random(1001), end.Token))
            .Append(RevokeAsync(customers, rings, new Random(1002), end.Token))
            .Append(Task.Delay(duration / 2).ContinueWith(_ => halfway = GC.GetTotalMemory(true), TaskScheduler.Default)).ToList();
        await Task.WhenAll(tasks);

        aws.Faults.Clear();
        foreach (var customer in customers)
        {
            customer.GiveBack();
            customer.Forget();
        }

        var growth = GC.GetTotalMemory(true) / (double)halfway;
        await TestContext.Out.WriteLineAsync(
            string.Create(CultureInfo.InvariantCulture, $"memory at the end against halfway: {growth:0.00}"));
        Assert.That(growth, Is.LessThan(2), "memory is flat");
    }

    private static ServiceProvider Build(LocalAwsServer aws, Customer[] customers)
    {
        var services = new ServiceCollection();
        var host = aws.Account(HostAccount).CreateUser("host", Policies.AllowAssumeRole).CreateAccessKey();
        services.AddSingleton(customers);
        services.AddScalrByok(o =>
        {
            o.HostAccountId = ByokPolicies.ScalrAccountId;
            o.Endpoints.Kms[ByokEndpoints.AnyRegion] = o.Endpoints.Sts[ByokEndpoints.AnyRegion] = aws.Endpoint;
            o.HostIdentity = new() { AccessKeyId = host.AccessKeyId, SecretAccessKey = host.SecretAccessKey };
            o.DataKeyCache.MaxAge = MaxAge;
            o.ConfirmationInterval = TimeSpan.FromSeconds(1);
            (o.Resilience.AttemptTimeout, o.Resilience.TotalTimeout) = (TimeSpan.FromSeconds(1), TotalTimeout);
            o.Resilience.BreakDuration = TimeSpan.FromSeconds(1);
        }).AddTenantKeyRings<Store>();
        return services.BuildServiceProvider();
    }

    private async Task WorkAsync(IByokKeyRingProvider rings, Customer[] customers, Random dice, CancellationToken end)
    {
        await Task.Yield();
        while (!end.IsCancellationRequested)
        {
            var customer = customers[dice.Next(customers.Length)];
            var before = customer.State;
            try
            {
                var ring = await rings.GetKeyRingAsync(customer.Name, CancellationToken.None);
                if (customer.TryRecall(dice, out var message, out var plaintext))
                {
                    var decrypted = await ring.DecryptAsync(message, customer.Context, CancellationToken.None);
                    Check(decrypted.AsSpan().SequenceEqual(plaintext), $"{customer.Name}: a plaintext is wrong");
                    Count("decrypted", customer, before);
                }

                plaintext = new byte[dice.Next(2000)];
                dice.NextBytes(plaintext);
                customer.Remember(await ring.EncryptAsync(plaintext, customer.Context, CancellationToken.None), plaintext);
                Count("encrypted", customer, before);
            }
            catch (ByokKeyUnavailableException e)
            {
                _outcomes.AddOrUpdate($"refused:{e.Reason}", 1, static (_, count) => count + 1);
                Check(customer.MayBeRefused, $"{customer.Name} was refused without a reason: {e.Message}");
            }
            catch (ByokServiceException e)
            {
                _outcomes.AddOrUpdate("failed", 1, static (_, count) => count + 1);
                Check(e.IsTransient, $"{customer.Name}: {e}");
            }
            catch (Exception e)
            {
                _wrongs.Enqueue($"{customer.Name}: {e}");
            }
        }
    }

    private static async Task TroubleAsync(LocalAwsServer aws, Random dice, CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            aws.Faults.Clear();
            aws.Faults.Add(dice.Next(7) switch
            {
                0 => Fault.Error("InternalFailure", 500) with { Probability = 0.3 },
                1 => Fault.Error("ThrottlingException") with { Probability = 0.5 },
                2 => Fault.Drop() with { Probability = 0.2 },
                3 => Fault.CutBody() with { Probability = 0.2 },
                4 => Fault.Body(502, "text/html", "<html></html>") with { Probability = 0.2 },
                5 => Fault.StalledBody() with { Probability = 0.05 },
                _ => Fault.Latency(TimeSpan.FromMilliseconds(50)) with { Probability = 0.5 },
            });
            await Task.Delay(300, CancellationToken.None);
        }
    }

    private static async Task RevokeAsync(Customer[] customers, IByokKeyRingProvider rings, Random dice, CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            var customer = customers[dice.Next(customers.Length)];
            if (customer.State.IsRevoked)
            {
                customer.GiveBack();
            }
            else
            {
                customer.Revoke();
            }

            rings.Invalidate(customers[dice.Next(customers.Length)].Name); // as after a change of settings
            await Task.Delay(20, CancellationToken.None);
        }
    }

    /// <summary>A success is wrong where the key had been gone for longer than any cache and call may last.</summary>
    private void Count(string outcome, Customer customer, Custody before)
    {
        _outcomes.AddOrUpdate(outcome, 1, static (_, count) => count + 1);
        var (now, limit) = (customer.State, MaxAge + TotalTimeout + TimeSpan.FromSeconds(4));
        Check(
            !(before == now && now.IsRevoked && now.For > limit),
            $"{customer.Name}: {outcome} although the key has been gone for {now.For}");
    }

    private void Check(bool isRight, string otherwise)
    {
        if (!isRight)
        {
            _wrongs.Enqueue(otherwise);
        }
    }

    private sealed class Store(Customer[] customers) : IByokKeySettingsStore
    {
        private readonly Dictionary<string, Customer> _byName = customers.ToDictionary(customer => customer.Name);

        public ValueTask<ByokKeySettings?> FindAsync(string tenant, CancellationToken cancellationToken) => new(_byName[tenant].Settings);
    }
}
