using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>Runs a sequence of steps against the library and the reference at the same time.</summary>
internal sealed partial class ModelWorld : IDisposable
{
    private static readonly byte[] Plaintext = "the value"u8.ToArray();
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly ModelSetup _setup;
    private readonly ModelClock _clock = new();
    private readonly ModelAws _aws;
    private readonly ModelRules _rules;
    private readonly ModelPromises _promises;
    private readonly ServiceProvider _provider;
    private readonly IByokKeyRing _ring;
    private readonly List<byte[]> _messages = [];
    private readonly List<Opened> _opened = [];
    private readonly Dictionary<Guid, ModelClock.Moment> _fetched = []; // when the calls fetched data keys that the ring caches
    private readonly Dictionary<string, ModelOrigin> _written = [];
    private readonly StringBuilder _history = new();

    public ModelWorld(ModelSetup setup)
    {
        _setup = setup;
        _aws = new ModelAws(_clock, ModelArchive.Instance.Aws);
        _rules = new ModelRules(setup, _clock, _aws);
        _promises = new ModelPromises(setup, _clock, _aws, _rules);
        (_provider, _ring) = ModelArchive.CreateRing(setup, _clock, _aws, previousIsCurrent: false);
    }

    public void Run(IEnumerable<ModelStep> steps)
    {
        foreach (var step in steps)
        {
            var before = _aws.Log.Count;
            _aws.LogLimit = before + 500;
            Run(step);
            ModelQuiet.Wait();
            _rules.Learn();
            Tell(step, before);
        }
    }

    public void Dispose() => _provider.Dispose();

    private void Run(ModelStep step)
    {
        var context = ModelArchive.Contexts[step.First % 3];
        switch (step.Op)
        {
            case ModelOp.Encrypt:
                Encrypt(context);
                break;
            case ModelOp.Decrypt when _messages.Count > 0:
                Decrypt(_messages[step.First % _messages.Count]);
                break;
            case ModelOp.DecryptPrevious when _setup.HasPrevious:
                Decrypt(ModelArchive.Instance.PreviousMessages[step.First % 3]);
                break;
            case ModelOp.OpenDataKey:
                Open(step.Second % 4 == 0 && _setup.HasPrevious ? 1 : 0, step.First % 3);
                break;
            case ModelOp.EncryptValue when _opened.Count > 0:
                UseValue(_opened[step.First % _opened.Count], ModelUseKind.WriteValue);
                break;
            case ModelOp.DecryptValue when _opened.Count > 0:
                UseValue(_opened[step.First % _opened.Count], ModelUseKind.ReadValue);
                break;
            case ModelOp.CloseDataKey when _opened.Count > 0:
                _opened[step.First % _opened.Count].DataKey.Dispose();
                _opened.RemoveAt(step.First % _opened.Count);
                break;
            case ModelOp.Probe:
                Probe();
                break;
            case ModelOp.Advance:
                Advance(step.Time(_setup));
                break;
            case ModelOp.StopProcess:
                _clock.Advance(step.Time(_setup)); // no timer fires in between
                break;
            case ModelOp.Suspend:
                _clock.Suspend(step.Time(_setup));
                break;
            case ModelOp.SetClock:
                _clock.SetSkew(TimeSpan.FromMinutes((step.First % 13) - 6));
                break;
            case ModelOp.SetKms:
                _aws.Kms[step.First % 4 == 3 ? 1 : 0, step.First % 4 == 2 ? 1 : 0] = (KmsState)(step.Second % 7);
                break;
            case ModelOp.SetSts:
                _aws.Sts = (StsState)(step.First % 4);
                break;
            case ModelOp.DenyContext:
                _aws.DeniedContexts[step.Second % 4 == 0 ? 1 : 0].Add(context);
                break;
            case ModelOp.RevokeSessions:
                _aws.RevokeSessions();
                break;
            case ModelOp.SwitchAccessKey:
                _aws.AccessKeyIsActive = !_aws.AccessKeyIsActive;
                break;
            case ModelOp.RestoreAws:
                _aws.Restore();
                break;
            case ModelOp.RestoreAndWait:
                RestoreAndWait();
                break;
        }
    }

    private void Probe()
    {
        var denied = _rules[0].Denied;
        var isDenied = denied is not null && _aws.Kms[0, 0] == KmsState.Disabled && !_setup.FailsOverOnRevoked;
        var health = End(_ring.ProbeAsync());
        Demand(!isDenied || health.Status != HealthStatus.Healthy, "the probe is healthy while the key is disabled");
    }

    private void Advance(TimeSpan time)
    {
        var (left, before) = (time, _aws.Log.Count);
        for (var part = _setup.Interval / 8; left > TimeSpan.Zero; left -= part)
        {
            _clock.Advance(left < part || _opened.Count == 0 ? left : part);
            ModelQuiet.Wait();
            _rules.Learn();
            left = _opened.Count == 0 ? TimeSpan.Zero : left;
        }

        Demand(_opened.Count > 0 || _aws.Log.Count == before, "requests were sent without a use and without open data keys");
    }

    private void RestoreAndWait()
    {
        _aws.Restore();
        Advance(_setup.Interval + TimeSpan.FromMinutes(2));
        foreach (var context in ModelArchive.Contexts)
        {
            var before = _messages.Count;
            Encrypt(context);
            if (_messages.Count > before)
            {
                Decrypt(_messages[^1]);
            }
        }

        var opened = _opened.Count;
        Open(key: 0, context: 0);
        if (_opened.Count > opened)
        {
            UseValue(_opened[^1], ModelUseKind.ReadValue);
        }
    }

    private ModelOrigin OriginOf(byte[] message) =>
        _aws.FindOrigin(MessageHeader.Read(message, MessageOptions.Unlimited).EncryptedDataKeys[0].Ciphertext.Span)!;

    private T End<T>(Task<T> task)
    {
        try
        {
            return task.WaitAsync(Patience).GetAwaiter().GetResult();
        }
        catch (TimeoutException)
        {
            throw new ModelException($"the call does not end\n{_history}(here)");
        }
    }

    private void Same(byte[] bytes) => Demand(bytes.AsSpan().SequenceEqual(Plaintext), "the plaintext differs");

    private void Demand(bool condition, string otherwise)
    {
        if (!condition)
        {
            throw new ModelException($"{otherwise}\n{_history}(here)");
        }
    }

    private void Tell(ModelStep step, int before)
    {
        _history.Append(step).Append(" at ").Append(_clock.Now.Monotonic).Append('/').Append(_clock.Now.Wall).Append(':');
        foreach (var request in _aws.Log.Skip(before))
        {
            _history.Append($" [{request.Number} {request.Action} key {request.Key} Region {request.Region}: {request.Answer}]");
        }

        _history.Append('\n');
    }

    private sealed record Opened(ByokDataKey DataKey, ModelUse Use, byte[] Value)
    {
        public bool IsClosed { get; set; }
    }
}
