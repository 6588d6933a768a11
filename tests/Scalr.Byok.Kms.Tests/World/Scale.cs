using System.Globalization;

namespace Scalr.Byok.Kms.Tests.World;

/// <summary>
/// How many tenants a test has whose claim is about ten thousand: so many if BYOK_TENANTS says so, fewer otherwise, since each makes its
/// calls.
/// </summary>
internal static class Scale
{
    public static int Tenants(int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable("BYOK_TENANTS"), NumberStyles.None, CultureInfo.InvariantCulture, out var asked)
            ? asked
            : usual;
}
