namespace Scalr.Byok.Kms.Tests.Reencryption;

/// <summary>What a row is under.</summary>
public enum Under
{
    Nothing,
    OldRing,
    OldDataKey,
    NewRing,
    NewDataKey,
}
