using Amazon.Runtime;
using Amazon.Runtime.Internal;
using Amazon.Runtime.Internal.Transform;
using Moq;
using Scalr.Byok.Kms.Kms;

namespace Scalr.Byok.Kms.Tests.Kms;

/// <summary>What an answer of AWS tells beside its error code.</summary>
internal sealed class AwsAnswersTests
{
    [TestCase(null, null, null)]
    [TestCase(null, "0", 0)]
    [TestCase(null, "3", 3000)]
    [TestCase(null, "-1", null)]
    [TestCase(null, "Fri, 31 Dec 1999 23:59:59 GMT", null)]
    [TestCase("0", "3", 0)]
    [TestCase("250", "3", 250)]
    [TestCase("-1", "3", 3000)]
    public void RetryAfter_is_in_milliseconds_in_AWSs_header_and_in_seconds_in_HTTPs(string? aws, string? http, int? milliseconds)
    {
        Mock<IWebResponseData> response = new();
        response.Setup(data => data.GetHeaderValue("x-amz-retry-after")).Returns(aws!);
        response.Setup(data => data.GetHeaderValue("Retry-After")).Returns(http!);
        AmazonServiceException error = new("text", new HttpErrorResponseException(response.Object));

        Assert.That(AwsAnswers.RetryAfter(error)?.TotalMilliseconds, Is.EqualTo(milliseconds));
    }

    [TestCase("Error unmarshalling response back from AWS. HTTP Status Code: 500. HTTP Body: <secret/>", true)]
    [TestCase("The key is disabled.", false)]
    public void The_AWS_SDK_may_quote_the_body(string message, bool quotes) =>
        Assert.That(AwsAnswers.QuotesBody(new AmazonServiceException(message)), Is.EqualTo(quotes));
}
