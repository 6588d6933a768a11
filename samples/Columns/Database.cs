using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Columns;

/// <summary>A scratch database: a file of SQLite, or a database of its own on a PostgreSQL server. Gone when it is disposed.</summary>
public sealed class Database : IAsyncDisposable
{
    private readonly DirectoryInfo? _directory;

    private Database(string? postgres)
    {
        if (postgres is null)
        {
            _directory = Directory.CreateTempSubdirectory("columns-");
            ConnectionString = new SqliteConnectionStringBuilder { DataSource = Path.Combine(_directory.FullName, "host.db") }.ToString();
        }
        else
        {
            ConnectionString = new NpgsqlConnectionStringBuilder(postgres) { Database = $"columns_{Guid.NewGuid():N}" }.ToString();
        }

        Options = OptionsOf<HostContext>(ConnectionString);
    }

    /// <summary>How other processes reach it.</summary>
    public string ConnectionString { get; }

    /// <summary>How EF Core reaches it.</summary>
    public DbContextOptions<HostContext> Options { get; }

    /// <summary>Whether a connection string is of PostgreSQL, not of SQLite.</summary>
    public static bool IsPostgres(string connectionString) =>
        !connectionString.StartsWith("Data Source=", StringComparison.OrdinalIgnoreCase);

    /// <summary>How EF Core reaches a database.</summary>
    /// <typeparam name="T">The context.</typeparam>
    public static DbContextOptions<T> OptionsOf<T>(string connectionString)
        where T : DbContext
    {
        var builder = new DbContextOptionsBuilder<T>();
        return (IsPostgres(connectionString) ? builder.UseNpgsql(connectionString) : builder.UseSqlite(connectionString)).Options;
    }

    /// <summary>Creates the database and its tables.</summary>
    /// <param name="postgres">The connection string of a PostgreSQL server whose user may create databases; null: SQLite.</param>
    public static async Task<Database> CreateAsync(string? postgres)
    {
        var database = new Database(postgres);
        await using var context = new HostContext(database.Options);
        await context.Database.EnsureCreatedAsync();
        return database;
    }

    /// <summary>
    /// The bytes that the database keeps: SQLite's files, the log included; the rows of all tables, as PostgreSQL copies them out.
    /// </summary>
    public async Task<byte[]> DumpAsync()
    {
        using var dump = new MemoryStream();
        if (_directory is not null)
        {
            foreach (var file in _directory.GetFiles())
            {
                await using var stream = new FileStream(file.FullName, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
                await stream.CopyToAsync(dump);
            }

            return dump.ToArray();
        }

        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        foreach (var table in (string[])["variables", "provider_credentials", "data_keys", "key_settings", "key_resources"])
        {
            await using var copy = await connection.BeginRawBinaryCopyAsync($"COPY {table} TO STDOUT (FORMAT BINARY)");
            await copy.CopyToAsync(dump);
        }

        return dump.ToArray();
    }

    /// <summary>Deletes the database.</summary>
    public async ValueTask DisposeAsync()
    {
        await using (var context = new HostContext(Options))
        {
            await context.Database.EnsureDeletedAsync();
        }

        _directory?.Delete(recursive: true);
    }
}
