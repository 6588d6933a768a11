namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>Runs sequences, and shortens one that shows a difference.</summary>
internal static class ModelRun
{
    /// <summary>Where the library and the reference differ, with the shortest sequence that shows it; null if they do not.</summary>
    public static string? FindDifference(ModelSetup setup, IReadOnlyList<ModelStep> sequence)
    {
        if (Run(setup, sequence) is not { } difference)
        {
            return null;
        }

        List<ModelStep> shortest = [.. sequence];
        for (var i = shortest.Count - 1; i >= 0; i--)
        {
            List<ModelStep> shorter = [.. shortest];
            shorter.RemoveAt(i);
            if (Run(setup, shorter) is { } again)
            {
                (shortest, difference) = (shorter, again);
            }
        }

        return $"{setup}\n{string.Join("; ", shortest)}\n{difference}";
    }

    private static string? Run(ModelSetup setup, IReadOnlyList<ModelStep> sequence)
    {
        using ModelWorld world = new(setup);
        try
        {
            world.Run(sequence);
            return null;
        }
        catch (ModelException e)
        {
            return e.Message;
        }
    }
}

/// <summary>The library and the reference differ.</summary>
internal sealed class ModelException(string message) : Exception(message);
