namespace Scalr.Byok.Kms.Tests.Interop;

/// <summary>JavaScript refused a command, in its own words.</summary>
internal sealed class ClientNodeException : Exception
{
    public ClientNodeException(string message)
        : base(message)
    {
    }
}
