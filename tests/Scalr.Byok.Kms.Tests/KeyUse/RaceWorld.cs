using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>One ring that everything happens to at once, and an independent ring that checks the results.</summary>
internal sealed class RaceWorld : IDisposable
{
    private const int Workers = 4;
    private const int Burst = 50;
    private const int Contexts = 12;

    private static readonly byte[] Plaintext = "the value"u8.ToArray();

    private readonly ModelSetup _setup;
    private readonly ModelClock _clock = new();
    private readonly ModelAws _aws;
    private readonly ServiceProvider _provider;
    private readonly IByokKeyRing _ring;
    private readonly ServiceProvider _checker;
    private readonly IByokKeyRing _checkerRing;
    private readonly ByokDataKey[] _checkerKeys = new ByokDataKey[ModelArchive.Contexts.Length];
    private readonly ConcurrentQueue<byte[]> _messages = new();
    private int _values;

    public RaceWorld(ModelSetup setup)
    {
        _setup = setup;
        _aws = new ModelAws(_clock, ModelArchive.Instance.Aws) { Delay = DelayAsync };
        (_provider, _ring) = ModelArchive.CreateRing(
            setup, _clock, _aws, previousIsCurrent: false, static options => options.DataKeyCache.MaxKeys = 4);

        // Without a cache, with a clock that stands still, and with an AWS that always answers.
        CheckerAws = new ModelAws(new ModelClock(), _aws);
        (_checker, _checkerRing) = ModelArchive.CreateRing(ModelSetup.Plain, new ModelClock(), CheckerAws, previousIsCurrent: false);
        for (var i = 0; i < _checkerKeys.Length; i++)
        {
            _checkerKeys[i] = _checkerRing.OpenDataKeyAsync(ModelArchive.Instance.DataKeys[0][i]).AsTask().GetAwaiter().GetResult();
        }
    }

    /// <summary>Results that are wrong, and exceptions that no caller expects.</summary>
    public ConcurrentQueue<string> Faults { get; } = new();

    public int Values => _values;

    public int Messages => _messages.Count;

    /// <summary>How many answers of kms:Decrypt still hold a plaintext data key.</summary>
    public int Unerased => _aws.HandedOut.Count(answer => answer.AsSpan().ContainsAnyExcept((byte)0));

    private ModelAws CheckerAws { get; }

    /// <summary>Runs until so many values are done, and disposes the host on the way.</summary>
    public async Task RunAsync(int values)
    {
        using CancellationTokenSource ended = new();
        Task[] others = [Task.Run(() => ChangeAws(ended.Token)), Task.Run(() => MoveClock(ended.Token))];
        var workers = Enumerable.Range(0, Workers).Select(worker => Task.Run(() => WorkAsync(new Random(worker), values))).ToArray();
        while (_values < values * 9 / 10 && !workers.All(worker => worker.IsCompleted))
        {
            await Task.Delay(1);
        }

        await _provider.DisposeAsync(); // while the workers go on
        await Task.WhenAll(workers).WaitAsync(TimeSpan.FromSeconds(60));
        await ended.CancelAsync();
        await Task.WhenAll(others);

        // A call that was given up may still get its answer.
        await ByokWorld.UntilAsync(() => _aws.Late == 0, "a late answer did not come");
        ModelQuiet.Wait();
    }

    /// <summary>Decrypts every message by the independent ring.</summary>
    public async Task CheckMessagesAsync()
    {
        CheckerAws.Learn(_aws);
        foreach (var message in _messages)
        {
            Check(await _checkerRing.DecryptAsync(message), "a message is under another key");
        }
    }

    /// <summary>The data keys of this round, under the mask.</summary>
    public IEnumerable<byte[]> TakeKeys()
    {
        if (_aws.Origins.Any(ModelAws.IsZero))
        {
            Faults.Enqueue("an erased buffer was encrypted as a data key");
        }

        return _aws.Origins.Where(origin => !ModelAws.IsZero(origin)).Select(origin => origin.Masked);
    }

    public void Dispose()
    {
        _provider.Dispose();
        _checker.Dispose();
    }

    /// <summary>Often at once, sometimes after other work, and now and then later than the time limit of an attempt.</summary>
    private static Task DelayAsync()
    {
        switch (Random.Shared.Next(20))
        {
            case 0:
                return Task.Delay(1);
            case < 8:
                return Task.Run(static () => { });
            default:
                return Task.CompletedTask;
        }
    }

    private void ChangeAws(CancellationToken ended)
    {
        while (!ended.IsCancellationRequested)
        {
            Thread.Sleep(Random.Shared.Next(4));
            _aws.Kms[0, 0] = Random.Shared.Next(6) == 0 ? (KmsState)Random.Shared.Next(7) : KmsState.Works;
            _aws.Sts = Random.Shared.Next(8) == 0 ? (StsState)Random.Shared.Next(4) : StsState.Works;
            if (Random.Shared.Next(50) == 0)
            {
                _aws.RevokeSessions();
            }
        }
    }

    private void MoveClock(CancellationToken ended)
    {
        while (!ended.IsCancellationRequested)
        {
            Thread.Sleep(1);
            _clock.Advance(_setup.Interval / Random.Shared.Next(10, 100));
        }
    }

    private async Task WorkAsync(Random random, int values)
    {
        while (Volatile.Read(ref _values) < values)
        {
            try
            {
                await (random.Next(4) switch
                {
                    0 => EncryptAsync(random),
                    1 => DecryptAsync(random),
                    2 => StreamAsync(random),
                    _ => UseDataKeyAsync(random),
                });
            }
            catch (ObjectDisposedException)
            {
                return; // the host is disposed
            }
            catch (Exception e) when (e is ByokKeyUnavailableException or ByokServiceException)
            {
                Interlocked.Increment(ref _values); // so that a round ends whatever happens
            }
            catch (Exception e)
            {
                Faults.Enqueue(e.ToString());
                return;
            }
        }
    }

    private async Task EncryptAsync(Random random)
    {
        for (var i = 0; i < Burst; i++)
        {
            var message = await _ring.EncryptAsync(Plaintext, ModelArchive.ContextOf($"{random.Next(Contexts)}"));
            if (i == 0)
            {
                _messages.Enqueue(message);
            }

            Check(await _ring.DecryptAsync(message), "a message does not decrypt to what was encrypted");
            Interlocked.Increment(ref _values);
        }
    }

    private async Task DecryptAsync(Random random)
    {
        if (_messages.TryPeek(out var first))
        {
            var message = random.Next(2) == 0 ? first : _messages.ElementAt(random.Next(_messages.Count));
            Check(await _ring.DecryptAsync(message), "a message decrypts to something else");
            Interlocked.Increment(ref _values);
        }
    }

    private async Task StreamAsync(Random random)
    {
        using MemoryStream message = new();
        await _ring.EncryptAsync(new MemoryStream(Plaintext), message, ModelArchive.ContextOf($"{random.Next(Contexts)}"));
        _messages.Enqueue(message.ToArray());
        using MemoryStream decrypted = new();
        message.Position = 0;
        await _ring.DecryptAsync(message, decrypted);
        Check(decrypted.ToArray(), "a stream does not decrypt to what was encrypted");
        Interlocked.Increment(ref _values);
    }

    private async Task UseDataKeyAsync(Random random)
    {
        var index = random.Next(_checkerKeys.Length);
        using var dataKey = await _ring.OpenDataKeyAsync(ModelArchive.Instance.DataKeys[0][index]);
        for (var i = 0; i < 20 * Burst; i++)
        {
            var value = dataKey.Encrypt(Plaintext);
            Interlocked.Increment(ref _values);
            Check(_checkerKeys[index].Decrypt(value), "a value is under another key");
            Check(dataKey.Decrypt(ModelArchive.Instance.Values[0][index]), "a value decrypts to something else");
        }
    }

    private void Check(byte[] plaintext, string otherwise)
    {
        if (!plaintext.AsSpan().SequenceEqual(Plaintext))
        {
            Faults.Enqueue(otherwise);
        }
    }
}
