using System.Reflection;

namespace Scalr.Byok.Kms.Tests.Conventions;

/// <summary>No method of the library blocks its thread until a task, a signal or a device is ready.</summary>
internal sealed class WaitingTests
{
    [Test]
    public void No_method_waits_for_a_task_or_a_signal()
    {
        var methods = MethodCalls.MethodsOf(typeof(IByokKeyRing).Assembly.GetTypes()).ToList();

        Assert.That(methods, Has.Count.GreaterThan(2000), "the library's methods are read");
        Assert.That(methods.SelectMany(Waiting.In, (method, wait) => $"{method.DeclaringType}.{method.Name}: {wait}"), Is.Empty);
    }

    [TestCase(nameof(Samples.Wait), "System.Threading.Tasks.Task.Wait")]
    [TestCase(nameof(Samples.Result), "System.Threading.Tasks.Task`1.get_Result")]
    [TestCase(nameof(Samples.GetResult), "GetAwaiter().GetResult")]
    [TestCase(nameof(Samples.GetConfiguredResult), "GetAwaiter().GetResult")]
    [TestCase(nameof(Samples.Semaphore), "System.Threading.SemaphoreSlim.Wait")]
    [TestCase(nameof(Samples.Signal), "System.Threading.WaitHandle.WaitOne")]
    [TestCase(nameof(Samples.Sleep), "System.Threading.Thread.Sleep")]
    public void A_method_that_waits_is_found(string name, string wait) =>
        Assert.That(Waiting.In(typeof(Samples).GetMethod(name)!), Is.EqualTo((string[])[wait]));

    [Test]
    public void A_wait_inside_an_async_method_is_found_and_an_await_is_none() =>
        Assert.That(
            MethodCalls.MethodsOf(typeof(Samples).GetNestedTypes(BindingFlags.NonPublic)).Where(method => Waiting.In(method).Any())
                .Select(method => method.DeclaringType!.Name.Split('>')[0]),
            Is.EqualTo((string[])[$"<{nameof(Samples.AwaitAndGetResultAsync)}"]));

    private static class Samples
    {
        public static void Wait(Task task) => task.Wait();

        public static int Result(Task<int> task) => task.Result;

        public static void GetResult(Task task) => task.GetAwaiter().GetResult();

        public static int GetConfiguredResult(Task<int> task) => task.ConfigureAwait(false).GetAwaiter().GetResult();

        public static void Semaphore(SemaphoreSlim semaphore) => semaphore.Wait();

        public static void Signal(ManualResetEvent signal) => signal.WaitOne();

        public static void Sleep() => Thread.Sleep(TimeSpan.Zero);

        public static async Task<int> AwaitAsync(Task<int> task) => await task + await task.ConfigureAwait(false);

        public static async Task<int> AwaitAndGetResultAsync(Task<int> task) => await task + task.GetAwaiter().GetResult();
    }
}
