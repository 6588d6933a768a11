namespace Scalr.Byok.Kms.DataKeys;

/// <summary>Decides whether a stream may go on.</summary>
internal interface IStreamUse
{
    /// <summary>Cancelled when the stream must stop: it ends reads and writes that are pending.</summary>
    CancellationToken Stopped { get; }

    /// <summary>Why the stream must stop: a denial, or the disposal of its ring. Null if it may go on.</summary>
    Exception? End { get; }

    /// <summary>Checks that the data key may be used now, and waits for AWS where that is not known.</summary>
    /// <exception cref="ByokException">It may not be used.</exception>
    ValueTask EnsureAsync(CancellationToken cancellationToken);
}
