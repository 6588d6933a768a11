namespace Reencryption.Demo;

/// <summary>The way moves run.</summary>
public enum Way
{
    /// <summary>A hosted service: <see cref="HostedMoves"/>.</summary>
    Hosted = 0,

    /// <summary>Clustered jobs of Quartz.NET: <see cref="QuartzMoves"/>.</summary>
    Quartz,
}
