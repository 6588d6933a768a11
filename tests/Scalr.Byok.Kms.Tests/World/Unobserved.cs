using System.Collections.Concurrent;

namespace Scalr.Byok.Kms.Tests.World;

/// <summary>Hears of tasks that failed and that no one looked at. What runs beside it is heard, too, unless there is a mark.</summary>
internal sealed class Unobserved : IDisposable
{
    private readonly ConcurrentQueue<string> _failures = new();
    private readonly string _mark;

    /// <param name="mark">Only failures whose text contains it.</param>
    public Unobserved(string mark = "")
    {
        _mark = mark;
        Collect(); // what others have left
        TaskScheduler.UnobservedTaskException += Note;
    }

    /// <summary>There were none until now.</summary>
    public void DemandNone()
    {
        Collect();
        Assert.That(_failures, Is.Empty, "no one saw these fail");
    }

    public void Dispose() => TaskScheduler.UnobservedTaskException -= Note;

    /// <summary>Has the garbage collector find the tasks that are not used any more, so that their failures are reported.</summary>
    public static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    private void Note(object? sender, UnobservedTaskExceptionEventArgs e)
    {
        var text = e.Exception.ToString();
        if (text.Contains(_mark, StringComparison.Ordinal))
        {
            _failures.Enqueue(text);
        }
    }
}
