namespace Scalr.Byok.Kms.Credentials;

/// <summary>Records that AWS STS does not grant a role the duration of the host's options.</summary>
/// <param name="Asked">The duration of the options.</param>
/// <param name="Used">The duration that is used instead.</param>
/// <param name="IsChained">Whether the cause is that the host itself runs on a role (role chaining), not the role's own maximum.</param>
internal sealed record SessionShortening(TimeSpan Asked, TimeSpan Used, bool IsChained);
