using Columns;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace Reencryption;

/// <summary>What a host registers, whichever way moves run.</summary>
public static class MovesServiceCollectionExtensions
{
    /// <summary>Adds moves to a host that has encrypted columns.</summary>
    public static IServiceCollection AddMoves(
        this IServiceCollection services, DbContextOptions<MoveContext> database, MoveOptions options) =>
        services.AddSingleton(database).AddSingleton(options).AddSingleton<MoveStore>().AddSingleton<ColumnMove>();
}
