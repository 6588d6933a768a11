namespace Scalr.Byok.Kms.DataKeys;

/// <summary>Decides whether a stream may continue.</summary>
internal interface IStreamUse
{
    /// <summary>Cancelled when the stream must stop. Ends pending reads and writes.</summary>
    CancellationToken Stopped { get; }

    /// <summary>The reason to stop: a denial, or the disposal of the ring. Null while the stream may continue.</summary>
    Exception? End { get; }

    /// <summary>Checks that the data key may be used now. Waits for AWS if that is not known.</summary>
    /// <exception cref="ByokException">The data key may not be used.</exception>
    ValueTask EnsureAsync(CancellationToken cancellationToken);
}
