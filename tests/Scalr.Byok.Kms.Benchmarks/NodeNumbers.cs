using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Scalr.Byok.Kms.Benchmarks;

/// <summary>What AWS's Encryption SDK for JavaScript takes. Nothing is measured where Node.js or the package is missing.</summary>
internal sealed class NodeNumbers
{
    /// <summary>Where <c>npm ci</c> installs the package, from the root of the repository.</summary>
    private const string Packages = "artifacts/client-node";

    private readonly List<Dictionary<string, double>> _rounds = [];

    private NodeNumbers()
    {
    }

    public static async Task<NodeNumbers> StartAsync(params int[] sizes)
    {
        NodeNumbers numbers = new();
        var modules = Path.GetFullPath(Path.Combine(Packages, "node_modules"));
        if (!Directory.Exists(modules))
        {
            Console.Error.WriteLine(
                "The Encryption SDK for JavaScript is not measured: the package is not in artifacts/client-node. The gate installs it.");
            return numbers;
        }

        try
        {
            for (var round = 0; round < 3; round++)
            {
                ProcessStartInfo start = new("node", [Path.Combine(AppContext.BaseDirectory, "client-node.js")])
                {
                    RedirectStandardOutput = true,
                };
                start.Environment["NODE_PATH"] = modules;
                Array.ForEach(sizes, size => start.ArgumentList.Add(size.ToString(CultureInfo.InvariantCulture)));
                using var process = Process.Start(start)!;
                var output = await process.StandardOutput.ReadToEndAsync();
                await process.WaitForExitAsync();
                numbers._rounds.Add(JsonSerializer.Deserialize<Dictionary<string, double>>(output)!);
            }
        }
        catch (Win32Exception)
        {
            Console.Error.WriteLine("The Encryption SDK for JavaScript is not measured: Node.js is not installed.");
        }

        return numbers;
    }

    public Row Row(string name) =>
        new("AWS's Encryption SDK for JavaScript", Work: null) { Rounds = [.. _rounds.Select(round => round[name]).Order()] };
}
