namespace Scalr.Byok.Kms.Events;

/// <summary>A function of the host as an observer.</summary>
internal sealed class KeyObserverFunction : IByokKeyObserver
{
    private readonly Func<ByokKeyEvent, CancellationToken, Task> _observe;

    public KeyObserverFunction(Func<ByokKeyEvent, CancellationToken, Task> observe) => _observe = observe;

    public Task OnKeyEventAsync(ByokKeyEvent keyEvent, CancellationToken cancellationToken) => _observe(keyEvent, cancellationToken);
}
