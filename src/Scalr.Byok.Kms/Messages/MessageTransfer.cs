using System.IO.Pipelines;
using System.Runtime.ExceptionServices;
using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// Decrypts one message and encrypts its plaintext to another, at the same time and in constant memory.
/// </summary>
internal static class MessageTransfer
{
    /// <summary>Runs from stream to stream, to the end of the old message. After it returns, nothing uses the streams.</summary>
    /// <param name="reader">Decrypts the old message.</param>
    /// <param name="readUse">Decides whether the old data key may be used.</param>
    /// <param name="writer">Encrypts the new message.</param>
    /// <param name="writeUse">Decides whether the new data key may be used.</param>
    /// <param name="destination">Receives the new message.</param>
    /// <param name="isSequential">Whether reader and writer take turns on one thread.</param>
    /// <param name="cancellationToken">Passed to the streams.</param>
    /// <exception cref="ByokDecryptionException">
    /// The old message is not authentic to its end. The new message has no final frame then, so it cannot be decrypted.
    /// </exception>
    /// <exception cref="ByokException">A data key may no longer be used.</exception>
    public static async Task RunAsync(
        MessageStreamReader reader,
        IStreamUse readUse,
        MessageStreamWriter writer,
        IStreamUse writeUse,
        Stream destination,
        bool isSequential,
        CancellationToken cancellationToken)
    {
        using PlaintextHandOver plaintext = new(isSequential);
        await RunBothAsync(ReadAsync, token => writer.RunAsync(plaintext, destination, writeUse, token), cancellationToken)
            .ConfigureAwait(false);

        async Task ReadAsync(CancellationToken token)
        {
            await reader.RunAsync(plaintext, readUse, token).ConfigureAwait(false);

            // Only here: the writer ends the new message once the old one is authentic to its end, and its signature was verified.
            plaintext.Complete();
        }
    }

    /// <summary>Runs from pipe to pipe, to the end of the old message. After it returns, nothing uses the pipes.</summary>
    /// <param name="reader">Decrypts the old message.</param>
    /// <param name="readUse">Decides whether the old data key may be used.</param>
    /// <param name="writer">Encrypts the new message.</param>
    /// <param name="writeUse">Decides whether the new data key may be used.</param>
    /// <param name="pipes">The old message, whose header was read, and the new one.</param>
    /// <param name="cancellationToken">Passed to the pipes.</param>
    /// <inheritdoc cref="RunAsync(MessageStreamReader, IStreamUse, MessageStreamWriter, IStreamUse, Stream, bool, CancellationToken)"
    /// path="/exception"/>
    public static async Task RunAsync(
        MessagePipeReader reader,
        IStreamUse readUse,
        MessagePipeWriter writer,
        IStreamUse writeUse,
        PipePair pipes,
        CancellationToken cancellationToken)
    {
        // Both sides take turns on one thread: each batch is decrypted and encrypted on several threads already.
        Pipe plaintext = new(new PipeOptions(
            ErasingPool.Instance, PipeScheduler.Inline, PipeScheduler.Inline, useSynchronizationContext: false));
        var (first, second) = pipes.Through(plaintext);
        try
        {
            await RunBothAsync(ReadAsync, token => writer.RunAsync(second, writeUse, token), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            // Erases what is left after a failure.
            await plaintext.Writer.CompleteAsync().ConfigureAwait(false);
            await plaintext.Reader.CompleteAsync().ConfigureAwait(false);
        }

        async Task ReadAsync(CancellationToken token)
        {
            await reader.RunAsync(first, readUse, token).ConfigureAwait(false);

            // Only here, as between streams.
            await plaintext.Writer.CompleteAsync().ConfigureAwait(false);
        }
    }

    private static async Task RunBothAsync(
        Func<CancellationToken, Task> read, Func<CancellationToken, Task> write, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Exception? first = null;
        await Task.WhenAll(StopOnFailureAsync(read), StopOnFailureAsync(write)).ConfigureAwait(false);
        if (first is OperationCanceledException && cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }

        if (first is not null)
        {
            ExceptionDispatchInfo.Throw(first);
        }

        // The first failure is the cause. The other side then fails because it is stopped.
        async Task StopOnFailureAsync(Func<CancellationToken, Task> side)
        {
            try
            {
                await side(stop.Token).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref first, e, null);
                await stop.CancelAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
