using Microsoft.Data.Sqlite;

namespace WebHost;

/// <summary>What the operator of the host configures.</summary>
public sealed class HostSettings
{
    /// <summary>Where data protection keys, files, and the database of SQLite are. All instances share it.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>The connection string of the database.</summary>
    public required string Database { get; init; }

    /// <summary>The connection string of Redis; null for one instance.</summary>
    public string? Redis { get; init; }

    /// <summary>The URL of the host's OpenID Connect issuer.</summary>
    public required Uri Issuer { get; init; }

    /// <summary>The host's AWS account, which trust policies of customers name.</summary>
    public required string HostAccountId { get; init; }

    /// <summary>Reads the configuration.</summary>
    /// <param name="configuration">The configuration.</param>
    /// <param name="scratch">The folder for data if the configuration names none.</param>
    public static HostSettings Read(IConfiguration configuration, Func<string> scratch)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var directory = configuration["DataDirectory"] ?? scratch();
        Directory.CreateDirectory(directory);
        var sqlite = new SqliteConnectionStringBuilder { DataSource = Path.Combine(directory, "webhost.db") };
        return new()
        {
            DataDirectory = directory,
            Database = configuration.GetConnectionString("Postgres") ?? sqlite.ToString(),
            Redis = configuration.GetConnectionString("Redis"),
            Issuer = new Uri(configuration["Issuer"] ?? "https://webhost.example"),
            HostAccountId = configuration["Byok:HostAccountId"] ?? "",
        };
    }
}
