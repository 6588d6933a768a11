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
            if (!variables.TrueForAll(
                one => one?.Workspace?.Length is > 0 and <= Limits.Workspace && one.Name?.Length is > 0 and <= Limits.Name))
            {
                return Results.Problem(
                    $"Each variable needs a workspace of at most {Limits.Workspace} and a name of at most {Limits.Name} characters.",
                    statusCode: StatusCodes.Status400BadRequest);
            }

            // Variables are listed by id. A millisecond more for each keeps their order.
            var now = DateTimeOffset.UtcNow;
            var rows = variables.Select((one, index) => new Variable
            {
                Id = Guid.CreateVersion7(now.AddMilliseconds(index)),
                Workspace = one.Workspace,
                Name = one.Name,
                Value = one.Value ?? "",
                IsSensitive = one.Sensitive,
            }).ToList();
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

    /// <summary>A variable is sensitive unless the request says that it is not.</summary>
    private sealed record NewVariable(string Workspace, string Name, string? Value, bool Sensitive = true);

    private sealed record ApiVariable(Guid Id, string Workspace, string Name, string? Value, bool Sensitive)
    {
        public ApiVariable(Variable row)
            : this(row.Id, row.Workspace, row.Name, row.Value, row.IsSensitive)
        {
        }
    }
}
