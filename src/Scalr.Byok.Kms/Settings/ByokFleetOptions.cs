using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Scalr.Byok.Kms;

/// <summary>The options of <c>ShareConfirmations</c>. Validated at start and read once.</summary>
public sealed class ByokFleetOptions
{
    /// <summary>
    /// The secrets that authenticate what the instances share: Base64 of 32 or more random bytes each, the same in all instances. Secrets.
    /// At least one is required.
    /// </summary>
    /// <remarks>
    /// <para>
    /// The first secret writes. All are accepted when entries are read. Create one with <c>openssl rand -base64 32</c>. Nothing else may
    /// use it. Hosts with different AWS identities, or in different environments, must not share a secret.
    /// </para>
    /// <para>
    /// To replace a secret: append the new one in all instances, then make it the first in all instances, then remove the old one. Each
    /// secret after the first costs as many additional reads of the cache again. Without these steps the instances find no entries of one
    /// another for a while and ask AWS themselves.
    /// </para>
    /// </remarks>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWriting)]
    public IList<string> Secrets { get; set; } = [];

    /// <summary>
    /// How far the clocks of AWS's servers may differ from one another: 0 to 1 minute. Default: 2 seconds. It is added to the age of each
    /// entry. <see cref="ByokOptions.ConfirmationInterval"/> must be longer than twice this time.
    /// </summary>
    /// <remarks>
    /// The clocks of the instances do not matter: times come from the Date headers of AWS's answers. After a revocation, the last instance
    /// stops at most this time and 1 second after <see cref="ByokOptions.ConfirmationInterval"/>.
    /// </remarks>
    public TimeSpan ClockTolerance { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Always false: keeps Newtonsoft.Json from writing <see cref="Secrets"/>. It can be read.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public static bool ShouldSerializeSecrets() => false;

    /// <summary>The number of secrets, without any secret.</summary>
    public override string ToString() => $"{Secrets?.Count ?? 0} secrets";
}
