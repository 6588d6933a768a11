using System.Globalization;

namespace Fleet.Demo;

/// <summary>What the demonstration does.</summary>
public sealed record DemoOptions
{
    /// <summary>The number of processes, at least 3.</summary>
    public int Processes { get; init; } = 5;

    /// <summary>The number of tenants, at least 10.</summary>
    public int Tenants { get; init; } = 200;

    /// <summary>The connection string of a Redis that runs; null: the demonstration starts one, and stops it in the course.</summary>
    public string? Redis { get; init; }

    /// <summary>Whether requests are counted.</summary>
    public bool CountsRequests { get; init; } = true;

    /// <summary>Whether entries in Redis are replayed and forged, and Redis is suspended.</summary>
    public bool DisturbsRedis { get; init; } = true;

    /// <summary>The options of the instances while requests are counted.</summary>
    public InstanceTimes Counting { get; init; } = new()
    {
        ConfirmationInterval = TimeSpan.FromSeconds(15),
        RoleCheckInterval = TimeSpan.FromSeconds(30),
        MaxAge = TimeSpan.FromHours(1),
    };

    /// <summary>The options of the instances while limits are measured.</summary>
    public InstanceTimes Limits { get; init; } = new()
    {
        ConfirmationInterval = TimeSpan.FromSeconds(5),
        RoleCheckInterval = TimeSpan.FromSeconds(25),
        MaxAge = TimeSpan.FromSeconds(20),
    };

    /// <summary>How many times as long as above all times are. Two processor cores need more time for more processes and tenants.</summary>
    public double Slowness => Math.Max(1, Processes * Tenants / 1_000.0);

    /// <summary>Where the findings are written to.</summary>
    public TextWriter Output { get; init; } = TextWriter.Null;

    /// <summary>Reads the arguments of the sample; null if they are wrong.</summary>
    public static DemoOptions? TryParse(IReadOnlyList<string> args)
    {
        ArgumentNullException.ThrowIfNull(args);
        var options = new DemoOptions();
        for (var i = 0; i + 1 < args.Count; i += 2)
        {
            var isNumber = int.TryParse(args[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var number);
            switch (args[i])
            {
                case "--processes" when isNumber && number >= 3:
                    options = options with { Processes = number };
                    break;
                case "--tenants" when isNumber && number >= 10:
                    options = options with { Tenants = number };
                    break;
                case "--redis" when args[i + 1].Length > 0:
                    options = options with { Redis = args[i + 1] };
                    break;
                default:
                    return null;
            }
        }

        return args.Count % 2 == 0 ? options : null;
    }
}
