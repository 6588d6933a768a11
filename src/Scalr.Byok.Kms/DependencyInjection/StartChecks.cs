namespace Scalr.Byok.Kms.DependencyInjection;

/// <summary>Options without a value. Their validation at start validates the options and all key rings.</summary>
internal sealed class StartChecks;
