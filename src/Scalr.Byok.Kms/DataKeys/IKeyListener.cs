namespace Scalr.Byok.Kms.DataKeys;

/// <summary>Hears that AWS has answered for one wrapping key, or has not. Reads <see cref="KeyAccess.State"/> then.</summary>
/// <remarks>Called without a lock, on the thread that received the answer. Must return at once and must not throw.</remarks>
internal interface IKeyListener
{
    void Changed();
}
