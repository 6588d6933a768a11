using System.Globalization;
using System.Runtime.InteropServices;

namespace Scalr.Byok.Kms;

/// <summary>How many items of a source are under which key, by the headers of messages and the key ids of values.</summary>
/// <remarks>
/// Nothing is decrypted: the count proves where items are, not that they are authentic. It is a count of the moment: while writers still
/// encrypt under an old key, the next count can differ.
/// </remarks>
public sealed class ReencryptionCount
{
    /// <summary>The name of plaintext among <see cref="ByKey"/>: <c>plaintext</c>.</summary>
    public const string Plaintext = "plaintext";

    /// <summary>The name of items without a readable header among <see cref="ByKey"/>: <c>unreadable</c>.</summary>
    public const string Unreadable = "unreadable";

    /// <summary>
    /// The name of all further keys among <see cref="ByKey"/>, which names at most 1,000 keys: <c>other</c>. Forged headers can name any
    /// number of keys.
    /// </summary>
    public const string Other = "other";

    private const int MaxNames = 1000;

    private readonly Dictionary<string, long> _byKey = new(StringComparer.Ordinal);
    private readonly string _target;

    /// <param name="target">The target after "not", such as <c>under key arn:aws:kms:…</c>.</param>
    internal ReencryptionCount(string target) => _target = target;

    /// <summary>The number of items.</summary>
    public long Total { get; private set; }

    /// <summary>The number of items in the target form under the target key alone.</summary>
    public long Current { get; private set; }

    /// <summary>
    /// The number of items that are not under the target key, quarantined ones included. If it is 0, no item needs an old key.
    /// </summary>
    public long Remaining => Total - Current;

    /// <summary>
    /// The number of items by key: a key ARN, <c>data key</c> and its key id, <see cref="Plaintext"/>, <see cref="Unreadable"/> or
    /// <see cref="Other"/>. A message under several keys counts under each.
    /// </summary>
    public IReadOnlyDictionary<string, long> ByKey => _byKey;

    /// <summary>The number of messages under a KMS key.</summary>
    /// <param name="keyArn">The key. Its replicas count as the key.</param>
    public long Under(KmsKeyArn keyArn) =>
        _byKey.Sum(pair => KmsKeyArn.TryParse(pair.Key, out var arn) && (arn == keyArn || arn.IsReplicaOf(keyArn)) ? pair.Value : 0);

    /// <summary>A sentence about one KMS key, such as "0 of 1,204,331 items under key arn:aws:kms:…".</summary>
    /// <param name="keyArn">The key. Its replicas count as the key.</param>
    /// <returns>The sentence, without a full stop.</returns>
    public string Describe(KmsKeyArn keyArn) =>
        string.Create(CultureInfo.InvariantCulture, $"{Under(keyArn):N0} of {Total:N0} items under key {keyArn}");

    /// <summary>A text for logs, such as "0 of 1,204,331 items are not under data key 6a46e615855bad".</summary>
    /// <returns>The text.</returns>
    public override string ToString()
    {
        var keys = _byKey.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key, StringComparer.Ordinal)
            .Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Value:N0} under {pair.Key}"));
        var remaining = string.Create(CultureInfo.InvariantCulture, $"{Remaining:N0} of {Total:N0} items are not {_target}");
        return string.Join("; ", keys.Prepend(remaining));
    }

    internal void Add(IReadOnlyCollection<string> keys, bool isCurrent)
    {
        Total++;
        Current += isCurrent ? 1 : 0;
        foreach (var key in keys)
        {
            var name = _byKey.ContainsKey(key) || _byKey.Count < MaxNames ? key : Other;
            CollectionsMarshal.GetValueRefOrAddDefault(_byKey, name, out _)++;
        }
    }
}
