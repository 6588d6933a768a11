using System.Globalization;
using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using Amazon.Runtime;
using Amazon.SecurityToken;
using Amazon.SecurityToken.Model;
using Scalr.Byok.Kms.Kms;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>A client of AWS KMS that asks the model. It has no endpoint for the operations that the library does not use.</summary>
internal sealed class ModelKmsClient : AmazonKeyManagementServiceClient
{
    private readonly ModelAws _aws;
    private readonly string _region;

    public ModelKmsClient(ModelAws aws, string region)
        : base(
            new AnonymousAWSCredentials(),
            new AmazonKeyManagementServiceConfig { ServiceURL = "http://127.0.0.1:9", AuthenticationRegion = region })
    {
        _aws = aws;
        _region = region;
    }

    public override Task<EncryptResponse> EncryptAsync(EncryptRequest request, CancellationToken cancellationToken = default)
    {
        // Read at once, as the AWS SDK writes the request's body before it waits for anything.
        var masked = new byte[ModelAws.DataKeyLength];
        request.Plaintext.Position = 0;
        request.Plaintext.ReadExactly(masked);
        ModelAws.Mask(masked);
        return AnswerAsync(() => _aws.Encrypt(request, masked, CallerOf(request)), cancellationToken);
    }

    public override Task<DecryptResponse> DecryptAsync(DecryptRequest request, CancellationToken cancellationToken = default) =>
        AnswerAsync(() => _aws.Decrypt(request, CallerOf(request)), cancellationToken);

    public override Task<DescribeKeyResponse> DescribeKeyAsync(DescribeKeyRequest request, CancellationToken cancellationToken = default) =>
        AnswerAsync(() => _aws.Describe(request, CallerOf(request)), cancellationToken);

    private ModelAws.Caller CallerOf(AmazonWebServiceRequest request)
    {
        var token = RequestCredentials.Of(request) is SessionAWSCredentials session ? session.GetCredentials().Token : null;
        return new ModelAws.Caller(_region, token is null ? null : int.Parse(token, CultureInfo.InvariantCulture));
    }

    private Task<T> AnswerAsync<T>(Func<T> answer, CancellationToken cancellationToken)
    {
        return _aws.Delay is { } delay ? AnswerLateAsync() : Answer(answer, cancellationToken);

        // The AWS SDK's own clients may answer after a cancellation, too.
        async Task<T> AnswerLateAsync()
        {
            _aws.AddLate(1);
            try
            {
                await delay();
                return answer();
            }
            finally
            {
                _aws.AddLate(-1);
            }
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
