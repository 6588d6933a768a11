using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Configuration;
using Scalr.Byok.Kms;

namespace Fleet;

/// <summary>
/// A folder that all processes share, in place of the host's database. For each tenant it has the key settings, whose secrets are
/// encrypted, and one stored message.
/// </summary>
public sealed class TenantFolder : IByokKeySettingsStore
{
    private readonly string _path;
    private readonly IDataProtectionProvider _protection;

    /// <param name="configuration">Contains <c>Tenants</c>, the path of the folder.</param>
    public TenantFolder(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        _path = configuration["Tenants"]!;
        _protection = DataProtectionProvider.Create(new DirectoryInfo(Path.Combine(_path, "keys")));
    }

    /// <summary>The names of all tenants that have a message.</summary>
    public IReadOnlyList<string> Tenants =>
        [.. Directory.EnumerateFiles(_path, "*.message").Select(file => Path.GetFileNameWithoutExtension(file)).Order()];

    /// <summary>
    /// Stores a tenant's settings. <see cref="ByokKeyRingProviderExtensions.InvalidateAsync"/> comes next, in one process of the host.
    /// </summary>
    public async Task SetAsync(string tenant, ByokKeySettings settings)
    {
        // Moved as a whole, so that no process reads half of it.
        var file = FileOf(tenant, "json");
        await File.WriteAllTextAsync(file + ".new", ByokKeySettingsJson.Serialize(settings, Protector(tenant).Protect));
        File.Move(file + ".new", file, overwrite: true);
    }

    /// <inheritdoc/>
    public async ValueTask<ByokKeySettings?> FindAsync(string tenant, CancellationToken cancellationToken)
    {
        var file = FileOf(tenant, "json");
        return File.Exists(file)
            ? ByokKeySettingsJson.Deserialize(await File.ReadAllTextAsync(file, cancellationToken), Protector(tenant).Unprotect)
            : null;
    }

    /// <summary>Stores the tenant's message.</summary>
    public Task SetMessageAsync(string tenant, byte[] message) => File.WriteAllBytesAsync(FileOf(tenant, "message"), message);

    /// <summary>Reads the tenant's message.</summary>
    public Task<byte[]> GetMessageAsync(string tenant, CancellationToken cancellationToken = default) =>
        File.ReadAllBytesAsync(FileOf(tenant, "message"), cancellationToken);

    private string FileOf(string tenant, string extension) => Path.Combine(_path, $"{tenant}.{extension}");

    /// <summary>The tenant is part of the purpose, so that stored settings open for their own tenant only.</summary>
    private IDataProtector Protector(string tenant) => _protection.CreateProtector("byok", "key settings", tenant);
}
