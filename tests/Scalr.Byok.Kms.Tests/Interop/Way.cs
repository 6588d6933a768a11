namespace Scalr.Byok.Kms.Tests.Interop;

/// <summary>How a message or its plaintext is passed to either side.</summary>
internal enum Way
{
    Memory,
    Stream,
}
