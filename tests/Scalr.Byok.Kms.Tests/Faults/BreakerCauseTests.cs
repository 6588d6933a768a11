using LocalAws;
using Scalr.Byok.Kms.Tests.Verification;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Faults;

/// <summary>Fault 28: "was not tried" hid the cause.</summary>
[CancelAfter(120_000)]
internal sealed class BreakerCauseTests
{
    public static IEnumerable<TestCaseData> Faults()
    {
        yield return new TestCaseData(Fault.Error("InternalFailure", 500), "InternalFailure").SetArgDisplayNames("500");
        yield return new TestCaseData(Fault.Drop(), "could not be reached").SetArgDisplayNames("a reset");
        yield return new TestCaseData(Fault.Body(502, "text/html", "<html></html>"), "HTTP 502").SetArgDisplayNames("HTML 502");
    }

    // Fault 28: the third attempt of the first call opens the breaker, and the fourth is not made.
    [TestCaseSource(nameof(Faults))]
    public async Task The_first_call_that_fails_names_the_real_error(Fault fault, string words)
    {
        await using var world = await ByokWorld.StartAsync();
        world.Aws.Faults.Add(fault);

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(
            () => world.PassPausesAsync(world.Ring("AccessKeys", options: Break).EncryptAsync(new byte[1]).AsTask()));

        Assert.That(thrown!.Message, Does.Contain(words));
        Assert.That(thrown.InnerException, Is.Not.Null);
        Assert.That(world.Aws.Log.Count("Encrypt"), Is.EqualTo(3));
    }

    // Fault 28: the calls after that one.
    [TestCaseSource(nameof(Faults))]
    public async Task An_open_breaker_names_the_last_real_error(Fault fault, string words)
    {
        await using var world = await ByokWorld.StartAsync();
        var ring = world.Ring("AccessKeys", options: o =>
        {
            Break(o);
            o.Resilience.MaxRetryAttempts = 0;
        });
        world.Aws.Faults.Add(fault);
        for (var i = 0; i < 3; i++)
        {
            await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[1]));
        }

        for (var i = 0; i < 3; i++)
        {
            var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[1]));
            Assert.That(thrown!.Message, Does.Contain("not tried").And.Contains(words));
            Assert.That(thrown.InnerException, Is.Not.Null);
            Assert.That(thrown.InnerException!.ToString(), Does.Contain(words));
        }

        Assert.That(world.Aws.Log.Count("Encrypt"), Is.EqualTo(3));
    }

    // Fault 28: the customer who presses "Test connection".
    [TestCaseSource(nameof(Faults))]
    public async Task The_verifier_names_the_real_error(Fault fault, string words)
    {
        await using var connection = await Connection.StartAsync("AccessKeys");
        connection.World.Aws.Faults.Add(fault with { Operation = "Encrypt" });

        var verification = await connection.World.PassPausesAsync(
            connection.Verifier(Break).VerifyAsync(connection.GoodSettings(), tenant: null));

        var step = verification.Steps.Single(one => one.Check == ByokVerificationCheck.Encrypt);
        Assert.That((step.Outcome, step.Message), Is.EqualTo((ByokVerificationOutcome.Failed, step.Message)));
        Assert.That(step.Message, Does.Contain(words));
    }

    private static void Break(ByokOptions options)
    {
        var resilience = options.Resilience;
        (resilience.BreakerMinimumThroughput, resilience.MaxRetryAttempts, resilience.RetryDelay) = (3, 3, TimeSpan.FromMilliseconds(1));
        (resilience.AttemptTimeout, resilience.TotalTimeout) = (TimeSpan.FromMinutes(40), TimeSpan.FromHours(1));
        (resilience.BreakerSamplingDuration, resilience.BreakDuration) = (TimeSpan.FromHours(1), TimeSpan.FromHours(1));
    }
}
