namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>How many messages are what, each counted once.</summary>
internal readonly record struct VectorTally
{
    /// <summary>Authentic, and read.</summary>
    public int Accepted { get; init; }

    /// <summary>Not authentic, or no message.</summary>
    public int Refused { get; init; }

    /// <summary>Refused for a suite without commitment, whatever else is right or wrong with them.</summary>
    public int Legacy { get; init; }

    /// <summary>Authentic only together with pairs that they do not hold, and so refused.</summary>
    public int Unstored { get; init; }

    /// <summary>Left open by the format.</summary>
    public int Open { get; init; }

    /// <summary>Without a data key: only their headers can be read.</summary>
    public int HeaderOnly { get; init; }

    public int Total => Accepted + Refused + Legacy + Unstored + Open + HeaderOnly;

    public static VectorTally operator +(VectorTally left, VectorTally right) => new()
    {
        Accepted = left.Accepted + right.Accepted,
        Refused = left.Refused + right.Refused,
        Legacy = left.Legacy + right.Legacy,
        Unstored = left.Unstored + right.Unstored,
        Open = left.Open + right.Open,
        HeaderOnly = left.HeaderOnly + right.HeaderOnly,
    };
}
