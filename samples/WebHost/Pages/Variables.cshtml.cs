using System.ComponentModel.DataAnnotations;
using Columns;
using Columns.Encryption;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.EntityFrameworkCore;
using WebHost.Accounts;
using WebHost.Data;

namespace WebHost.Pages;

/// <summary>
/// The variables of the signed-in account: add, import, reveal, delete. A form without the field <c>sensitive</c> adds sensitive variables.
/// </summary>
/// <param name="data">The tenant's data.</param>
[Authorize(SignedInAccount.Policy)]
[ResponseCache(NoStore = true, Location = ResponseCacheLocation.None)]
public sealed class VariablesModel(TenantData data) : PageModel
{
    private const int MostRows = 500;

    /// <summary>The page decrypts names. It decrypts a sensitive value only to show it.</summary>
    private static readonly EncryptedColumn NameColumn = ColumnOf(nameof(Variable.Name));

    private static readonly EncryptedColumn ValueColumn = ColumnOf(nameof(Variable.Value));

    /// <summary>The row after which the page begins.</summary>
    [BindProperty(SupportsGet = true)]
    public Guid? After { get; set; }

    /// <summary>The number of variables on the page.</summary>
    [BindProperty(SupportsGet = true)]
    [Range(1, MostRows)]
    public int Size { get; set; } = 50;

    /// <summary>The variables of this page.</summary>
    public IReadOnlyList<Variable> Rows { get; private set; } = [];

    /// <summary>The number of all variables of the account.</summary>
    public long Total { get; private set; }

    /// <summary>The sensitive variable whose value is shown; null if all of them are masked.</summary>
    public Guid? Revealed { get; private set; }

    /// <summary>Shows the variables, the sensitive ones masked.</summary>
    public Task OnGetAsync(CancellationToken stop) => LoadAsync(stop);

    /// <summary>Shows the value of one variable.</summary>
    public Task OnPostRevealAsync(Guid id, CancellationToken stop)
    {
        Revealed = id;
        return LoadAsync(stop);
    }

    /// <summary>Adds a variable.</summary>
    public async Task<IActionResult> OnPostAddAsync(
        [Required, StringLength(Limits.Workspace)] string workspace,
        [Required, StringLength(Limits.Name)] string name,
        string? value,
        bool? sensitive,
        CancellationToken stop)
    {
        if (!ModelState.IsValid)
        {
            await LoadAsync(stop);
            return Page();
        }

        return await AddAsync([new() { Workspace = workspace, Name = name, Value = value ?? "", IsSensitive = sensitive ?? true }], stop);
    }

    /// <summary>Adds many variables, given as lines NAME=value.</summary>
    public async Task<IActionResult> OnPostImportAsync(
        [Required, StringLength(Limits.Workspace)] string workspace, [Required] string lines, bool? sensitive, CancellationToken stop)
    {
        var rows = (lines ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(line => line.Split('=', 2)).ToList();
        if (!ModelState.IsValid || rows.Exists(parts => parts.Length != 2 || parts[0].Length is 0 or > Limits.Name))
        {
            ModelState.AddModelError(
                nameof(lines), $"Write one variable on each line: NAME=value. A name has at most {Limits.Name} characters.");
            await LoadAsync(stop);
            return Page();
        }

        // The page shows variables by id. A millisecond more for each line keeps the order of the lines.
        var now = DateTimeOffset.UtcNow;
        return await AddAsync(
            [
                .. rows.Select((parts, line) => new Variable
                {
                    Id = Guid.CreateVersion7(now.AddMilliseconds(line)),
                    Workspace = workspace,
                    Name = parts[0],
                    Value = parts[1],
                    IsSensitive = sensitive ?? true,
                }),
            ],
            stop);
    }

    /// <summary>Deletes a variable.</summary>
    public async Task<IActionResult> OnPostDeleteAsync(Guid id, CancellationToken stop)
    {
        await data.WriteAsync(
            User.Tenant(), context => context.Variables.Where(row => row.Id == id).ExecuteDeleteAsync(stop), stop);
        return RedirectToPage(new { After, Size });
    }

    private async Task<IActionResult> AddAsync(List<Variable> rows, CancellationToken stop)
    {
        await data.WriteAsync(
            User.Tenant(),
            context =>
            {
                context.ChangeTracker.AutoDetectChangesEnabled = false;
                context.AddRange(rows);
                return Task.CompletedTask;
            },
            stop);
        return RedirectToPage(new { Size });
    }

    private static EncryptedColumn ColumnOf(string text) =>
        EncryptedColumn.Of(typeof(Variable)).Single(column => column.Text == text);

    private async Task LoadAsync(CancellationToken stop)
    {
        var (after, size) = (After ?? Guid.Empty, Math.Clamp(Size, 1, MostRows));
        (Rows, Total) = await data.ReadAsync(
            User.Tenant(),
            async context =>
            {
                var rows = await context.Variables.AsNoTracking().Where(row => row.Id > after).OrderBy(row => row.Id).Take(size)
                    .Select(row => new
                    {
                        row.Id,
                        row.Workspace,
                        row.IsSensitive,
                        Name = EF.Property<byte[]?>(row, NameColumn.Stored),
                        PlainName = EF.Property<string?>(row, NameColumn.Plain!),
                        PlainValue = EF.Property<string?>(row, ValueColumn.Plain!),
                    }).ToListAsync(stop);
                var revealed = Revealed is { } id
                    ? await context.Variables.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, stop)
                    : null;
                return (
                    rows.ConvertAll(row => row.Id == revealed?.Id ? revealed : new Variable
                    {
                        Id = row.Id,
                        Workspace = row.Workspace,
                        IsSensitive = row.IsSensitive,
                        Name = row.IsSensitive ? context.DataKeys!.DecryptText(row.Name!, NameColumn.Place(row.Id)) : row.PlainName!,
                        Value = row.IsSensitive ? null : row.PlainValue,
                    }),
                    await context.Variables.LongCountAsync(stop));
            },
            stop);
    }
}
