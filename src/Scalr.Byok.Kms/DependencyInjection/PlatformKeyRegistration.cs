namespace Scalr.Byok.Kms.DependencyInjection;

/// <summary>Records that the host added a platform key.</summary>
internal sealed class PlatformKeyRegistration;
