using LocalAws.Iam;
using LocalAws.Wire;

namespace LocalAws.Sts;

/// <summary>What one STS operation does, and whether it wants a signature.</summary>
internal sealed record StsOperation(bool IsSigned, Func<StsRequest, CancellationToken, Task<Answer>> AnswerAsync);

/// <summary>A request to STS; the caller is null where the operation is unsigned.</summary>
internal sealed record StsRequest(string Region, Caller? Caller, StsParameters Parameters)
{
    public Caller SignedBy => Caller!;
}

/// <summary>One request to STS on its way from the wire to its operation.</summary>
internal sealed class StsCall : Call
{
    private readonly StsOperation? _operation;
    private readonly StsParameters _parameters;
    private readonly string _region;

    public StsCall(string name, StsOperation? operation, StsParameters parameters, string region)
    {
        Operation = name;
        _operation = operation;
        _parameters = parameters;
        _region = region;
    }

    public override string Operation { get; }

    public override string? Subject => _parameters.Text("RoleArn");

    public override string? SessionName => _parameters.Text("RoleSessionName");

    public override bool IsSigned => _operation?.IsSigned ?? false;

    public override Task<Answer> AnswerAsync(Caller? caller, CancellationToken cancellationToken)
    {
        var operation = _operation ?? throw (Operation.Length == 0
            ? new AwsException("MissingAction", "The request names no Action.")
            : new AwsException("InvalidAction", $"LocalAws has no STS operation {Operation}."));
        return operation.AnswerAsync(new StsRequest(_region, caller, _parameters), cancellationToken);
    }
}
