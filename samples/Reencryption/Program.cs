// How does a host move a million stored values to another key, while people work with them and processes are killed?
// Runs offline on LocalAws, with SQLite; or with PostgreSQL, where BYOK_POSTGRES or --postgres gives a server's connection string.
using System.Globalization;
using Microsoft.Extensions.Configuration;
using Reencryption;
using Reencryption.Demo;

if (args is [Runner.Argument, ..])
{
    return await Runner.RunAsync(args[1..]);
}

if (args is ["compare", ..])
{
    var settings = new ConfigurationBuilder().AddCommandLine(args[1..]).Build();
    await Comparison.RunAsync(settings["postgres"], settings.GetValue("rows", 50_000));
    return 0;
}

if (args is [] || !Enum.TryParse<Way>(args[0], ignoreCase: true, out var way))
{
    Console.WriteLine("Usage: hosted|quartz [--rows N] [--kill SECONDS] [--processes N] [--postgres CONNECTION]. README.md says more.");
    return 2;
}

var given = new ConfigurationBuilder().AddCommandLine(args[1..]).Build();
var postgres = given["postgres"] ?? Environment.GetEnvironmentVariable("BYOK_POSTGRES");
postgres = string.IsNullOrEmpty(postgres) ? null : postgres;
if (way == Way.Quartz && postgres is null)
{
    Console.WriteLine("Clustered Quartz.NET needs PostgreSQL. Set BYOK_POSTGRES to the connection string of a server, or use: hosted");
    return 2;
}

var options = new DemoOptions
{
    Way = way,
    Postgres = postgres,
    Rows = given.GetValue("rows", postgres is null ? 50_000 : 500_000),
    Runners = given.GetValue("processes", way == Way.Quartz ? 2 : 1),
    KillAfter = given["kill"] is { } seconds ? TimeSpan.FromSeconds(double.Parse(seconds, CultureInfo.InvariantCulture)) : null,
    Output = Console.Out,
};
var result = await Demonstration.RunAsync(options);
var wrong = 0;
foreach (var (column, count) in result.Counts)
{
    var old = count.ByKey.GetValueOrDefault(result.OldKey);
    Check(count.Remaining == 0, $"{column}: {old:N0} of {count.Total:N0} items under {result.OldKey}");
}

Check(result.LostUpdates == 0, $"{result.LostUpdates:N0} lost updates of {result.Writes:N0}");
Check(result.WrongReads.Count == 0, $"{result.WrongReads.Count:N0} wrong reads of {result.Reads:N0} rows");
Check(result.Quarantined.Count == 0, $"{result.Quarantined.Count:N0} values could not be moved");
var values = result.Moves.Sum(move => move.Moved);
Console.WriteLine($"   {result.Kills} kills; {result.Time.TotalSeconds:0} s, {values / result.Time.TotalSeconds:N0} values per second");
Console.WriteLine($"   {result.KmsCalls.Encrypt} kms:Encrypt, {result.KmsCalls.Decrypt} kms:Decrypt by all processes");
return wrong == 0 ? 0 : 1;

void Check(bool asExpected, string text)
{
    wrong += asExpected ? 0 : 1;
    Console.WriteLine($"   {(asExpected ? "ok   " : "WRONG")} {text}");
}
