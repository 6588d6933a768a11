namespace Scalr.Byok.Kms.Health;

/// <summary>Records that the host added a key ring of this name; empty for the unnamed ring.</summary>
internal sealed record KeyRingRegistration(string Name);
