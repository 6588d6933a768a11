using Microsoft.Extensions.DependencyInjection;

namespace Scalr.Byok.Kms;

/// <summary>Adds key rings and their dependencies to the host's services. <c>AddScalrByok</c> returns it.</summary>
public interface IByokBuilder
{
    /// <summary>The host's services.</summary>
    IServiceCollection Services { get; }
}
