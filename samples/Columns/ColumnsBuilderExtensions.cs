using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms;

namespace Columns;

/// <summary>What a host registers.</summary>
public static class ColumnsBuilderExtensions
{
    /// <summary>Adds encrypted columns to a host whose <c>AddScalrByok(…)</c> says how AWS is reached.</summary>
    /// <param name="byok">The library's builder.</param>
    /// <param name="database">The host's database.</param>
    /// <param name="protection">Encrypts the secrets in customers' settings; the same for all processes of the host.</param>
    public static IByokBuilder AddColumns(
        this IByokBuilder byok, DbContextOptions<HostContext> database, IDataProtectionProvider protection)
    {
        ArgumentNullException.ThrowIfNull(byok);
        byok.Services.AddSingleton(database).AddSingleton(protection).AddDbContextFactory<HostContext>(_ => { });
        byok.Services.AddSingleton<TenantContexts>().AddSingleton<DataKeyChange>();
        return byok.AddTenantKeyRings<CustomerStore>();
    }
}
