using System.ComponentModel.DataAnnotations;
using Columns;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.EntityFrameworkCore;
using WebHost.Accounts;
using WebHost.Data;

namespace WebHost.Pages;

/// <summary>
/// Changes a variable of the signed-in account, and whether it is sensitive. Both directions need the key: a sensitive variable is
/// decrypted to become plain text, and plain text is encrypted to become sensitive. While the key is unavailable, nothing changes.
/// </summary>
/// <param name="data">The tenant's data.</param>
[Authorize(SignedInAccount.Policy)]
[ResponseCache(NoStore = true, Location = ResponseCacheLocation.None)]
public sealed class VariableModel(TenantData data) : PageModel
{
    /// <summary>The variable. The page shows its value only if it is not sensitive.</summary>
    public Variable Row { get; private set; } = null!;

    /// <summary>Why the change was not made; null if none was tried.</summary>
    public string? Notice { get; private set; }

    /// <summary>Shows the variable.</summary>
    public async Task<IActionResult> OnGetAsync(Guid id, CancellationToken stop)
    {
        var row = await data.ReadAsync(
            User.Tenant(), context => context.Variables.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, stop), stop);
        if (row is null)
        {
            return NotFound();
        }

        Row = row;
        return Page();
    }

    /// <summary>Changes the variable.</summary>
    /// <param name="id">The variable.</param>
    /// <param name="workspace">The workspace.</param>
    /// <param name="name">The name.</param>
    /// <param name="value">The value. Empty for a variable that was sensitive: the value stays.</param>
    /// <param name="sensitive">Whether it is sensitive afterwards; null: yes.</param>
    /// <param name="was">Whether it was sensitive when the page was shown. The field for the value means something else then.</param>
    /// <param name="stop">Ends the request.</param>
    public async Task<IActionResult> OnPostAsync(
        Guid id,
        [Required, StringLength(Limits.Workspace)] string workspace,
        [Required, StringLength(Limits.Name)] string name,
        string? value,
        bool? sensitive,
        bool was,
        CancellationToken stop)
    {
        if (!ModelState.IsValid)
        {
            return await OnGetAsync(id, stop);
        }

        try
        {
            var isChanged = false;
            await data.WriteAsync(
                User.Tenant(),
                async context =>
                {
                    var row = await context.Variables.SingleOrDefaultAsync(row => row.Id == id, stop);
                    isChanged = row?.IsSensitive == was;
                    if (isChanged)
                    {
                        (row!.Workspace, row.Name, row.IsSensitive) = (workspace, name, sensitive ?? true);
                        row.Value = was && string.IsNullOrEmpty(value) ? row.Value : value ?? "";
                    }
                },
                stop);
            if (isChanged)
            {
                return Redirect("/Variables");
            }
        }
        catch (DbUpdateConcurrencyException)
        {
            // Another request has changed the variable since this one has read it.
        }

        Notice = "The variable was changed in another tab or by another person. Nothing was changed by you. This is the present state.";
        ModelState.Clear();
        return await OnGetAsync(id, stop);
    }
}
