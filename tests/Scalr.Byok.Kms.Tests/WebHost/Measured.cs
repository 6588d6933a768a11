using System.Globalization;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>Numbers for measurements: how long they take, and what they found.</summary>
internal static class Measured
{
    /// <summary>A number from the environment. The gate runs without it.</summary>
    public static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number) ? number : otherwise;

    public static double Median(IEnumerable<double> values) => Quantile(values, 0.5);

    /// <summary>The value that a share of all values does not exceed.</summary>
    public static double Quantile(IEnumerable<double> values, double share)
    {
        var sorted = values.Order().ToList();
        return sorted[(int)Math.Ceiling(share * sorted.Count) - 1];
    }
}
