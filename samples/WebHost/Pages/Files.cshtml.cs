using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using WebHost.Accounts;
using WebHost.Files;

namespace WebHost.Pages;

/// <summary>The files of the signed-in account.</summary>
/// <param name="files">The files.</param>
[Authorize(SignedInAccount.Policy)]
[ResponseCache(NoStore = true, Location = ResponseCacheLocation.None)]
public sealed class FilesModel(FileStore files) : PageModel
{
    /// <summary>The files, the newest first.</summary>
    public IReadOnlyList<StoredFile> Rows { get; private set; } = [];

    /// <summary>Shows the files.</summary>
    public async Task OnGetAsync(CancellationToken stop) => Rows = await files.ListAsync(User.Tenant(), stop);

    /// <summary>Deletes a file.</summary>
    public async Task<IActionResult> OnPostDeleteAsync(Guid id, CancellationToken stop)
    {
        await files.DeleteAsync(User.Tenant(), id, stop);
        return RedirectToPage();
    }
}
