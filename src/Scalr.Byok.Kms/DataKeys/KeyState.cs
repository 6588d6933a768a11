namespace Scalr.Byok.Kms.DataKeys;

/// <summary>What AWS last said about a wrapping key.</summary>
/// <param name="Error">The denial in effect, or the error of the last attempt in an outage; null if there is neither.</param>
/// <param name="UsableFor">In an outage: how much longer data keys can be used, at most; null if that is not known.</param>
/// <param name="IsAccepted">Whether AWS has accepted a request, and has not denied the key since.</param>
internal readonly record struct KeyState(ByokException? Error, TimeSpan? UsableFor, bool IsAccepted);
