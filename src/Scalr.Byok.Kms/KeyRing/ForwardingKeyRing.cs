using System.Buffers;
using System.IO.Pipelines;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>
/// The key ring that callers get. Forwards each call to the ring of the current settings and keeps that ring alive during the call.
/// </summary>
/// <remarks>
/// If AWS rejects a tenant's credentials, the store is read again. If its settings differ, the call is tried once more with them. Calls in
/// memory can always be repeated: a denial arrives before anything is written. A call on streams is repeated only if it has written
/// nothing, and has read nothing or can rewind its source. A call on pipes is repeated only if it has written nothing: then the pipe still
/// has what was read, except for a header, which is kept.
/// </remarks>
internal sealed class ForwardingKeyRing : IByokKeyRing, IEvictableKeyRing, IDeniableKeyRing, IMeteredKeyRing, IPipeKeyRing, IDisposable
{
    private readonly IRingSource _source;

    public ForwardingKeyRing(IRingSource source) => _source = source;

    /// <summary>The ring that the last call used.</summary>
    public LeasedRing Last => _source.Last;

    public KmsKeyArn KeyArn => _source.KeyArn;

    public bool IsDenied => Last.Ring?.IsDenied == true;

    public long KmsRequests => Last.Ring?.KmsRequests ?? 0;

    bool IEvictableKeyRing.IsGone => _source.IsFromStore && !Last.IsInUse;

    object IEvictableKeyRing.Version => Last;

    public ValueTask<byte[]> EncryptAsync(
        ReadOnlyMemory<byte> plaintext,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default) =>
        CallAsync(
            static (ring, s) => ring.EncryptAsync(s.plaintext, s.encryptionContext, s.cancellationToken),
            (plaintext, encryptionContext, cancellationToken),
            cancellationToken);

    public async ValueTask EncryptAsync(
        ReadOnlyMemory<byte> plaintext,
        IBufferWriter<byte> message,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default) =>
        await CallAsync(
            static async (ring, s) =>
            {
                await ring.EncryptAsync(s.plaintext, s.message, s.encryptionContext, s.cancellationToken).ConfigureAwait(false);
                return true;
            },
            (plaintext, message, encryptionContext, cancellationToken),
            cancellationToken).ConfigureAwait(false);

    public Task EncryptAsync(
        Stream plaintext,
        Stream message,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default) =>
        MemoryStreamPipes.TryOpen(plaintext, message) is { } pipes
        ? ToEndAsync(plaintext, EncryptAsync(pipes, encryptionContext, cancellationToken))
        : StreamAsync(
            static async (ring, source, destination, s) =>
            {
                await ring.EncryptAsync(source, destination, s.encryptionContext, s.cancellationToken).ConfigureAwait(false);
                return true;
            },
            plaintext,
            message,
            (encryptionContext, cancellationToken),
            cancellationToken);

    public ValueTask<byte[]> DecryptAsync(
        ReadOnlyMemory<byte> message,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default) =>
        CallAsync(
            static (ring, s) => ring.DecryptAsync(s.message, s.encryptionContext, s.cancellationToken),
            (message, encryptionContext, cancellationToken),
            cancellationToken);

    public async ValueTask DecryptAsync(
        ReadOnlyMemory<byte> message,
        IBufferWriter<byte> plaintext,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default) =>
        await CallAsync(
            static async (ring, s) =>
            {
                await ring.DecryptAsync(s.message, s.plaintext, s.encryptionContext, s.cancellationToken).ConfigureAwait(false);
                return true;
            },
            (message, plaintext, encryptionContext, cancellationToken),
            cancellationToken).ConfigureAwait(false);

    public Task DecryptAsync(
        Stream message,
        Stream plaintext,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default) =>
        MemoryStreamPipes.TryOpen(message, plaintext) is { } pipes
        ? ToEndAsync(message, DecryptAsync(pipes, encryptionContext, cancellationToken))
        : StreamAsync(
            static async (ring, source, destination, s) =>
            {
                await ring.DecryptAsync(source, destination, s.encryptionContext, s.cancellationToken).ConfigureAwait(false);
                return true;
            },
            message,
            plaintext,
            (encryptionContext, cancellationToken),
            cancellationToken);

    public ValueTask<byte[]> ReencryptAsync(
        ReadOnlyMemory<byte> message,
        ByokReencryptWhen policy = ByokReencryptWhen.KeyDiffers,
        CancellationToken cancellationToken = default) =>
        CallAsync(
            static (ring, s) => ring.ReencryptAsync(s.message, s.policy, s.cancellationToken),
            (message, policy, cancellationToken),
            cancellationToken);

    public ValueTask<bool> ReencryptAsync(
        ReadOnlyMemory<byte> message,
        IBufferWriter<byte> reencrypted,
        ByokReencryptWhen policy = ByokReencryptWhen.KeyDiffers,
        CancellationToken cancellationToken = default) =>
        CallAsync(
            static (ring, s) => ring.ReencryptAsync(s.message, s.reencrypted, s.policy, s.cancellationToken),
            (message, reencrypted, policy, cancellationToken),
            cancellationToken);

    public Task<bool> ReencryptAsync(
        Stream message,
        Stream reencrypted,
        ByokReencryptWhen policy = ByokReencryptWhen.KeyDiffers,
        CancellationToken cancellationToken = default) =>
        MemoryStreamPipes.TryOpen(message, reencrypted) is { } pipes
        ? ReencryptAsync(message, pipes, policy, cancellationToken)
        : StreamAsync(
            static (ring, source, destination, s) => ring.ReencryptAsync(source, destination, s.policy, s.cancellationToken),
            message,
            reencrypted,
            (policy, cancellationToken),
            cancellationToken);

    Task IPipeKeyRing.EncryptAsync(
        PipeReader plaintext,
        PipeWriter message,
        IReadOnlyDictionary<string, string>? encryptionContext,
        CancellationToken cancellationToken) =>
        EncryptAsync(new PipePair(plaintext, message), encryptionContext, cancellationToken);

    Task IPipeKeyRing.DecryptAsync(
        PipeReader message,
        PipeWriter plaintext,
        IReadOnlyDictionary<string, string>? encryptionContext,
        CancellationToken cancellationToken) =>
        DecryptAsync(new PipePair(message, plaintext), encryptionContext, cancellationToken);

    async ValueTask IPipeKeyRing.EncryptAsync(
        ReadOnlySequence<byte> plaintext,
        IBufferWriter<byte> message,
        IReadOnlyDictionary<string, string>? encryptionContext,
        CancellationToken cancellationToken) =>
        await CallAsync(
            static async (ring, s) =>
            {
                await ring.EncryptAsync(s.plaintext, s.message, s.encryptionContext, s.cancellationToken).ConfigureAwait(false);
                return true;
            },
            (plaintext, message, encryptionContext, cancellationToken),
            cancellationToken).ConfigureAwait(false);

    async ValueTask IPipeKeyRing.DecryptAsync(
        ReadOnlySequence<byte> message,
        IBufferWriter<byte> plaintext,
        IReadOnlyDictionary<string, string>? encryptionContext,
        CancellationToken cancellationToken) =>
        await CallAsync(
            static async (ring, s) =>
            {
                await ring.DecryptAsync(s.message, s.plaintext, s.encryptionContext, s.cancellationToken).ConfigureAwait(false);
                return true;
            },
            (message, plaintext, encryptionContext, cancellationToken),
            cancellationToken).ConfigureAwait(false);

    public bool NeedsReencryption(ReadOnlyMemory<byte> message, ByokReencryptWhen policy = ByokReencryptWhen.KeyDiffers) =>
        _source.Rule.Applies(message, policy);

    public bool NeedsReencryption(UnauthenticatedHeader header, ByokReencryptWhen policy = ByokReencryptWhen.KeyDiffers) =>
        _source.Rule.Applies(header, policy);

    public async Task<ByokKeyHealth> ProbeAsync(CancellationToken cancellationToken = default)
    {
        LeasedRing probed;
        ByokKeyHealth health;
        using (var lease = await _source.LeaseAsync(cancellationToken).ConfigureAwait(false))
        {
            probed = lease.Owner;
            health = await lease.Ring.ProbeAsync(cancellationToken).ConfigureAwait(false);
        }

        if (!IsRejected(health.Reason) || !await _source.RefreshAsync(probed, cancellationToken).ConfigureAwait(false))
        {
            return health;
        }

        using var second = await _source.LeaseAsync(cancellationToken).ConfigureAwait(false);
        return await second.Ring.ProbeAsync(cancellationToken).ConfigureAwait(false);
    }

    public ValueTask<ByokDataKey> CreateDataKeyAsync(
        IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default) =>
        OpenAsync(
            static (ring, s) => ring.CreateDataKeyAsync(s.encryptionContext, s.cancellationToken),
            (encryptionContext, cancellationToken),
            cancellationToken);

    public ValueTask<ByokDataKey> OpenDataKeyAsync(
        ReadOnlyMemory<byte> encryptedKey,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default) =>
        OpenAsync(
            static (ring, s) => ring.OpenDataKeyAsync(s.encryptedKey, s.encryptionContext, s.cancellationToken),
            (encryptedKey, encryptionContext, cancellationToken),
            cancellationToken);

    async Task<ByokKeyHealth?> IEvictableKeyRing.ProbeUnlessEvictedAsync(CancellationToken cancellationToken)
    {
        if (!_source.IsFromStore)
        {
            return await ProbeAsync(cancellationToken).ConfigureAwait(false);
        }

        var probed = Last;
        var health = await probed.ProbeAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var isNew = IsRejected(health?.Reason) && await _source.RefreshAsync(probed, cancellationToken).ConfigureAwait(false);
            return isNew && _source.FindCurrent() is { } current
                ? await current.ProbeAsync(cancellationToken).ConfigureAwait(false) ?? health
                : health;
        }
        catch (ByokTenantNotFoundException)
        {
            return null; // the ring was evicted
        }
    }

    /// <summary>Disposes a ring of <c>AddKeyRing</c>. A tenant's ring belongs to its provider.</summary>
    public void Dispose() => _source.Dispose();

    /// <summary>Whether AWS rejected the credentials of the settings, so that the store may have newer ones.</summary>
    private bool IsRejected(ByokKeyUnavailableReason? reason) => _source.IsFromStore && reason is
        ByokKeyUnavailableReason.CredentialsRejected
        or ByokKeyUnavailableReason.RoleNotAssumable
        or ByokKeyUnavailableReason.TokenRejected;

    private async Task EncryptAsync(
        PipePair pipes, IReadOnlyDictionary<string, string>? encryptionContext, CancellationToken cancellationToken) =>
        await CallAsync(
            static async (ring, s) =>
            {
                await ring.EncryptAsync(s.pipes, s.encryptionContext, s.cancellationToken).ConfigureAwait(false);
                return true;
            },
            (pipes, encryptionContext, cancellationToken),
            cancellationToken,
            pipes).ConfigureAwait(false);

    private async Task DecryptAsync(
        PipePair pipes, IReadOnlyDictionary<string, string>? encryptionContext, CancellationToken cancellationToken) =>
        await CallAsync(
            static async (ring, s) =>
            {
                await ring.DecryptAsync(s.pipes, s.encryptionContext, s.cancellationToken).ConfigureAwait(false);
                return true;
            },
            (pipes, encryptionContext, cancellationToken),
            cancellationToken,
            pipes).ConfigureAwait(false);

    private async Task<bool> ReencryptAsync(
        Stream message, PipePair pipes, ByokReencryptWhen policy, CancellationToken cancellationToken)
    {
        var isMoved = await CallAsync(
            static async (ring, s) => await ring.ReencryptAsync(s.pipes, s.policy, s.cancellationToken).ConfigureAwait(false),
            (pipes, policy, cancellationToken),
            cancellationToken,
            pipes).ConfigureAwait(false);
        message.Position = isMoved ? message.Length : message.Position;
        return isMoved;
    }

    private static async Task ToEndAsync(Stream source, Task call)
    {
        await call.ConfigureAwait(false);
        source.Position = source.Length;
    }

    private async ValueTask<T> CallAsync<TState, T>(
        Func<ByokKeyRing, TState, ValueTask<T>> call, TState state, CancellationToken cancellationToken, PipePair? pipes = null)
    {
        for (var isFirst = true; ; isFirst = false)
        {
            // The lease of the first round ends before the second: the old ring must not be kept alive while the new one works.
            using var lease = await _source.LeaseAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                return await call(lease.Ring, state).ConfigureAwait(false);
            }
            catch (ByokKeyUnavailableException e) when (e.IsOfHost)
            {
                throw e.ForCaller();
            }
            catch (ByokKeyUnavailableException e) when (isFirst && IsRejected(e.Reason))
            {
                // Read also for a call that cannot be repeated, so that the next call works.
                if (!await _source.RefreshAsync(lease.Owner, cancellationToken).ConfigureAwait(false) || pipes?.IsUsed == true)
                {
                    throw;
                }
            }
        }
    }

    private async Task<T> StreamAsync<TState, T>(
        Func<ByokKeyRing, Stream, Stream, TState, Task<T>> call,
        Stream source,
        Stream destination,
        TState state,
        CancellationToken cancellationToken)
    {
        try
        {
            return await StreamOnceOrTwiceAsync(call, source, destination, state, cancellationToken).ConfigureAwait(false);
        }
        catch (ByokKeyUnavailableException e) when (e.IsOfHost)
        {
            throw e.ForCaller();
        }
    }

    private async Task<T> StreamOnceOrTwiceAsync<TState, T>(
        Func<ByokKeyRing, Stream, Stream, TState, Task<T>> call,
        Stream source,
        Stream destination,
        TState state,
        CancellationToken cancellationToken)
    {
        // Null streams are passed on, so that the exception has the parameter name of the public method.
        if (!_source.IsFromStore || source is null || destination is null)
        {
            using var only = await _source.LeaseAsync(cancellationToken).ConfigureAwait(false);
            return await call(only.Ring, source!, destination!, state).ConfigureAwait(false);
        }

        var (input, output) = (new ObservedStream(source), new ObservedStream(destination));

        // Only a stream that can seek can be read again with new settings.
        long? start = source.CanSeek ? source.Position : null;
        using (var lease = await _source.LeaseAsync(cancellationToken).ConfigureAwait(false))
        {
            try
            {
                return await call(lease.Ring, input, output, state).ConfigureAwait(false);
            }
            catch (ByokKeyUnavailableException e) when (IsRejected(e.Reason))
            {
                // Read also for a call that cannot be repeated, so that the next call works.
                var isNew = await _source.RefreshAsync(lease.Owner, cancellationToken).ConfigureAwait(false);
                if (!isNew || output.IsUsed || (input.IsUsed && start is null))
                {
                    throw;
                }
            }
        }

        if (input.IsUsed)
        {
            source.Position = start!.Value;
        }

        using var second = await _source.LeaseAsync(cancellationToken).ConfigureAwait(false);
        return await call(second.Ring, source, destination, state).ConfigureAwait(false);
    }

    private async ValueTask<ByokDataKey> OpenAsync<TState>(
        Func<ByokKeyRing, TState, ValueTask<ByokDataKey>> call, TState state, CancellationToken cancellationToken)
    {
        var lease = await _source.LeaseAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await HoldAsync(lease, call, state).ConfigureAwait(false);
        }
        catch (ByokKeyUnavailableException e) when (IsRejected(e.Reason))
        {
            if (!await _source.RefreshAsync(lease.Owner, cancellationToken).ConfigureAwait(false))
            {
                throw;
            }
        }

        return await HoldAsync(await _source.LeaseAsync(cancellationToken).ConfigureAwait(false), call, state).ConfigureAwait(false);
    }

    /// <summary>Opens a data key that keeps the lease until it is closed.</summary>
    private static async ValueTask<ByokDataKey> HoldAsync<TState>(
        RingLease lease, Func<ByokKeyRing, TState, ValueTask<ByokDataKey>> call, TState state)
    {
        try
        {
            var key = await call(lease.Ring, state).ConfigureAwait(false);
            key.OnEnd(lease.Dispose);
            return key;
        }
        catch (ByokKeyUnavailableException e) when (e.IsOfHost)
        {
            lease.Dispose();
            throw e.ForCaller();
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }
}
