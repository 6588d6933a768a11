using Scalr.Byok.Kms.Errors;

namespace Scalr.Byok.Kms.Resilience;

/// <summary>Work that at most one task does at a time, for all who want its result. Safe for concurrent use.</summary>
/// <remarks>The work runs on a task of its own, off the context of the caller that started it. A caller that stops waiting does not end it; only its own time limit or disposal does.</remarks>
/// <typeparam name="T">The result.</typeparam>
internal sealed class SingleFlight<T>
{
    private readonly Lock _gate = new();
    private readonly CancellationToken _disposed;
    private Task<T>? _running;

    /// <param name="disposed">Ends the work; cancelled by the owner when it is disposed.</param>
    public SingleFlight(CancellationToken disposed) => _disposed = disposed;

    /// <summary>Whether the work is under way.</summary>
    public bool IsRunning => Volatile.Read(ref _running) is { IsCompleted: false };

    /// <summary>Starts the work, or joins the one that is under way.</summary>
    /// <param name="work">The work; gets the token that ends it.</param>
    /// <returns>The result for all. Wait for it with <see cref="Task.WaitAsync(CancellationToken)"/> under a token of your own.</returns>
    /// <exception cref="ObjectDisposedException">The owner is disposed.</exception>
    public Task<T> Join(Func<CancellationToken, Task<T>> work)
    {
        lock (_gate)
        {
            RingDisposed.ThrowIf(_disposed.IsCancellationRequested);
            if (_running is null or { IsCompleted: true })
            {
                _running = SharedWork.Start(() => work(_disposed));
            }

            return _running;
        }
    }
}
