// What do many instances of a host cost, and how soon do all of them notice a revocation, whatever happens to processes and to Redis?
// Runs offline on LocalAws, with a Redis that it starts; or with a running one: --redis localhost:6379
using System.Diagnostics;
using System.Runtime.InteropServices;
using Fleet.Demo;

if (args is [Instance.Argument, ..])
{
    return await Instance.RunAsync(args[1..]);
}

if (DemoOptions.TryParse(args) is not { } options)
{
    Console.WriteLine(
        "Usage: [--processes N] [--tenants N] [--redis CONNECTION]: at least 3 processes and 10 tenants. README.md says more.");
    return 2;
}

// On Ctrl+C and on SIGTERM, all processes and Redis are ended first.
using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
var start = Stopwatch.GetTimestamp();
try
{
    var findings = await Demonstration.RunAsync(options with { Output = Console.Out }, stop.Token);
    var missed = findings.Count(finding => !finding.IsMet);
    Console.WriteLine($"{missed} limits missed. {Stopwatch.GetElapsedTime(start).TotalSeconds:0} s");
    return missed == 0 ? 0 : 1;
}
catch (InvalidOperationException e)
{
    Console.WriteLine(e.Message);
    return 2;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    Console.WriteLine("Interrupted.");
    return 130;
}

void Cancel(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}
