using System.Runtime.ExceptionServices;
using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// Decrypts one message and encrypts its plaintext to another, from stream to stream, at the same time and in constant memory.
/// </summary>
internal static class MessageStreamTransfer
{
    /// <summary>Runs to the end of the old message. After it returns, nothing uses the streams.</summary>
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
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using PlaintextHandOver plaintext = new(isSequential);
        Exception? first = null;
        await Task.WhenAll(StopOnFailureAsync(ReadAsync), StopOnFailureAsync(WriteAsync)).ConfigureAwait(false);
        if (first is OperationCanceledException && cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }

        if (first is not null)
        {
            ExceptionDispatchInfo.Throw(first);
        }

        async Task ReadAsync()
        {
            await reader.RunAsync(plaintext, readUse, stop.Token).ConfigureAwait(false);

            // Only here: the writer ends the new message once the old one is authentic to its end, and its signature was verified.
            plaintext.Complete();
        }

        Task WriteAsync() => writer.RunAsync(plaintext, destination, writeUse, stop.Token);

        // The first failure is the cause. The other side then fails because it is stopped.
        async Task StopOnFailureAsync(Func<Task> side)
        {
            try
            {
                await side().ConfigureAwait(false);
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref first, e, null);
                await stop.CancelAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
