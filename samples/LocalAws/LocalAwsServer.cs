using LocalAws.Control;
using LocalAws.Iam;
using LocalAws.Kms;
using LocalAws.Sts;
using LocalAws.Wire;

namespace LocalAws;

/// <summary>
/// A stand-in for AWS KMS and STS on 127.0.0.1, for development and tests only: it keeps everything in memory and protects nothing.
/// Point the ServiceURL of unmodified AWS clients at <see cref="Endpoint"/>; the account and the Region come from each request's signature.
/// </summary>
public sealed class LocalAwsServer : IAsyncDisposable
{
    private readonly Cloud _cloud;
    private readonly FrontDoor _frontDoor;
    private LoopbackHost? _host;

    private LocalAwsServer(LocalAwsOptions options)
    {
        _cloud = new Cloud(options.Time);
        Faults = new Faults(options.Time);
        _frontDoor = new FrontDoor(
            _cloud, new KmsService(_cloud), new StsService(_cloud), new ControlApi(Account, _cloud.FindKey, Faults, Log), Faults, Log);
    }

    /// <summary>The address of AWS KMS and AWS STS of every account and Region: http://127.0.0.1 and the port.</summary>
    public Uri Endpoint => _host!.Address;

    /// <summary>
    /// The endpoint of one Region. It serves all that <see cref="Endpoint"/> serves; only requests without a signature, as of
    /// AssumeRoleWithWebIdentity, which name no Region, belong to this one.
    /// </summary>
    public Uri EndpointIn(string region)
    {
        ArgumentException.ThrowIfNullOrEmpty(region);
        return new Uri(Endpoint, region);
    }

    /// <summary>The faults that tests have added.</summary>
    public Faults Faults { get; }

    /// <summary>The log of all requests.</summary>
    public RequestLog Log { get; } = new();

    /// <summary>The connections of all clients.</summary>
    public Connections Connections => _host!.Connections;

    /// <summary>Starts a server. It listens when the task completes.</summary>
    public static async Task<LocalAwsServer> StartAsync(LocalAwsOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new LocalAwsOptions();
        var server = new LocalAwsServer(options);
        server._host = await LoopbackHost.StartAsync(options.Port, server._frontDoor.AnswerAsync, cancellationToken);
        return server;
    }

    /// <summary>Returns an account. The first call creates it.</summary>
    /// <param name="accountId">The account id: 12 digits.</param>
    public LocalAccount Account(string accountId)
    {
        ArgumentNullException.ThrowIfNull(accountId);
        return accountId.Length == 12 && accountId.All(char.IsAsciiDigit)
            ? _cloud.Account(accountId)
            : throw new ArgumentException("An AWS account id has twelve digits.", nameof(accountId));
    }

    /// <summary>Returns the key with this ARN, of any account; null if there is none.</summary>
    public LocalKey? FindKey(string arn)
    {
        ArgumentNullException.ThrowIfNull(arn);
        return arn.Split(':') is ["arn", "aws", "kms", var region, var account, ['k', 'e', 'y', '/', .. var id]]
            && _cloud.FindKey(region, id) is { } key
            && key.AccountId == account
            ? key
            : null;
    }

    /// <summary>Stops the server. Requests that wait because of a fault end without an answer.</summary>
    public ValueTask DisposeAsync() => _host!.DisposeAsync();
}
