using Scalr.Byok.Kms.Errors;

namespace Scalr.Byok.Kms.Resilience;

/// <summary>Work that runs at most once at a time and whose result concurrent callers share. Safe for concurrent use.</summary>
/// <remarks>
/// The work runs on its own task, without the context of the caller that started it. A caller that stops waiting does not end it. Only its
/// own time limit or the disposal of the owner does.
/// </remarks>
/// <typeparam name="T">The result.</typeparam>
internal sealed class SingleFlight<T>
{
    private readonly Lock _gate = new();
    private readonly SharedWork _work;

    // Written under the lock, so that two callers never start the work twice.
    private Task<T>? _running;

    /// <param name="work">Starts the work, and ends it when the owner is disposed.</param>
    public SingleFlight(SharedWork work) => _work = work;

    /// <summary>Whether the work is under way.</summary>
    // Without the lock: an old answer starts nothing twice, because Join decides again under the lock.
    public bool IsRunning => Volatile.Read(ref _running) is { IsCompleted: false };

    /// <summary>Starts the work, or joins the work under way.</summary>
    /// <param name="work">The work. Gets the token that ends it.</param>
    /// <returns>The shared result. Each caller waits by <see cref="Task.WaitAsync(CancellationToken)"/> under its own token.</returns>
    /// <exception cref="ObjectDisposedException">The owner is disposed. The task fails with it; the method does not throw.</exception>
    public Task<T> Join(Func<CancellationToken, Task<T>> work)
    {
        lock (_gate)
        {
            // A failed task, because a timer starts work too, and an exception on its thread would end the process. The owner may be
            // disposed after the timer's own check.
            if (_work.Disposed.IsCancellationRequested)
            {
                return Task.FromException<T>(new ObjectDisposedException(RingDisposed.Name)).Observed();
            }

            // A completed task is not used again: its answer may be older than the caller's question.
            if (_running is null or { IsCompleted: true })
            {
                _running = _work.Start(() => work(_work.Disposed));
            }

            return _running;
        }
    }
}
