using System.Globalization;
using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using Amazon.Runtime;
using Amazon.SecurityToken;
using Amazon.SecurityToken.Model;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>A client of AWS KMS that asks the model. It has no endpoint for the operations that the library does not use.</summary>
internal sealed class ModelKmsClient : AmazonKeyManagementServiceClient
{
    private readonly ModelAws _aws;
    private readonly ModelAws.Caller _caller;

    public ModelKmsClient(ModelAws aws, AWSCredentials credentials, string region)
        : base(credentials, new AmazonKeyManagementServiceConfig { ServiceURL = "http://127.0.0.1:9", AuthenticationRegion = region })
    {
        _aws = aws;
        var token = credentials is SessionAWSCredentials session ? session.GetCredentials().Token : null;
        _caller = new ModelAws.Caller(region, token is null ? null : int.Parse(token, CultureInfo.InvariantCulture));
    }

    public override Task<EncryptResponse> EncryptAsync(EncryptRequest request, CancellationToken cancellationToken = default)
    {
        // Read at once, as the AWS SDK writes the request's body before it waits for anything.
        var masked = new byte[ModelAws.DataKeyLength];
        request.Plaintext.Position = 0;
        request.Plaintext.ReadExactly(masked);
        ModelAws.Mask(masked);
        return AnswerAsync(() => _aws.Encrypt(request, masked, _caller), cancellationToken);
    }

    public override Task<DecryptResponse> DecryptAsync(DecryptRequest request, CancellationToken cancellationToken = default) =>
        AnswerAsync(() => _aws.Decrypt(request, _caller), cancellationToken);

    public override Task<DescribeKeyResponse> DescribeKeyAsync(DescribeKeyRequest request, CancellationToken cancellationToken = default) =>
        AnswerAsync(() => _aws.Describe(request, _caller), cancellationToken);

    private Task<T> AnswerAsync<T>(Func<T> answer, CancellationToken cancellationToken)
    {
        return _aws.Delay is { } delay ? AnswerLateAsync() : Answer(answer, cancellationToken);

        // The AWS SDK's own clients may answer after a cancellation, too.
        async Task<T> AnswerLateAsync()
        {
            await delay();
            return answer();
        }
    }

    internal static Task<T> Answer<T>(Func<T> answer, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled<T>(cancellationToken);
        }

        try
        {
            return Task.FromResult(answer());
        }
        catch (AmazonServiceException e)
        {
            return Task.FromException<T>(e);
        }
    }
}

/// <summary>A client of AWS STS that asks the model.</summary>
internal sealed class ModelStsClient : AmazonSecurityTokenServiceClient
{
    private readonly ModelAws _aws;
    private readonly string _region;

    public ModelStsClient(ModelAws aws, string region)
        : base(
            new AnonymousAWSCredentials(),
            new AmazonSecurityTokenServiceConfig { ServiceURL = "http://127.0.0.1:9", AuthenticationRegion = region })
    {
        _aws = aws;
        _region = region;
    }

    public override Task<AssumeRoleResponse> AssumeRoleAsync(AssumeRoleRequest request, CancellationToken cancellationToken = default) =>
        ModelKmsClient.Answer(() => _aws.Assume(request, _region), cancellationToken);
}
