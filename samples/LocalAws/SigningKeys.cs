using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace LocalAws;

/// <summary>
/// The RSA keys of issuers. A disposed issuer's key serves a later issuer of this process, under another key id: a new key takes a quarter
/// of a second, which is most of the time of a test. Issuers that exist at the same time never share a key.
/// </summary>
internal static class SigningKeys
{
    private static readonly ConcurrentBag<RSA> Free = [];

    public static RSA Take() => Free.TryTake(out var key) ? key : RSA.Create(2048);

    public static void Return(RSA key) => Free.Add(key);
}
