using Columns;
using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using WebHost.Accounts;
using WebHost.Pages;
using Database = Columns.Database;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>The page Variables as it would be without encryption: the same rows in a table of plain text, the same page.</summary>
internal sealed class PlainVariables : IAsyncPageFilter
{
    /// <summary>A request with this parameter gets the page without encryption.</summary>
    public const string Parameter = "plain";

    private DbContextOptions<Context> _options = null!;

    /// <summary>The number of pages without encryption.</summary>
    public int Pages { get; private set; }

    /// <summary>Copies variables into the table of plain text, which the database gets.</summary>
    public async Task CopyAsync(string connectionString, string tenant, IEnumerable<Variable> variables)
    {
        _options = Database.OptionsOf<Context>(connectionString);
        await using var context = new Context(_options);
        await context.GetService<IRelationalDatabaseCreator>().CreateTablesAsync();
        context.AddRange(variables.Select(one => new Row
        {
            Id = one.Id,
            Tenant = tenant,
            Workspace = one.Workspace,
            Name = one.Name,
            Value = one.Value,
            IsSensitive = one.IsSensitive,
        }));
        await context.SaveChangesAsync();
    }

    public Task OnPageHandlerSelectionAsync(PageHandlerSelectedContext context) => Task.CompletedTask;

    public async Task OnPageHandlerExecutionAsync(PageHandlerExecutingContext context, PageHandlerExecutionDelegate next)
    {
        if (context.HandlerInstance is not VariablesModel page || !context.HttpContext.Request.Query.ContainsKey(Parameter))
        {
            await next();
            return;
        }

        Pages++;
        var tenant = context.HttpContext.User.Tenant();
        await using var plain = new Context(_options);
        var own = plain.Rows.AsNoTracking().Where(row => row.Tenant == tenant);
        var rows = await own.Where(row => row.Id > Guid.Empty).OrderBy(row => row.Id).Take(page.Size)
            .Select(row => new { row.Id, row.Workspace, row.Name, row.IsSensitive, Value = row.IsSensitive ? null : row.Value })
            .ToListAsync();
        typeof(VariablesModel).GetProperty(nameof(page.Rows))!.SetValue(page, rows.ConvertAll(row => new Variable
        {
            Id = row.Id,
            Workspace = row.Workspace,
            Name = row.Name,
            IsSensitive = row.IsSensitive,
            Value = row.Value,
        }));
        typeof(VariablesModel).GetProperty(nameof(page.Total))!.SetValue(page, await own.LongCountAsync());
        context.Result = page.Page();
    }

    private sealed class Context(DbContextOptions<Context> options) : DbContext(options)
    {
        public DbSet<Row> Rows => Set<Row>();

        protected override void OnModelCreating(ModelBuilder modelBuilder) => modelBuilder.Entity<Row>(row =>
        {
            row.ToTable("plain_variables").HasIndex(one => new { one.Tenant, one.Id });
            row.Property(one => one.Id).ValueGeneratedNever();
        });
    }

    private sealed class Row
    {
        public required Guid Id { get; init; }

        public required string Tenant { get; init; }

        public required string Workspace { get; init; }

        public required string Name { get; init; }

        public string? Value { get; init; }

        public bool IsSensitive { get; init; }
    }
}
