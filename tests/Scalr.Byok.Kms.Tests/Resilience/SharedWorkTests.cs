using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Tests.Resilience;

/// <summary>What is done for many sees nothing of the caller who happened to be the first.</summary>
public class SharedWorkTests
{
    private readonly AsyncLocal<string?> _ambient = new();
    private readonly SharedWork _shared = new(CancellationToken.None);

    [Test]
    public async Task It_sees_nothing_of_its_first_callers_context([Values] bool isSuppressed)
    {
        _ambient.Value = "the first caller's";
        Task<string?> work;
        Task silent;
        var seen = "not run";
        using (isSuppressed ? ExecutionContext.SuppressFlow() : default(IDisposable))
        {
            work = _shared.Start(() => Task.FromResult<string?>(_ambient.Value));
            silent = _shared.Start(() =>
            {
                seen = _ambient.Value;
                return Task.CompletedTask;
            });
            Assert.That(ExecutionContext.IsFlowSuppressed(), Is.EqualTo(isSuppressed), "the caller's own choice stays");
        }

        await silent;

        Assert.That((await work, seen, ExecutionContext.IsFlowSuppressed()), Is.EqualTo(((string?)null, (string?)null, false)));
    }

    [Test]
    public void A_failure_is_its_waiters()
    {
        var work = _shared.Start(() => Task.FromException<int>(new InvalidOperationException("mine")));

        Assert.That(() => work, Throws.InvalidOperationException.With.Message.EqualTo("mine"));
    }
}
