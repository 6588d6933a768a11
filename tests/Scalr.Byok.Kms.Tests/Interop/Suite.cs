namespace Scalr.Byok.Kms.Tests.Interop;

/// <summary>The algorithm suites that commit to their key, by the ids that AWS gave them.</summary>
internal enum Suite
{
    Committing = 0x0478,
    CommittingSigned = 0x0578,
}
