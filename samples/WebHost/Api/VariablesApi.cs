using Columns;
using Microsoft.EntityFrameworkCore;
using WebHost.Accounts;
using WebHost.Data;

namespace WebHost.Api;

/// <summary>
/// The variables as JSON, for the signed-in account. Failures of keys become problem details in
/// <see cref="Problems.KeyProblemHandler"/>: nothing here catches them.
/// </summary>
/// <remarks>A form of another site cannot send JSON, and the cookie is SameSite=Strict. So no antiforgery token is needed.</remarks>
internal static class VariablesApi
{
    private const int Most = 500;

    public static void Map(WebApplication app)
    {
        var api = app.MapGroup("/api/variables").RequireAuthorization(SignedInAccount.Policy);
        api.MapGet("", async (HttpContext http, TenantData data, Guid? after, int? limit, CancellationToken stop) =>
        {
            var page = Math.Clamp(limit ?? Most, 1, Most);
            http.Response.Headers.CacheControl = "no-store";
            return await data.ReadAsync(
                http.User.Tenant(),
                async context => (await context.Variables.AsNoTracking().Where(row => row.Id > (after ?? Guid.Empty))
                    .OrderBy(row => row.Id).Take(page).ToListAsync(stop)).ConvertAll(row => new ApiVariable(row)),
                stop);
        });
        api.MapGet("{id:guid}", async (HttpContext http, TenantData data, Guid id, CancellationToken stop) =>
        {
            http.Response.Headers.CacheControl = "no-store";
            var row = await data.ReadAsync(
                http.User.Tenant(), context => context.Variables.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, stop), stop);
            return row is null ? Results.NotFound() : Results.Ok(new ApiVariable(row));
        });
        api.MapPost("", async (HttpContext http, TenantData data, List<NewVariable> variables, CancellationToken stop) =>
        {
            var rows = variables.ConvertAll(one => new Variable { Workspace = one.Workspace, Name = one.Name, Value = one.Value });
            await data.WriteAsync(
                http.User.Tenant(),
                context =>
                {
                    context.AddRange(rows);
                    return Task.CompletedTask;
                },
                stop);
            return Results.Ok(rows.ConvertAll(row => row.Id));
        });
    }

    private sealed record NewVariable(string Workspace, string Name, string Value);

    private sealed record ApiVariable(Guid Id, string Workspace, string Name, string? Value)
    {
        public ApiVariable(Variable row)
            : this(row.Id, row.Workspace, row.Name, row.Value)
        {
        }
    }
}
