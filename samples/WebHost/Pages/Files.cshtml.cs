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

    /// <summary>Why the last upload was not stored; null if it was. It is part of the address.</summary>
    [BindProperty(SupportsGet = true)]
    public string? Problem { get; set; }

    /// <summary>The same in words.</summary>
    public string? Notice => Problem switch
    {
        "KeyChanged" => "The key of the account was changed during the upload. Upload the file again.",
        "Name" => $"The file was not stored. It needs a name of at most {Limits.Name} characters.",
        _ => null,
    };

    /// <summary>Shows the files.</summary>
    public async Task OnGetAsync(CancellationToken stop) => Rows = await files.ListAsync(User.Tenant(), stop);

    /// <summary>Deletes a file.</summary>
    public async Task<IActionResult> OnPostDeleteAsync(Guid id, CancellationToken stop)
    {
        await files.DeleteAsync(User.Tenant(), id, stop);
        return RedirectToPage();
    }
}
