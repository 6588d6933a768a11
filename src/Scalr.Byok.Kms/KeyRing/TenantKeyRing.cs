using System.Buffers;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>What the provider hands out: hands each call on to the tenant's present ring, and keeps that from being disposed until the call has ended.</summary>
internal sealed class TenantKeyRing : IByokKeyRing, IPassingKeyRing, IDeniableKeyRing
{
    private readonly KeyRingProvider _provider;
    private readonly string _tenant;
    private volatile TenantRing _ring;

    public TenantKeyRing(KeyRingProvider provider, string tenant, TenantRing ring)
    {
        _provider = provider;
        _tenant = tenant;
        _ring = ring;
    }

    /// <summary>The ring that the last call used.</summary>
    public TenantRing Last => _ring;

    public KmsKeyArn KeyArn => (_provider.FindRing(_tenant) ?? _ring).KeyArn;

    public bool IsDenied => _ring.Ring?.IsDenied == true;

    bool IPassingKeyRing.IsGone => !_ring.IsInUse;

    public async ValueTask<byte[]> EncryptAsync(
        ReadOnlyMemory<byte> plaintext, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default)
    {
        using var use = await UseAsync(cancellationToken).ConfigureAwait(false);
        return await use.Ring.EncryptAsync(plaintext, encryptionContext, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask EncryptAsync(
        ReadOnlyMemory<byte> plaintext,
        IBufferWriter<byte> message,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default)
    {
        using var use = await UseAsync(cancellationToken).ConfigureAwait(false);
        await use.Ring.EncryptAsync(plaintext, message, encryptionContext, cancellationToken).ConfigureAwait(false);
    }

    public async Task EncryptAsync(
        Stream plaintext, Stream message, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default)
    {
        using var use = await UseAsync(cancellationToken).ConfigureAwait(false);
        await use.Ring.EncryptAsync(plaintext, message, encryptionContext, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<byte[]> DecryptAsync(
        ReadOnlyMemory<byte> message, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default)
    {
        using var use = await UseAsync(cancellationToken).ConfigureAwait(false);
        return await use.Ring.DecryptAsync(message, encryptionContext, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DecryptAsync(
        ReadOnlyMemory<byte> message,
        IBufferWriter<byte> plaintext,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default)
    {
        using var use = await UseAsync(cancellationToken).ConfigureAwait(false);
        await use.Ring.DecryptAsync(message, plaintext, encryptionContext, cancellationToken).ConfigureAwait(false);
    }

    public async Task DecryptAsync(
        Stream message, Stream plaintext, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default)
    {
        using var use = await UseAsync(cancellationToken).ConfigureAwait(false);
        await use.Ring.DecryptAsync(message, plaintext, encryptionContext, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<byte[]> RewrapAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken = default)
    {
        using var use = await UseAsync(cancellationToken).ConfigureAwait(false);
        return await use.Ring.RewrapAsync(message, cancellationToken).ConfigureAwait(false);
    }

    public async Task RewrapAsync(Stream message, Stream rewrapped, CancellationToken cancellationToken = default)
    {
        using var use = await UseAsync(cancellationToken).ConfigureAwait(false);
        await use.Ring.RewrapAsync(message, rewrapped, cancellationToken).ConfigureAwait(false);
    }

    public async Task<KeyHealth> ProbeAsync(CancellationToken cancellationToken = default)
    {
        using var use = await UseAsync(cancellationToken).ConfigureAwait(false);
        return await use.Ring.ProbeAsync(cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<ByokDataKey> CreateDataKeyAsync(IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default) =>
        await HoldAsync(
            static (ring, s) => ring.CreateDataKeyAsync(s.encryptionContext, s.cancellationToken), (encryptionContext, cancellationToken), cancellationToken).ConfigureAwait(false);

    public async ValueTask<ByokDataKey> OpenDataKeyAsync(
        ReadOnlyMemory<byte> encryptedKey, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default) =>
        await HoldAsync(
            static (ring, s) => ring.OpenDataKeyAsync(s.encryptedKey, s.encryptionContext, s.cancellationToken),
            (encryptedKey, encryptionContext, cancellationToken),
            cancellationToken).ConfigureAwait(false);

    Task<KeyHealth?> IPassingKeyRing.ProbeIfThereAsync(CancellationToken cancellationToken) => _ring.ProbeAsync(cancellationToken);

    /// <summary>A call whose data key uses the ring until it is disposed or its time is over.</summary>
    private async ValueTask<ByokDataKey> HoldAsync<TState>(Func<TracedKeyRing, TState, ValueTask<ByokDataKey>> call, TState state, CancellationToken cancellationToken)
    {
        var use = await UseAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var key = await call(use.Ring, state).ConfigureAwait(false);
            key.OnEnd(use.Dispose);
            return key;
        }
        catch
        {
            use.Dispose();
            throw;
        }
    }

    private async ValueTask<TenantUse> UseAsync(CancellationToken cancellationToken)
    {
        var use = await _provider.UseAsync(_tenant, _ring, cancellationToken).ConfigureAwait(false);
        if (!ReferenceEquals(_ring, use.Owner))
        {
            _ring = use.Owner;
        }

        return use;
    }
}
