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

/// <summary>The variables of the signed-in account: add, import, reveal, delete.</summary>
/// <param name="data">The tenant's data.</param>
[Authorize(SignedInAccount.Policy)]
[ResponseCache(NoStore = true, Location = ResponseCacheLocation.None)]
public sealed class VariablesModel(TenantData data) : PageModel
{
    private const int MostRows = 500;

    /// <summary>The page decrypts names. It decrypts a value only to show it.</summary>
    private static readonly EncryptedColumn NameColumn =
        EncryptedColumn.Of(typeof(Variable)).Single(column => column.Text == nameof(Variable.Name));

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

    /// <summary>The variable whose value is shown; null if all are masked.</summary>
    public Guid? Revealed { get; private set; }

    /// <summary>Shows the masked variables.</summary>
    public Task OnGetAsync(CancellationToken stop) => LoadAsync(stop);

    /// <summary>Shows the value of one variable.</summary>
    public Task OnPostRevealAsync(Guid id, CancellationToken stop)
    {
        Revealed = id;
        return LoadAsync(stop);
    }

    /// <summary>Adds a variable.</summary>
    public async Task<IActionResult> OnPostAddAsync(
        [Required] string workspace, [Required] string name, string? value, CancellationToken stop)
    {
        if (!ModelState.IsValid)
        {
            await LoadAsync(stop);
            return Page();
        }

        return await AddAsync([new() { Workspace = workspace, Name = name, Value = value ?? "" }], stop);
    }

    /// <summary>Adds many variables, given as lines NAME=value.</summary>
    public async Task<IActionResult> OnPostImportAsync([Required] string workspace, [Required] string lines, CancellationToken stop)
    {
        var rows = (lines ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(line => line.Split('=', 2)).ToList();
        if (!ModelState.IsValid || rows.Exists(parts => parts.Length != 2 || parts[0].Length == 0))
        {
            ModelState.AddModelError(nameof(lines), "Write one variable on each line: NAME=value.");
            await LoadAsync(stop);
            return Page();
        }

        return await AddAsync(rows.ConvertAll(parts => new Variable { Workspace = workspace, Name = parts[0], Value = parts[1] }), stop);
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

    private async Task LoadAsync(CancellationToken stop)
    {
        var (after, size) = (After ?? Guid.Empty, Math.Clamp(Size, 1, MostRows));
        (Rows, Total) = await data.ReadAsync(
            User.Tenant(),
            async context =>
            {
                var rows = await context.Variables.AsNoTracking().Where(row => row.Id > after).OrderBy(row => row.Id).Take(size)
                    .Select(row => new { row.Id, row.Workspace, Name = EF.Property<byte[]>(row, NameColumn.Stored) }).ToListAsync(stop);
                var revealed = Revealed is { } id
                    ? await context.Variables.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, stop)
                    : null;
                return (
                    rows.ConvertAll(row => row.Id == revealed?.Id ? revealed : new Variable
                    {
                        Id = row.Id,
                        Workspace = row.Workspace,
                        Name = context.DataKeys!.DecryptText(row.Name, NameColumn.Place(row.Id)),
                    }),
                    await context.Variables.LongCountAsync(stop));
            },
            stop);
    }
}
