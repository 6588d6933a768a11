using Amazon.Runtime;

namespace Scalr.Byok.Kms.DependencyInjection;

/// <summary>The host's own AWS identity, where the host gives it by code.</summary>
internal sealed record HostCredentialsSource(Func<IServiceProvider, AWSCredentials> Create);
