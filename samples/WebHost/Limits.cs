namespace WebHost;

/// <summary>The longest texts that forms and API accept, in characters.</summary>
internal static class Limits
{
    public const int Workspace = 100;

    public const int Name = 200;
}
