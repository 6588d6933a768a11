namespace LocalAws;

/// <summary>The options of a <see cref="LocalAwsServer"/>.</summary>
public sealed class LocalAwsOptions
{
    /// <summary>The port on 127.0.0.1. Default: 0 (a free port).</summary>
    public int Port { get; init; }

    /// <summary>
    /// The clock for session expiry, key dates, JWT lifetimes, the request log, rate windows and the Date header of successful answers.
    /// Signatures are always checked against the system clock, because SDK clients sign with it.
    /// </summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
