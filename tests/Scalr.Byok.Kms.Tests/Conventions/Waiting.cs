using System.Reflection;

namespace Scalr.Byok.Kms.Tests.Conventions;

/// <summary>Finds code that blocks its thread until a task, a signal or a device is ready. Locks are not found, as they are held for a few
/// instructions only, nor Parallel.For, as the caller's thread works with the others.</summary>
internal static class Waiting
{
    private static readonly Dictionary<string, string[]> Calls = new()
    {
        ["System.Threading.Tasks.Task"] = ["Wait", "WaitAll", "WaitAny", "RunSynchronously"],
        ["System.Threading.Tasks.Task`1"] = ["get_Result"],
        ["System.Threading.Tasks.ValueTask`1"] = ["get_Result"],
        ["System.Threading.Monitor"] = ["Wait"],
        ["System.Threading.WaitHandle"] = ["WaitOne", "WaitAll", "WaitAny", "SignalAndWait"],
        ["System.Threading.ManualResetEventSlim"] = ["Wait"],
        ["System.Threading.SemaphoreSlim"] = ["Wait"],
        ["System.Threading.CountdownEvent"] = ["Wait"],
        ["System.Threading.Barrier"] = ["SignalAndWait"],
        ["System.Threading.SpinWait"] = ["SpinOnce", "SpinUntil"],
        ["System.Threading.Thread"] = ["Sleep", "Join", "SpinWait"],
        ["System.Collections.Concurrent.BlockingCollection`1"] = ["Take", "TryTake", "Add", "GetConsumingEnumerable"],
        ["System.Net.Http.HttpClient"] = ["Send"],
        ["System.IO.File"] = ["ReadAllBytes", "ReadAllText", "ReadAllLines", "WriteAllBytes", "WriteAllText", "WriteAllLines"],
    };

    /// <summary>The method's calls that block, each as its type and name.</summary>
    public static IEnumerable<string> In(MethodBase method)
    {
        var calls = MethodCalls.From(method).ToList();
        var found = calls.Where(call => Calls.TryGetValue(TypeOf(call), out var names) && names.Contains(call.Name))
            .Select(call => $"{TypeOf(call)}.{call.Name}");

        // An await asks IsCompleted before its GetResult. What asks for a result more often than that waits for it.
        var results = calls.Count(call => IsAwaiter(call) && call.Name == "GetResult");
        var awaits = calls.Count(call => IsAwaiter(call) && call.Name == "get_IsCompleted");
        return results > awaits ? found.Append("GetAwaiter().GetResult") : found;
    }

    private static bool IsAwaiter(MethodBase call) =>
        call.DeclaringType?.Name is { } name && name.Split('`')[0].EndsWith("Awaiter", StringComparison.Ordinal);

    private static string TypeOf(MethodBase call) => call.DeclaringType is { } type ? $"{type.Namespace}.{type.Name}" : "";
}
