namespace Scalr.Byok.Kms.Credentials;

/// <summary>Translates exceptions of AWS STS. The key that the session is for does so.</summary>
internal interface ISessionErrors
{
    /// <returns>An exception of this library, or the same exception.</returns>
    Exception Explain(Exception error);
}
