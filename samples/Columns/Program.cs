// How does a host with EF Core keep its customers' columns encrypted, each under the customer's own key?
// Runs offline on LocalAws, with SQLite; or with PostgreSQL, where BYOK_POSTGRES gives a server's connection string (--sqlite: SQLite all
// the same).
using System.Buffers;
using System.Diagnostics;
using System.Text;
using Columns;
using LocalAws;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms;

const int Rows = 10_000;
const int Page = 500; // rows of a request

var wrong = 0;
var postgres = Environment.GetEnvironmentVariable("BYOK_POSTGRES") is { Length: > 0 } server && !args.Contains("--sqlite") ? server : null;
await using var aws = await LocalAwsServer.StartAsync();
await using var database = await Database.CreateAsync(postgres);
var customers = new Dictionary<string, Customer> { ["acme"] = new(aws, "111122223333"), ["globex"] = new(aws, "444455556666") };
var protection = new EphemeralDataProtectionProvider(); // a host has AddDataProtection(), whose keys last
await using var writer = Host();
await using var reader = Host(); // another process of the host: it has no data key in its memory
await using var impatient = Host(TimeSpan.FromSeconds(3)); // one that asks every 3 seconds, not every 60, whether keys are still good
var contexts = reader.GetRequiredService<TenantContexts>();
foreach (var (tenant, customer) in customers)
{
    await SetSettingsAsync(tenant, customer.Settings());
}

Console.WriteLine(
    $"1. {Rows:N0} variables and some credentials for each of {customers.Count} tenants, written by EF Core into "
    + $"{(postgres is null ? "SQLite" : "PostgreSQL")}");
var start = Stopwatch.GetTimestamp();
foreach (var tenant in customers.Keys)
{
    await WriteAsync(tenant);
}

Check(
    aws.Log.Count("Encrypt") == customers.Count,
    $"{aws.Log.Count("Encrypt")} kms:Encrypt, one for each tenant's data key; {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s");

Console.WriteLine($"2. Read by another process of the host, in requests of {Page} rows");
start = Stopwatch.GetTimestamp();
foreach (var (tenant, customer) in customers)
{
    aws.Log.Clear();
    Check(await ReadAsync(tenant) == Rows, $"{tenant}: {Rows:N0} rows are what was written");
    var calls = aws.Log.Requests.Count(request => request.Operation == "Decrypt" && request.Key == customer.Key.Arn);
    Check(calls == 1, $"{tenant}: that cost {calls} kms:Decrypt");
}

Console.WriteLine($"   {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s");

Console.WriteLine("3. Someone takes a dump of the database");
var dump = Encoding.Latin1.GetString(await database.DumpAsync());
Check(
    customers.Values.All(customer => !dump.Contains(customer.Settings().Credentials.SecretAccessKey!, StringComparison.Ordinal)),
    "no customer's secret access key is found in them");
var plaintexts = SearchValues.Create(customers.Keys.SelectMany(Plaintexts).ToArray(), StringComparison.Ordinal);
Check(dump.Contains("workspace-7", StringComparison.Ordinal), $"{dump.Length:N0} bytes; what is stored unencrypted is found in them");
Check(
    !dump.AsSpan().ContainsAny(plaintexts), $"none of {customers.Keys.SelectMany(Plaintexts).Count():N0} names, values and credentials is");

Console.WriteLine("4. Someone who can write to the database moves encrypted values about");
var (acme, globex) = (await IdsAsync("acme"), await IdsAsync("globex"));
await RefusedAsync(
    "acme's value in globex's row",
    "globex",
    globex[0],
    $"UPDATE variables SET value = (SELECT value FROM variables WHERE id = {acme[0]}) WHERE id = {globex[0]}");
await RefusedAsync(
    "a value in another row of acme's",
    "acme",
    acme[1],
    $"UPDATE variables SET value = (SELECT value FROM variables WHERE id = {acme[0]}) WHERE id = {acme[1]}");
await RefusedAsync("a value in another column of its row", "acme", acme[0], $"UPDATE variables SET name = value WHERE id = {acme[0]}");
await RefusedAsync("acme's row given to globex", "globex", acme[0], $"UPDATE variables SET tenant = {"globex"} WHERE id = {acme[0]}");

Console.WriteLine("5. acme changes its KMS key: one stored data key is encrypted again, no row is touched");
var oldKey = customers["acme"].ChangeKey();
await SetSettingsAsync("acme", customers["acme"].Settings(oldKey));
await contexts.ReencryptAsync("acme");
await SetSettingsAsync("acme", customers["acme"].Settings());
oldKey.Disable();
Check(await ReadAsync("acme") == Rows, $"{oldKey.Arn} is disabled, and all {Rows:N0} rows open with {customers["acme"].Key.Arn}");

Console.WriteLine("6. globex gets another data key, while the host goes on");
var change = reader.GetRequiredService<DataKeyChange>();
start = Stopwatch.GetTimestamp();
await change.AddAsync("globex");
Check(await ReadAsync("globex") == Rows, "both data keys are open; the rows are under the old one");
Check(await change.MoveAsync("globex") == Plaintexts("globex").Count(), $"{Plaintexts("globex").Count():N0} values moved to the new one");
Check(await change.MoveAsync("globex") == 0, $"nothing is left; {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s");
await change.DropOldAsync("globex");
Check(await ReadAsync("globex") == Rows, "the old data key is dropped, and everything opens");

Console.WriteLine("7. acme disables its KMS key, and enables it again");
contexts = impatient.GetRequiredService<TenantContexts>();
Check(await ReadAsync("acme") == Rows, "acme: everything opens");
customers["acme"].Key.Disable();
var disabled = Stopwatch.GetTimestamp();
var refusal = await UntilRefusedAsync("acme");
Check(
    refusal?.Reason == ByokKeyUnavailableReason.KeyDisabled,
    $"acme: refused ({refusal?.Reason}) after {Stopwatch.GetElapsedTime(disabled).TotalSeconds:0.0} s");
Check(await ReadAsync("globex") == Rows, "globex: not concerned");
customers["acme"].Key.Enable();
await UntilServedAsync("acme");
Check(await ReadAsync("acme") == Rows, "acme: everything opens again");

Console.WriteLine(wrong == 0 ? "Everything went as expected." : $"{wrong} of the lines above are WRONG.");
return wrong == 0 ? 0 : 1;

ServiceProvider Host(TimeSpan? probeInterval = null)
{
    var services = new ServiceCollection();
    services.AddScalrByok(options =>
    {
        options.Endpoints.Kms[ByokEndpoints.AnyRegion] = options.Endpoints.Sts[ByokEndpoints.AnyRegion] = aws.Endpoint;
        options.ConfirmationInterval = probeInterval ?? options.ConfirmationInterval;
    }).AddColumns(database.Options, protection);
    return services.BuildServiceProvider();
}

async Task SetSettingsAsync(string tenant, ByokKeySettings settings)
{
    await ((CustomerStore)writer.GetRequiredService<IByokKeySettingsStore>()).SetAsync(tenant, settings);
    foreach (var process in (ServiceProvider[])[writer, reader, impatient])
    {
        process.GetRequiredService<IByokKeyRingProvider>().Invalidate(tenant);
    }
}

static string VariableName(string tenant, int row) => $"{tenant}_variable_{row}";

static string VariableValue(string tenant, int row) => $"correct horse battery staple {row} of {tenant}";

static IEnumerable<string> Plaintexts(string tenant) =>
    Enumerable.Range(0, Rows)
        .SelectMany(row => (string[])[VariableName(tenant, row), VariableValue(tenant, row)])
        .Append($"root-account-of-{tenant}")
        .Append($"secret-of-{tenant}");

async Task WriteAsync(string tenant)
{
    foreach (var page in Enumerable.Range(0, Rows).Chunk(Page))
    {
        await using var context = await writer.GetRequiredService<TenantContexts>().OpenAsync(tenant);
        context.AddRange(page.Select(row =>
            new Variable { Workspace = $"workspace-{row % 10}", Name = VariableName(tenant, row), Value = VariableValue(tenant, row) }));
        await context.SaveChangesAsync();
    }

    await using var last = await writer.GetRequiredService<TenantContexts>().OpenAsync(tenant);
    last.Add(new ProviderCredentials { Kind = "aws", Account = $"root-account-of-{tenant}", Secret = $"secret-of-{tenant}" });
    await last.SaveChangesAsync();
}

// How many rows are what was written; all of a tenant's are read.
async Task<int> ReadAsync(string tenant)
{
    var right = 0;
    for (var row = 0; row < Rows; row += Page)
    {
        await using var context = await contexts.OpenAsync(tenant);
        var variables = await context.Variables.AsNoTracking().OrderBy(variable => variable.Id).Skip(row).Take(Page).ToListAsync();
        right += variables.Count(one => int.Parse(one.Name.Split('_')[^1]) is var number
            && (one.Name, one.Value) == (VariableName(tenant, number), VariableValue(tenant, number)));
    }

    await using var last = await contexts.OpenAsync(tenant);
    var credentials = await last.ProviderCredentials.SingleAsync();
    return credentials.Secret == $"secret-of-{tenant}" ? right : 0;
}

async Task<List<Guid>> IdsAsync(string tenant)
{
    await using var context = await contexts.OpenAsync(tenant);
    return await context.Variables.OrderBy(row => row.Id).Select(row => row.Id).Take(2).ToListAsync();
}

async Task RefusedAsync(string what, string tenant, Guid row, FormattableString sql)
{
    await using var context = await contexts.OpenAsync(tenant);
    await using var transaction = await context.Database.BeginTransactionAsync(); // rolled back at the end
    var changed = await context.Database.ExecuteSqlAsync(sql);
    try
    {
        await context.Variables.SingleAsync(variable => variable.Id == row);
        Check(false, $"{what} opens");
    }
    catch (ByokDecryptionException e)
    {
        Check(changed == 1, $"{what}: {e.Message}");
    }
}

// After a denial, calls fail at once; after a pause of at most ConfirmationInterval, one of them asks AWS again.
async Task UntilServedAsync(string tenant)
{
    for (var enabled = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(enabled) < TimeSpan.FromSeconds(10); await Task.Delay(100))
    {
        try
        {
            await ReadAsync(tenant);
            return;
        }
        catch (ByokKeyUnavailableException)
        {
            // Not yet.
        }
    }
}

async Task<ByokKeyUnavailableException?> UntilRefusedAsync(string tenant)
{
    for (var started = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(10);)
    {
        try
        {
            await using var context = await contexts.OpenAsync(tenant);
            await context.Variables.AsNoTracking().FirstAsync();
            await Task.Delay(10);
        }
        catch (ByokKeyUnavailableException e)
        {
            return e;
        }
    }

    return null;
}

void Check(bool asExpected, string text)
{
    wrong += asExpected ? 0 : 1;
    Console.WriteLine($"   {(asExpected ? "ok   " : "WRONG")} {text}");
}
