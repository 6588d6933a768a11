using Microsoft.Extensions.DependencyInjection;

namespace Scalr.Byok.Kms;

/// <summary>What <c>AddScalrByok</c> returns, to add key rings and what they need.</summary>
public interface IByokBuilder
{
    /// <summary>The services that everything is added to.</summary>
    IServiceCollection Services { get; }
}
