using static Scalr.Byok.Kms.Tests.KeyUse.KeyUseWorld;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>When the rings of many tenants ask AWS.</summary>
[CancelAfter(300_000)]
[Category("Slow")]
internal sealed class PacingTests
{
    private const int Tenants = 200;
    private const int Parts = 20;

    private static readonly TimeSpan Part = Interval / Parts;
    private static readonly TimeSpan Time = TimeSpan.FromMinutes(10);

    [Test]
    public async Task Tenants_that_start_together_ask_AWS_at_different_times()
    {
        await using var world = await StartAsync("AccessKeys");
        var message = await world.Ring.EncryptAsync(new byte[10], Context);
        var rings = Enumerable.Range(0, Tenants).Select(_ => world.AddRing()).ToList();
        await UseAllAsync();
        world.Aws.Log.Clear();
        var start = world.Clocks.True.GetUtcNow();

        for (var passed = TimeSpan.Zero; passed < Time; passed += Part)
        {
            await world.PassAsync(Part);
            await UseAllAsync();
        }

        var confirmations = world.Aws.Log.Requests.Select(request => request.Time - start).ToList();
        Demand("in the first minute", confirmations.Where(time => time < Interval), most: 0.2);
        Demand("in all minutes", confirmations, most: 0.1);

        async Task UseAllAsync()
        {
            foreach (var ring in rings)
            {
                await ring.DecryptAsync(message, Context);
            }
        }
    }

    /// <summary>No twentieth of the interval has more than this share of the requests.</summary>
    private static void Demand(string what, IEnumerable<TimeSpan> times, double most)
    {
        var parts = new int[Parts];
        foreach (var time in times)
        {
            parts[(int)(time / Part) % Parts]++;
        }

        TestContext.Out.WriteLine($"{what}: {string.Join(' ', parts)}");
        Assert.That(parts.Sum(), Is.GreaterThan(Tenants), what);
        Assert.That(parts.Max(), Is.LessThanOrEqualTo(parts.Sum() * most), what);
    }
}
