namespace Scalr.Byok.Kms.Health;

/// <summary>That the host added a key ring of this name; empty for the one without a name.</summary>
internal sealed record KeyRingRegistration(string Name);
