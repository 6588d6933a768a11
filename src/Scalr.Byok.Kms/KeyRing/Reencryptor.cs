using System.Buffers;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>
/// Decrypts messages and encrypts them again under the current key: new data key, new message id, the same encryption context.
/// </summary>
/// <remarks>
/// Only the encrypted data key of a message could be replaced too. But the body depends on the message id and the content key, so the new
/// header would have a second tag under the same key and IV. Both headers together reveal GCM's authentication key, and with it anyone can
/// forge frames of the message. So the old message and the new one share no data key.
/// </remarks>
internal sealed class Reencryptor
{
    private readonly PlaintextKeys _keys;
    private readonly MessageOptions _options;
    private readonly TenantBinding _binding;
    private readonly ReencryptionRule _rule;

    public Reencryptor(PlaintextKeys keys, MessageOptions options, TenantBinding binding, ReencryptionRule rule)
    {
        _keys = keys;
        _options = options;
        _binding = binding;
        _rule = rule;
    }

    /// <summary>Encrypts a message in memory again.</summary>
    /// <param name="header">The header of the message.</param>
    /// <param name="message">The message.</param>
    /// <param name="policy">Which messages are encrypted again.</param>
    /// <param name="write">Writes the new message. Its arguments: the new data key and the plaintext.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>Whether the message was encrypted again. False: its header is authentic, and its body was not read.</returns>
    public async ValueTask<(bool IsMoved, T? Result)> RunAsync<T>(
        MessageHeader header,
        ReadOnlyMemory<byte> message,
        ByokReencryptWhen policy,
        Func<EncryptionKey, ReadOnlyMemory<byte>, T> write,
        CancellationToken cancellationToken)
    {
        if (!Applies(header, policy))
        {
            await AuthenticateAsync(header, cancellationToken).ConfigureAwait(false);
            return (false, default);
        }

        return (true, await WithinLimitAsync(
            async token =>
            {
                using PlaintextBuffer plaintext = new();
                await _keys.DecryptWithinAsync(
                    header,
                    key =>
                    {
                        MessageReader.ReadTo(plaintext, header, new(message), key.Key, _options.MaxDegreeOfParallelism);
                        return true;
                    },
                    token).ConfigureAwait(false);

                // The whole message is authenticated before a data key is asked for.
                return await WithNewKeyAsync(
                    header,
                    NewContext(header),
                    plaintext.Written.Length,
                    key =>
                    {
                        ThrowIfTooLong(key.Template, plaintext.Written.Length);
                        return write(key, plaintext.Written);
                    },
                    token).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Encrypts a message from stream to stream again, in constant memory.</summary>
    /// <returns>Whether the message was encrypted again. False: its header is authentic, and nothing was written.</returns>
    public async Task<bool> RunAsync(Stream message, Stream destination, ByokReencryptWhen policy, CancellationToken cancellationToken)
    {
        MessageInput input = new(message, _options);
        var header = await input.ReadHeaderAsync(cancellationToken).ConfigureAwait(false);
        return await RunAsync(
            header,
            policy,
            key => MessageStreamReader.Begin(input, header, key, _options),
            (template, key, id) => MessageStreamWriter.Begin(template, key, id, _options, TooLong),
            async (reading, writing) =>
            {
                await MessageTransfer.RunAsync(
                    reading.Work,
                    reading.Use,
                    writing.Work,
                    writing.Use,
                    destination,
                    isSequential: _options.MaxDegreeOfParallelism == 1,
                    cancellationToken).ConfigureAwait(false);
                return writing.Work.Length;
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Encrypts a message from pipe to pipe again, in constant memory.</summary>
    /// <returns>Whether the message was encrypted again. False: its header is authentic, and nothing was written.</returns>
    public async Task<bool> RunAsync(PipePair pipes, ByokReencryptWhen policy, CancellationToken cancellationToken)
    {
        var header = await pipes.ReadHeaderAsync(_options, cancellationToken).ConfigureAwait(false);
        return await RunAsync(
            header,
            policy,
            key => MessagePipeReader.Begin(header, key, _options),
            (template, key, id) => MessagePipeWriter.Begin(template, key, id, _options, TooLong),
            async (reading, writing) =>
            {
                await MessageTransfer.RunAsync(
                    reading.Work, reading.Use, writing.Work, writing.Use, pipes, cancellationToken).ConfigureAwait(false);
                return writing.Work.Length;
            },
            cancellationToken).ConfigureAwait(false);
    }

    private async Task<bool> RunAsync<TReader, TWriter>(
        MessageHeader header,
        ByokReencryptWhen policy,
        Func<DataKey, TReader> read,
        Func<MessageTemplate, DataKey, byte[], TWriter> write,
        Func<InUse<TReader>, InUse<TWriter>, Task<long>> transfer,
        CancellationToken cancellationToken)
        where TReader : class, IDisposable
        where TWriter : class, IDisposable
    {
        if (!Applies(header, policy))
        {
            await AuthenticateAsync(header, cancellationToken).ConfigureAwait(false);
            return false;
        }

        // Both data keys are taken before the body is read. So the time limit covers AWS alone, however slow the streams are.
        var context = NewContext(header);
        var (reading, writing) = await WithinLimitAsync(
            async token =>
            {
                var reading = await BeginReadingAsync(header, read, token).ConfigureAwait(false);
                try
                {
                    return (reading, await BeginWritingAsync(header, context, write, token).ConfigureAwait(false));
                }
                catch
                {
                    reading.Dispose();
                    throw;
                }
            },
            cancellationToken).ConfigureAwait(false);
        using (reading)
        using (writing)
        {
            _keys.Count(context, await transfer(reading, writing).ConfigureAwait(false));
        }

        return true;
    }

    /// <summary>The encryption context of the new message: that of the old one, without the public key of a signature.</summary>
    private static EncryptionContext NewContext(MessageHeader header) => header.Suite.Signs
        ? header.EncryptionContext.Without("aws-crypto-public-key") // the new message is not signed
        : header.EncryptionContext;

    private bool Applies(MessageHeader header, ByokReencryptWhen policy) => _binding.Admits(header.EncryptionContext)
        ? _rule.Applies(header, policy)
        : throw new ByokDecryptionException();

    /// <summary>Authenticates a header. Otherwise a forged header could make a message pass as current.</summary>
    private async ValueTask AuthenticateAsync(MessageHeader header, CancellationToken cancellationToken) =>
        await _keys.DecryptAsync(
            header,
            key =>
            {
                MessageReader.AuthenticateHeader(header, key.Key);
                return true;
            },
            cancellationToken).ConfigureAwait(false);

    private async Task<InUse<T>> BeginReadingAsync<T>(MessageHeader header, Func<DataKey, T> read, CancellationToken cancellationToken)
        where T : class, IDisposable
    {
        // Marked before the data key is taken: a denial that arrives in between must stop the stream.
        var began = _keys.Clock.Mark();
        return await _keys.DecryptWithinAsync(
            header,
            key => InUse<T>.Begin(_keys.BeginStream(key.Access, KeyUse.Read, key.Origin, began), () => read(key.Key)),
            cancellationToken).ConfigureAwait(false);
    }

    private Task<InUse<T>> BeginWritingAsync<T>(
        MessageHeader old, EncryptionContext context, Func<MessageTemplate, DataKey, byte[], T> write, CancellationToken cancellationToken)
        where T : class, IDisposable
    {
        var began = _keys.Clock.Mark();
        return WithNewKeyAsync(
            old,
            context,
            bytes: 0,
            key => InUse<T>.Begin(
                _keys.BeginStream(key.Access, KeyUse.Write, key.Origin, began),
                () => write(key.Template, key.Key, NonceSource.GetBytes(MessageFormat.MessageIdLength))),
            cancellationToken);
    }

    /// <summary>Uses a data key that the old message does not have: that of <c>EncryptAsync</c>, or a new one.</summary>
    private async Task<T> WithNewKeyAsync<T>(
        MessageHeader old, EncryptionContext context, long bytes, Func<EncryptionKey, T> use, CancellationToken cancellationToken)
    {
        try
        {
            var (isUsed, result) = await _keys.EncryptWithinAsync(
                context,
                bytes,
                key => IsOf(old, key) ? (false, default) : (true, use(key)),
                cancellationToken).ConfigureAwait(false);
            if (isUsed)
            {
                return result!;
            }

            using var made = await _keys.MakeWithinAsync(context, cancellationToken).ConfigureAwait(false);
            return use(made);
        }
        catch (ArgumentException e) when (e.ParamName == PlaintextKeys.ContextParameter)
        {
            // The caller passes no encryption context: it is that of the message.
            throw new ByokDecryptionException(HeaderErrors.HeaderTooLong(_options.MaxHeaderLength));
        }
    }

    private static bool IsOf(MessageHeader header, EncryptionKey key)
    {
        foreach (var encrypted in header.EncryptedDataKeys)
        {
            if (encrypted.Ciphertext.Span.SequenceEqual(key.Origin.Ciphertext.Span))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Runs the calls to AWS of one re-encryption within one time limit.</summary>
    private Task<T> WithinLimitAsync<T>(Func<CancellationToken, Task<T>> calls, CancellationToken cancellationToken) =>
        _keys.Current.Key.OperationAsync(calls, AwsAction.Decrypt, cancellationToken);

    private void ThrowIfTooLong(MessageTemplate template, int plaintextLength)
    {
        var limit = Math.Min(_options.MaxMessageLength, Array.MaxLength);
        if (MessageWriter.LongMessageLength(template, plaintextLength) > limit)
        {
            throw TooLong(limit);
        }
    }

    private static ByokDecryptionException TooLong(long limit) => new(HeaderErrors.MessageTooLong(limit));
}
