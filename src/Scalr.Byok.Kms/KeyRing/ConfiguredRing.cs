using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Settings;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>
/// A ring of <c>AddKeyRing</c>. Follows its settings: a valid change replaces the ring, and invalid settings change nothing.
/// </summary>
/// <remarks>
/// Listens to the change sources itself, because <see cref="IOptionsMonitor{TOptions}"/> does not notify its listeners of invalid settings.
/// One thread at a time handles changes. A change that arrives meanwhile makes it read the settings once more, so the last ones are used.
/// </remarks>
internal sealed class ConfiguredRing : IRingSource
{
    private readonly string _name;
    private readonly IOptionsFactory<ByokKeySettings> _options;
    private readonly SettingsReadings _readings;
    private readonly Func<KeyRingFactory> _factory;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly List<IDisposable> _registrations;
    private readonly ForwardingKeyRing _handle;
    private readonly Lock _gate = new();

    // Ring and settings change together under the lock, and are read without it. The first settings are stored without the lock.
    private Valid? _valid;
    private volatile LeasedRing? _ring;
    private volatile bool _isDisposed;

    // Signals that are not handled yet. The thread that raises it from 0 handles them all.
    private int _changes;

    // All signals so far.
    private int _told;

    /// <param name="name">The ring's name.</param>
    /// <param name="options">Reads the settings.</param>
    /// <param name="changes">Signal that settings may have changed.</param>
    /// <param name="readings">Maps settings to their configuration section.</param>
    /// <param name="factory">Returns the factory of rings. Throws while the operator's options are invalid.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    public ConfiguredRing(
        string name,
        IOptionsFactory<ByokKeySettings> options,
        IEnumerable<IOptionsChangeTokenSource<ByokKeySettings>> changes,
        SettingsReadings readings,
        Func<KeyRingFactory> factory,
        TimeProvider time,
        ILogger logger)
    {
        _name = name;
        _options = options;
        _readings = readings;
        _factory = factory;
        _time = time;
        _logger = logger;
        _handle = new ForwardingKeyRing(this);

        // Before the settings are read for the first time, so that no change is missed.
        _registrations =
        [
            .. changes.Where(source => (source.Name ?? Options.DefaultName) == name)
                .Select(source => ChangeToken.OnChange(source.GetChangeToken, OnChanged)),
        ];
    }

    public KmsKeyArn KeyArn => Last.KeyArn;

    public ReencryptionRule Rule => Last.Rule!;

    /// <summary>The current settings.</summary>
    /// <exception cref="OptionsValidationException">The settings are not valid.</exception>
    public ByokKeySettings Settings
    {
        get
        {
            Start();
            return Volatile.Read(ref _valid)!.Settings;
        }
    }

    public LeasedRing Last => _ring!;

    public bool IsFromStore => false;

    /// <summary>Reads the settings on first use.</summary>
    /// <exception cref="OptionsValidationException">The settings are not valid.</exception>
    public void Start()
    {
        if (Volatile.Read(ref _valid) is null)
        {
            // A change between the read and the publication would be missed. The count shows it, and the settings are read again.
            var told = Volatile.Read(ref _told);
            Interlocked.CompareExchange(ref _valid, Valid.From(_options.Create(_name)), null);
            if (Volatile.Read(ref _told) != told)
            {
                // The change arrived before there were settings to compare with.
                OnChanged();
            }
        }
    }

    /// <summary>The key ring that callers get: the same object at each call.</summary>
    /// <exception cref="OptionsValidationException">The operator's options or the settings are not valid.</exception>
    public ForwardingKeyRing Open()
    {
        var factory = _factory();
        Start();

        // Repeats only if the settings have changed since they were read. A ring that is not used is disposed.
        while (_ring is null)
        {
            var valid = Volatile.Read(ref _valid)!;
            TryUse(valid, factory.Create(valid.Settings, RingOwner.Ring(_name)), replaces: null);
        }

        return _handle;
    }

    public ValueTask<RingLease> LeaseAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var ring = Last;

            // Fails only for a ring that was replaced or closed. TryUse stores the new ring before it retires the old one, so the next
            // round finds it.
            if (ring.TryEnter())
            {
                if (ring.Ring is { } entered)
                {
                    return new ValueTask<RingLease>(new RingLease(ring, entered));
                }

                // Closed after the lease began. Dispose sets its flag before it closes a ring, so the check below ends the loop.
                ring.Exit(isUse: false);
            }

            if (_isDisposed)
            {
                return ValueTask.FromException<RingLease>(new ObjectDisposedException(nameof(IByokKeyRing)));
            }
        }
    }

    public ValueTask<bool> RefreshAsync(LeasedRing denied, CancellationToken cancellationToken) => ValueTask.FromResult(false);

    public LeasedRing FindCurrent() => Last;

    public void Dispose()
    {
        // First: TryUse reads it after it has stored a ring, so one of the two closes that ring.
        _isDisposed = true;
        _registrations.ForEach(static registration => registration.Dispose());
        _ring?.Close(nameof(IByokKeyRing));
    }

    private void OnChanged()
    {
        Interlocked.Increment(ref _told);
        if (Interlocked.Increment(ref _changes) != 1)
        {
            // The thread that handles a change now reads the settings once more.
            return;
        }

        int seen;
        do
        {
            // Read before the settings: a change that arrives later raises the count, and the loop runs again.
            seen = Volatile.Read(ref _changes);
            Follow();
        }
        while (Interlocked.CompareExchange(ref _changes, 0, seen) != seen);
    }

    /// <summary>Uses the current settings if they are valid and have changed.</summary>
    private void Follow()
    {
        if (_isDisposed || Volatile.Read(ref _valid) is not { } old)
        {
            // Not read yet: Start reads them, and finds this signal in _told.
            return;
        }

        try
        {
            var valid = Valid.From(_options.Create(_name));
            if (valid.Identity.Equals(old.Identity))
            {
                return;
            }

            // Without this check, a typing error in KeyArn would make all stored messages unreadable at once.
            if (!valid.Opens(old.KeyArn))
            {
                _logger.SettingsNotUsed(KeyLost(valid, old));
                return;
            }

            // Repeats if Open has stored the first ring in between.
            while (!_isDisposed)
            {
                var ring = _ring;
                if (TryUse(valid, ring is null ? null : _factory().Create(valid.Settings, RingOwner.Ring(_name)), ring))
                {
                    _logger.SettingsChanged(DisplayName);
                    return;
                }
            }
        }
        catch (OptionsValidationException e)
        {
            _logger.SettingsNotUsed(string.Join(" ", e.Failures));
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The host's code may throw anything. The exception would reach its configuration provider, and _changes would stay above 0, so
            // that no later change would be handled.
            if (!_isDisposed)
            {
                // Only the type's name: the text comes from the host's code and may quote a value.
                _logger.SettingsNotUsed($"{DisplayName}: reading them, or making a key ring of them, failed with {e.GetType().Name}.");
            }
        }
    }

    /// <summary>Makes settings the current ones.</summary>
    /// <param name="valid">The settings.</param>
    /// <param name="made">A ring made from them. Takes ownership. Null if there is none yet.</param>
    /// <param name="replaces">The ring that it replaces.</param>
    /// <returns>Whether they are current now; false if another thread has changed the ring, or the settings of a first ring.</returns>
    private bool TryUse(Valid valid, ByokKeyRing? made, LeasedRing? replaces)
    {
        var next = made is null ? null : new LeasedRing(made, valid.Identity, _time);
        bool isUsed;

        // Nothing of the host runs under the lock: the ring is made before it, and disposed after it.
        lock (_gate)
        {
            // A first ring counts only if it is made from the settings that are current now.
            isUsed = _ring == replaces && (replaces is not null || made is null || ReferenceEquals(_valid, valid));
            if (isUsed)
            {
                Volatile.Write(ref _valid, valid);
                _ring = next;
            }
        }

        if (!isUsed)
        {
            // It was never published, so it has no lease and is disposed at once.
            next?.Retire();
            return false;
        }

        // After the new ring is stored, so that a call that finds the old one retired finds the new one.
        replaces?.Retire();
        if (_isDisposed)
        {
            // Dispose sets the flag before it closes the ring it sees, so one of the two closes this ring
            next?.Close(nameof(IByokKeyRing));
        }

        return true;
    }

    private string DisplayName => _name.Length == 0 ? "Key ring" : $"Key ring '{_name}'";

    private string KeyLost(Valid valid, Valid old)
    {
        var path = _readings.Of(valid.Settings) is { Path.Length: > 0 } reading ? $"{reading.Path}:" : $"{DisplayName}: ";
        return $"{path}KeyArn changed from {old.KeyArn} to {valid.KeyArn}, but the old key is not among PreviousKeys, so messages under it "
            + "would no longer open. Add the old key with its credentials to PreviousKeys. To use the new key alone, restart the host.";
    }

    /// <summary>Validated settings.</summary>
    private sealed record Valid(ByokKeySettings Settings, SettingsIdentity Identity, KmsKeyArn KeyArn)
    {
        public static Valid From(ByokKeySettings settings) =>
            new(settings, SettingsIdentity.Of(settings), KmsKeyArn.Parse(settings.KeyArn!));

        /// <summary>Whether messages under a key can still be decrypted.</summary>
        public bool Opens(KmsKeyArn key) => (Settings.PreviousKeys ?? [])
            .Select(previous => KmsKeyArn.Parse(previous.KeyArn!)).Prepend(KeyArn)
            .Any(known => known == key || key.IsReplicaOf(known));
    }
}
