namespace Scalr.Byok.Kms.DependencyInjection;

/// <summary>Empty options. Their validation at start validates the operator's options and all key rings.</summary>
internal sealed class StartChecks;
