using Microsoft.EntityFrameworkCore;
using Scalr.Byok.Kms;
using WebHost.Accounts;
using WebHost.Data;

namespace WebHost.Files;

/// <summary>Files, encrypted while they are received and decrypted while they are sent. Memory does not grow with their length.</summary>
/// <param name="contexts">The host's database.</param>
/// <param name="data">The tenant's key ring.</param>
/// <param name="settings">The data directory.</param>
/// <param name="time">The clock.</param>
public sealed class FileStore(
    IDbContextFactory<AccountContext> contexts, TenantData data, HostSettings settings, TimeProvider time)
{
    private static readonly TimeSpan LongestUpload = TimeSpan.FromHours(1);

    /// <summary>A tenant's files, the newest first.</summary>
    public async Task<List<StoredFile>> ListAsync(string tenant, CancellationToken cancellationToken)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        return await context.Files.AsNoTracking().Where(file => file.Tenant == tenant).OrderByDescending(file => file.Id)
            .ToListAsync(cancellationToken);
    }

    /// <summary>A file of a tenant; null if the tenant has no such file.</summary>
    public async Task<StoredFile?> FindAsync(string tenant, Guid id, CancellationToken cancellationToken)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        return await context.Files.AsNoTracking().SingleOrDefaultAsync(
            file => file.Tenant == tenant && file.Id == id, cancellationToken);
    }

    /// <summary>Encrypts and stores a file.</summary>
    /// <returns>False if the account's key was changed during the upload. Nothing was stored.</returns>
    public async Task<bool> AddAsync(string tenant, string name, Stream content, CancellationToken cancellationToken)
    {
        var account = await data.RefreshAsync(tenant, cancellationToken);
        var ring = await data.GetKeyRingAsync(tenant, cancellationToken);
        var id = Guid.CreateVersion7();
        var blob = NewBlob(id);
        var path = PathOf(tenant, blob);
        var isStored = false;
        try
        {
            await using var counted = new CountingStream(content);
            await using (var destination = Create(path))
            {
                await ring.EncryptAsync(counted, destination, ContextOf(id), cancellationToken);
            }

            isStored = await AddAsync(
                new() { Id = id, Tenant = tenant, Name = name, Length = counted.Count, UploadedAt = Now, Blob = blob },
                account.Version,
                cancellationToken);
            return isStored;
        }
        finally
        {
            if (!isStored)
            {
                File.Delete(path);
            }
        }
    }

    /// <summary>Decrypts a file. If the call throws, discard what was written.</summary>
    public async Task ReadAsync(StoredFile file, Stream destination, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(file);
        var ring = await data.GetKeyRingAsync(file.Tenant, cancellationToken);
        await using var source = Open(PathOf(file.Tenant, file.Blob));
        await ring.DecryptAsync(source, destination, ContextOf(file.Id), cancellationToken);
    }

    /// <summary>Deletes a file.</summary>
    public async Task DeleteAsync(string tenant, Guid id, CancellationToken cancellationToken)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        if (await context.Files.Where(file => file.Tenant == tenant && file.Id == id).ExecuteDeleteAsync(cancellationToken) == 1)
        {
            DeleteBlobs(tenant, id, except: null);
        }
    }

    /// <summary>Deletes the contents of all files of a tenant whose data keys were deleted. The rows are gone already.</summary>
    public void DeleteContents(string tenant)
    {
        if (Directory.Exists(Folder(tenant)))
        {
            Directory.Delete(Folder(tenant), recursive: true);
        }
    }

    /// <summary>Encrypts a file again, if it is not under the present key. Leaves one content of the file on disk.</summary>
    public async Task MoveAsync(StoredFile file, IByokKeyRing ring, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(ring);
        var (blob, kept) = (NewBlob(file.Id), file.Blob);
        bool isMoved;
        await using (var source = Open(PathOf(file.Tenant, file.Blob)))
        await using (var destination = Create(PathOf(file.Tenant, blob)))
        {
            isMoved = await ring.ReencryptAsync(source, destination, cancellationToken: cancellationToken);
        }

        if (isMoved)
        {
            await using var context = await contexts.CreateDbContextAsync(cancellationToken);
            kept = await context.Files.Where(row => row.Id == file.Id && row.Blob == file.Blob)
                .ExecuteUpdateAsync(set => set.SetProperty(row => row.Blob, blob), cancellationToken) == 1
                ? blob
                : (await FindAsync(file.Tenant, file.Id, cancellationToken))?.Blob;
        }

        DeleteBlobs(file.Tenant, file.Id, kept);
    }

    /// <summary>Deletes what killed uploads have left behind.</summary>
    public async Task DeleteLeftoversAsync(string tenant, CancellationToken cancellationToken)
    {
        var known = (await ListAsync(tenant, cancellationToken)).Select(file => file.Blob).ToHashSet();
        var folder = new DirectoryInfo(Folder(tenant));
        foreach (var blob in folder.Exists ? folder.GetFiles() : [])
        {
            if (!known.Contains(blob.Name) && Now - blob.LastWriteTimeUtc > LongestUpload)
            {
                blob.Delete();
            }
        }
    }

    private DateTime Now => time.GetUtcNow().UtcDateTime;

    private static Dictionary<string, string> ContextOf(Guid id) => new() { ["file"] = id.ToString() };

    private static string NewBlob(Guid id) => $"{id:N}-{Guid.NewGuid():N}";

    private string Folder(string tenant) => Path.Combine(settings.DataDirectory, "files", tenant);

    private string PathOf(string tenant, string blob) => Path.Combine(Folder(tenant), blob);

    private static FileStream Open(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);

    private static FileStream Create(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return new(path, FileMode.CreateNew, FileAccess.Write, FileShare.None);
    }

    /// <summary>
    /// Adds the row if the account is what it was when the upload began. So the end of a move never misses a file that was encrypted under
    /// the old key.
    /// </summary>
    private async Task<bool> AddAsync(StoredFile file, long version, CancellationToken cancellationToken)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await context.Database.BeginTransactionAsync(cancellationToken);
        var locked = await context.Accounts.Where(row => row.Tenant == file.Tenant && row.Version == version)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.Version, version), cancellationToken);
        if (locked != 1)
        {
            return false;
        }

        context.Add(file);
        await context.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    private void DeleteBlobs(string tenant, Guid id, string? except)
    {
        foreach (var path in Directory.EnumerateFiles(Folder(tenant), $"{id:N}-*"))
        {
            if (Path.GetFileName(path) != except)
            {
                File.Delete(path);
            }
        }
    }
}
