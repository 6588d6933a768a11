using System.Buffers;
using System.Diagnostics;
using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>A key ring with an activity around each of its calls if somebody listens; if not, nothing stands between.</summary>
internal sealed class TracedKeyRing : IByokKeyRing, IDeniableKeyRing, IDisposable
{
    private readonly ByokKeyRing _ring;

    /// <param name="ring">Owned from now on.</param>
    public TracedKeyRing(ByokKeyRing ring) => _ring = ring;

    public bool IsDenied => _ring.IsDenied;

    /// <summary>The key ring itself.</summary>
    public ByokKeyRing Inner => _ring;

    public KmsKeyArn KeyArn => _ring.KeyArn;

    public ValueTask<byte[]> EncryptAsync(
        ReadOnlyMemory<byte> plaintext, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default) =>
        Trace(Activities.Encrypt, static s => s._ring.EncryptAsync(s.plaintext, s.encryptionContext, s.cancellationToken), (_ring, plaintext, encryptionContext, cancellationToken));

    public ValueTask EncryptAsync(
        ReadOnlyMemory<byte> plaintext,
        IBufferWriter<byte> message,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default) =>
        Trace(
            Activities.Encrypt,
            static s => s._ring.EncryptAsync(s.plaintext, s.message, s.encryptionContext, s.cancellationToken),
            (_ring, plaintext, message, encryptionContext, cancellationToken));

    public Task EncryptAsync(
        Stream plaintext, Stream message, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default) =>
        Trace(
            Activities.Encrypt,
            static s => new ValueTask(s._ring.EncryptAsync(s.plaintext, s.message, s.encryptionContext, s.cancellationToken)),
            (_ring, plaintext, message, encryptionContext, cancellationToken)).AsTask();

    public ValueTask<byte[]> DecryptAsync(
        ReadOnlyMemory<byte> message, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default) =>
        Trace(Activities.Decrypt, static s => s._ring.DecryptAsync(s.message, s.encryptionContext, s.cancellationToken), (_ring, message, encryptionContext, cancellationToken));

    public ValueTask DecryptAsync(
        ReadOnlyMemory<byte> message,
        IBufferWriter<byte> plaintext,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default) =>
        Trace(
            Activities.Decrypt,
            static s => s._ring.DecryptAsync(s.message, s.plaintext, s.encryptionContext, s.cancellationToken),
            (_ring, message, plaintext, encryptionContext, cancellationToken));

    public Task DecryptAsync(
        Stream message, Stream plaintext, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default) =>
        Trace(
            Activities.Decrypt,
            static s => new ValueTask(s._ring.DecryptAsync(s.message, s.plaintext, s.encryptionContext, s.cancellationToken)),
            (_ring, message, plaintext, encryptionContext, cancellationToken)).AsTask();

    public ValueTask<byte[]> RewrapAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken = default) =>
        Trace(Activities.Rewrap, static s => s._ring.RewrapAsync(s.message, s.cancellationToken), (_ring, message, cancellationToken));

    public Task RewrapAsync(Stream message, Stream rewrapped, CancellationToken cancellationToken = default) =>
        Trace(
            Activities.Rewrap,
            static s => new ValueTask(s._ring.RewrapAsync(s.message, s.rewrapped, s.cancellationToken)),
            (_ring, message, rewrapped, cancellationToken)).AsTask();

    public Task<KeyHealth> ProbeAsync(CancellationToken cancellationToken = default) =>
        Trace(Activities.Probe, static s => new ValueTask<KeyHealth>(s._ring.ProbeAsync(s.cancellationToken)), (_ring, cancellationToken)).AsTask();

    public ValueTask<ByokDataKey> CreateDataKeyAsync(IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default) =>
        Trace(Activities.CreateDataKey, static s => s._ring.CreateDataKeyAsync(s.encryptionContext, s.cancellationToken), (_ring, encryptionContext, cancellationToken));

    public ValueTask<ByokDataKey> OpenDataKeyAsync(
        ReadOnlyMemory<byte> encryptedKey, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default) =>
        Trace(
            Activities.OpenDataKey,
            static s => s._ring.OpenDataKeyAsync(s.encryptedKey, s.encryptionContext, s.cancellationToken),
            (_ring, encryptedKey, encryptionContext, cancellationToken));

    public void Dispose() => _ring.Dispose();

    private ValueTask<T> Trace<TState, T>(string name, Func<TState, ValueTask<T>> call, TState state) =>
        Activities.IsOn ? TraceAsync(name, call, state) : call(state);

    private ValueTask Trace<TState>(string name, Func<TState, ValueTask> call, TState state) =>
        Activities.IsOn ? TraceAsync(name, call, state) : call(state);

    private async ValueTask<T> TraceAsync<TState, T>(string name, Func<TState, ValueTask<T>> call, TState state)
    {
        using var activity = Begin(name);
        try
        {
            return await call(state).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            activity.Fail(e);
            throw;
        }
    }

    private async ValueTask TraceAsync<TState>(string name, Func<TState, ValueTask> call, TState state)
    {
        using var activity = Begin(name);
        try
        {
            await call(state).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            activity.Fail(e);
            throw;
        }
    }

    private Activity? Begin(string name) => Activities.Start(name)?.SetTag(Instruments.RegionAttribute, KeyArn.Region);
}
