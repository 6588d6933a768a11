namespace LocalAws;

/// <summary>How a <see cref="LocalAwsServer"/> is started.</summary>
public sealed class LocalAwsOptions
{
    /// <summary>The port on 127.0.0.1; 0, the default, takes any free one.</summary>
    public int Port { get; init; }

    /// <summary>
    /// The clock for session expiry, key dates, JWT lifetimes, the request log, rate windows and the Date header of successful answers.
    /// Signatures are always checked against the system clock, because SDK clients sign with it.
    /// </summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
