using Amazon.Runtime;

namespace Scalr.Byok.Kms.Tests.World;

/// <summary>The host's own identity behind a gate: while it is closed, no call to STS goes out.</summary>
internal sealed class GatedCredentials : AWSCredentials
{
    private readonly ImmutableCredentials _credentials;
    private volatile TaskCompletionSource? _gate;

    public GatedCredentials(string accessKeyId, string secretAccessKey) =>
        _credentials = new ImmutableCredentials(accessKeyId, secretAccessKey, null);

    public void Close() => _gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Open()
    {
        _gate?.SetResult();
        _gate = null;
    }

    public Task PassAsync() => _gate?.Task ?? Task.CompletedTask;

    public override ImmutableCredentials GetCredentials() => _credentials;

    public override async Task<ImmutableCredentials> GetCredentialsAsync()
    {
        await PassAsync();
        return _credentials;
    }
}
