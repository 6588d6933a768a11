using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>
/// A way to use a key over and over. The first use has taken place when it is made, so the ring has the plaintext data key.
/// </summary>
internal sealed class Use : IAsyncDisposable
{
    private static readonly byte[] Plaintext = "db password"u8.ToArray();

    private readonly Func<Task> _once;
    private readonly Func<Task> _end;

    private Use(UseKind kind, Func<Task> once, Func<Task>? end = null)
    {
        Kind = kind;
        _once = once;
        _end = end ?? (() => Task.CompletedTask);
    }

    public UseKind Kind { get; }

    /// <summary>Whether it is a running stream or pipe.</summary>
    public bool IsStream => Kind.IsStream();

    /// <summary>Whether the caller cannot wait: a use without facts throws, and starts what is missing.</summary>
    public bool IsSynchronous => Kind is UseKind.DecryptValue or UseKind.EncryptValue;

    public static async Task<Use> StartAsync(UseKind kind, IByokKeyRing ring, IReadOnlyDictionary<string, string> context)
    {
        switch (kind)
        {
            case UseKind.DecryptMessage:
                var message = await ring.EncryptAsync(Plaintext, context);
                return await BeginAsync(kind, async () => Assert.That(await ring.DecryptAsync(message, context), Is.EqualTo(Plaintext)));
            case UseKind.EncryptMessage:
                return await BeginAsync(kind, async () => Assert.That(await ring.EncryptAsync(Plaintext, context), Is.Not.Empty));
            case UseKind.OpenDataKey:
                var encrypted = await CreateAsync(ring, context);
                return await BeginAsync(kind, async () => (await ring.OpenDataKeyAsync(encrypted, context)).Dispose());
            case UseKind.DecryptValue or UseKind.EncryptValue:
                var key = await ring.OpenDataKeyAsync(await CreateAsync(ring, context), context);
                var value = key.Encrypt(Plaintext);
                return await BeginAsync(kind, () => UseValue(kind, key, value), () => Done(key.Dispose));
            default:
                var stream = await RunningStream.StartAsync(
                    kind is UseKind.EncryptStream or UseKind.EncryptPipe,
                    ring,
                    context,
                    isPiped: kind is UseKind.EncryptPipe or UseKind.DecryptPipe);
                return await BeginAsync(kind, stream.MoveAsync, () => stream.DisposeAsync().AsTask());
        }
    }

    /// <summary>One use. A synchronous one is repeated while it waits for a confirmation, and the time stands still.</summary>
    /// <exception cref="ByokException">What the library says.</exception>
    public async Task OnceAsync()
    {
        if (!IsSynchronous)
        {
            await _once();
            return;
        }

        await ByokWorld.UntilAsync(
            () =>
            {
                try
                {
                    _once().GetAwaiter().GetResult();
                    return true;
                }
                catch (ByokServiceException e) when (e.IsTransient)
                {
                    return false;
                }
            },
            $"{Kind} was neither possible nor denied");
    }

    /// <summary>One use, not repeated.</summary>
    public Task AtOnceAsync() => _once();

    /// <summary>One use.</summary>
    /// <returns>The denial; null if the use took place.</returns>
    public async Task<ByokKeyUnavailableException?> TryAsync()
    {
        try
        {
            await OnceAsync();
            return null;
        }
        catch (ByokKeyUnavailableException e)
        {
            return e;
        }
    }

    public async ValueTask DisposeAsync() => await _end();

    private static Task UseValue(UseKind kind, ByokDataKey key, byte[] value) => kind == UseKind.DecryptValue
        ? Done(() => Assert.That(key.Decrypt(value), Is.EqualTo(Plaintext)))
        : Done(() => Assert.That(key.Encrypt(Plaintext), Has.Length.EqualTo(value.Length)));

    private static Task Done(Action action)
    {
        action();
        return Task.CompletedTask;
    }

    private static async Task<Use> BeginAsync(UseKind kind, Func<Task> once, Func<Task>? end = null)
    {
        await once();
        return new Use(kind, once, end);
    }

    private static async Task<byte[]> CreateAsync(IByokKeyRing ring, IReadOnlyDictionary<string, string> context)
    {
        using var key = await ring.CreateDataKeyAsync(context);
        return key.EncryptedKey.ToArray();
    }
}
