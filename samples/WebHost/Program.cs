namespace WebHost;

/// <summary>Starts the host. README.md says how to try it.</summary>
internal static class Program
{
    private static async Task Main(string[] args)
    {
        await using var app = await WebHostApplication.CreateAsync(args);
        await app.StartAsync();
        foreach (var url in app.Urls)
        {
            Console.WriteLine($"Open {url} and sign in to one of the demo accounts. Ctrl+C stops the host.");
        }

        await app.WaitForShutdownAsync();
    }
}
