using Amazon.Runtime;
using Amazon.Runtime.Internal;

namespace Scalr.Byok.Kms.Kms;

/// <summary>
/// The credentials that sign a request. They are part of the request, so a client that serves many customers cannot mix them up.
/// </summary>
internal static class RequestCredentials
{
    // In the request's own dictionary, which is for its sender: the AWS SDK neither sends nor logs it.
    private const string Name = "Scalr.Byok.Kms.Credentials";

    public static void Set(AmazonWebServiceRequest request, AWSCredentials credentials) =>
        ((IAmazonWebServiceRequest)request).RequestState.Add(Name, credentials);

    /// <exception cref="InvalidOperationException">The request has none.</exception>
    public static AWSCredentials Of(AmazonWebServiceRequest request) =>
        ((IAmazonWebServiceRequest)request).RequestState.GetValueOrDefault(Name) as AWSCredentials
        ?? throw new InvalidOperationException("A request to AWS KMS has no credentials.");

    /// <summary>Hands the credentials of each request to the AWS SDK, as if the client had been created with them.</summary>
    internal sealed class Handler : PipelineHandler
    {
        public override void InvokeSync(IExecutionContext executionContext)
        {
            Apply(executionContext);
            base.InvokeSync(executionContext);
        }

        public override Task<T> InvokeAsync<T>(IExecutionContext executionContext)
        {
            Apply(executionContext);
            return base.InvokeAsync<T>(executionContext);
        }

        // The context belongs to this one request.
        private static void Apply(IExecutionContext execution) =>
            ((RequestContext)execution.RequestContext).ExplicitAWSCredentials = Of(execution.RequestContext.OriginalRequest);
    }
}
