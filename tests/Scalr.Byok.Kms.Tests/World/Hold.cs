namespace Scalr.Byok.Kms.Tests.World;

/// <summary>A place where each caller waits until the test lets go.</summary>
internal sealed class Hold
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when someone waits there; the bound only ends a test that would never end.</summary>
    public Task Reached => _reached.Task.WaitAsync(TimeSpan.FromSeconds(60));

    public void Release() => _released.SetResult();

    /// <summary>Waits, and gives up when it is cancelled.</summary>
    public async Task ObeyAsync(CancellationToken cancellationToken)
    {
        _reached.TrySetResult();
        await _released.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Waits, and does not care whether it is cancelled.</summary>
    public async Task IgnoreAsync(CancellationToken cancellationToken)
    {
        _ = cancellationToken;
        _reached.TrySetResult();
        await _released.Task;
    }
}
