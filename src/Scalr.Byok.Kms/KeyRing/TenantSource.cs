namespace Scalr.Byok.Kms.KeyRing;

/// <summary>The ring of one tenant. The provider creates, replaces and retires it.</summary>
internal sealed class TenantSource : IRingSource
{
    private readonly KeyRingProvider _provider;
    private readonly string _tenant;
    private volatile LeasedRing _last;

    /// <param name="provider">The provider.</param>
    /// <param name="tenant">The canonical name of the tenant.</param>
    /// <param name="ring">The ring that the first call will probably use.</param>
    public TenantSource(KeyRingProvider provider, string tenant, LeasedRing ring)
    {
        _provider = provider;
        _tenant = tenant;
        _last = ring;
    }

    public KmsKeyArn KeyArn => (_provider.FindRing(_tenant) ?? _last).KeyArn;

    public ReencryptionRule Rule => (_provider.FindRing(_tenant) ?? _last).Rule!;

    public LeasedRing Last => _last;

    public bool IsFromStore => true;

    public async ValueTask<RingLease> LeaseAsync(CancellationToken cancellationToken)
    {
        var lease = await _provider.LeaseAsync(_tenant, _last, cancellationToken).ConfigureAwait(false);
        Move(lease.Owner);
        return lease;
    }

    public ValueTask<bool> RefreshAsync(LeasedRing denied, CancellationToken cancellationToken) =>
        _provider.RefreshAsync(_tenant, denied, cancellationToken);

    public LeasedRing? FindCurrent()
    {
        if (_provider.FindRing(_tenant) is { } current)
        {
            Move(current);
            return current;
        }

        return null;
    }

    /// <summary>Does nothing: the provider owns the ring.</summary>
    public void Dispose()
    {
    }

    private void Move(LeasedRing ring)
    {
        if (!ReferenceEquals(_last, ring))
        {
            _last = ring;
        }
    }
}
