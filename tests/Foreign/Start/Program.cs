using System.Diagnostics.Tracing;
using LocalAws;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms;

// Writes how many methods of the library this process compiles before its first encrypted byte. The package has them compiled already.
using var compiled = new CompiledMethods();
await using var customer = await DemoCustomer.StartAsync();
var configuration = new ConfigurationBuilder().AddInMemoryCollection(customer.Configuration).Build();
var services = new ServiceCollection();
services.AddScalrByok(configuration.GetSection("Byok")).AddKeyRing(configuration.GetSection("Acme"));
await using var provider = services.BuildServiceProvider();
await provider.GetRequiredService<IByokKeyRing>().EncryptTextAsync("secret");
Console.WriteLine(compiled.Count);

internal sealed class CompiledMethods : EventListener
{
    private const EventKeywords Jit = (EventKeywords)0x10;
    private int _count;

    public int Count => _count;

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == "Microsoft-Windows-DotNETRuntime")
        {
            EnableEvents(eventSource, EventLevel.Verbose, Jit);
        }
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        if (eventData.EventName?.StartsWith("MethodLoadVerbose", StringComparison.Ordinal) == true
            && eventData.PayloadNames!.IndexOf("MethodNamespace") is var index and >= 0
            && eventData.Payload![index] is string type
            && type.StartsWith("Scalr.Byok.Kms.", StringComparison.Ordinal))
        {
            Interlocked.Increment(ref _count);
        }
    }
}
