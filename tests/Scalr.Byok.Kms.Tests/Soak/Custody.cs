namespace Scalr.Byok.Kms.Tests.Soak;

/// <summary>Since when a customer's key can be used, or not.</summary>
internal sealed record Custody(bool IsRevoked, long Since)
{
    public TimeSpan For => TimeProvider.System.GetElapsedTime(Since);
}
