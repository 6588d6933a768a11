using Amazon.Runtime;

namespace Scalr.Byok.Kms.DependencyInjection;

/// <summary>The host's own AWS identity, if the host sets it by code.</summary>
internal sealed record HostCredentialsSource(Func<IServiceProvider, AWSCredentials> Create);
