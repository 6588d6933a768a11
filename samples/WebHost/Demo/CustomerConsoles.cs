using System.Collections.Concurrent;
using LocalAws;
using WebHost.Credentials;

namespace WebHost.Demo;

/// <summary>The stand-in for the customers' AWS consoles, one for each AWS account. It exists with LocalAws only.</summary>
/// <param name="cloud">LocalAws.</param>
/// <param name="issuer">The host's issuer, whose address AWS STS reads.</param>
public sealed class CustomerConsoles(DemoCloud cloud, HostIssuer issuer)
{
    private readonly ConcurrentDictionary<string, CustomerConsole> _consoles = new();

    /// <summary>The console of a tenant.</summary>
    public CustomerConsole Of(string tenant) =>
        _consoles.GetOrAdd(DemoAccounts.AwsAccountOf(tenant), account => new(cloud.Aws.Account(account), issuer));

    /// <summary>What is out of order at AWS, for all customers.</summary>
    public bool IsRegionDown => _regionFault is not null;

    /// <summary>Whether AWS STS is out of order, for all customers.</summary>
    public bool IsStsDown => _stsFault is not null;

    private Fault? _regionFault;
    private Fault? _stsFault;

    /// <summary>Takes us-east-1 down, or brings it back.</summary>
    public void SwitchRegion() => Switch(
        ref _regionFault, Fault.Error("KMSInternalException", 500) with { Service = "kms", Region = "us-east-1" });

    /// <summary>Takes AWS STS down, or brings it back.</summary>
    public void SwitchSts() => Switch(ref _stsFault, Fault.Error("ServiceUnavailable", 503) with { Service = "sts" });

    private void Switch(ref Fault? armed, Fault fault)
    {
        if (Interlocked.Exchange(ref armed, null) is { } old)
        {
            cloud.Aws.Faults.Remove(old);
        }
        else
        {
            armed = cloud.Aws.Faults.Add(fault);
        }
    }
}
