namespace Scalr.Byok.Kms.Tests.World;

/// <summary>
/// How much of a test is repetition. A release is tested with all of it; in Debug, where tests run after each change, less is enough to
/// find what is broken.
/// </summary>
internal static class Repetitions
{
#if DEBUG
    private const bool IsDebug = true;
#else
    private const bool IsDebug = false;
#endif

    public static T Of<T>(T debug, T release) => IsDebug ? debug : release;

    /// <summary>How often a random case is repeated: a quarter in Debug.</summary>
    public static int Of(int all) => Of(all / 4, all);
}
