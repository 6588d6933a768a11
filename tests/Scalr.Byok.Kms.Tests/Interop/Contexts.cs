namespace Scalr.Byok.Kms.Tests.Interop;

/// <summary>Encryption contexts in which two implementations could come to disagree, by name.</summary>
internal static class Contexts
{
    public static readonly string[] Names = ["none", "one", "many", "non-ASCII", "sorted by UTF-8"];

    public static readonly Dictionary<string, string> One = new() { ["record"] = "variables/42" };

    public static Dictionary<string, string> Named(string name) => name switch
    {
        "none" => [],
        "one" => One,
        "many" => Enumerable.Range(0, 100).ToDictionary(i => $"Name {i * 37 % 100}", i => new string((char)('a' + (i % 26)), i)),
        "non-ASCII" => new()
        {
            ["Größe"] = "мир",
            ["Gro\u0308ße"] = "decomposed",
            ["名前"] = "値 \"in\" quotes \\ and a line\n",
            ["emoji 😀"] = "👩‍👩‍👧",
            ["\u0001"] = "\u007f\u00a0\u2028",
        },

        // By UTF-16 units, which both languages sort by unless told otherwise, the last two change places.
        "sorted by UTF-8" => new() { ["b"] = "1", ["B"] = "2", ["a"] = "3", ["aa"] = "4", ["é"] = "5", ["\uffee"] = "6", ["𝔸"] = "7" },
        _ => throw new ArgumentOutOfRangeException(nameof(name)),
    };
}
