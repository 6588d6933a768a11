using System.Globalization;

namespace Fleet.Demo;

/// <summary>A measured number.</summary>
/// <param name="What">What was measured.</param>
/// <param name="Value">The number.</param>
/// <param name="Unit">Its unit.</param>
/// <param name="Limit">The largest number that is allowed; null if there is no limit.</param>
public sealed record Finding(string What, double Value, string Unit, double? Limit = null)
{
    /// <summary>Whether the limit is kept.</summary>
    public bool IsMet => Limit is null || Value <= Limit;

    /// <summary>A line of the table.</summary>
    public override string ToString()
    {
        var limit = Limit is null ? "" : string.Create(CultureInfo.InvariantCulture, $"at most {Limit:#,0.##}");
        return string.Create(CultureInfo.InvariantCulture, $"   {What,-72}{Value,9:#,0.##} {Unit,-6} {limit,-13} ")
            + (Limit is null ? "" : IsMet ? "ok" : "MISSED");
    }
}
