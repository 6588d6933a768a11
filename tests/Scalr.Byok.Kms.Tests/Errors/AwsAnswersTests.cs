using System.Net;
using Amazon.Runtime;
using Amazon.Runtime.Internal;
using Amazon.Runtime.Internal.Transform;
using Moq;
using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Tests.Conventions;

namespace Scalr.Byok.Kms.Tests.Errors;

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

    [TestCase("AccessDeniedException", true)]
    [TestCase("AccessDenied", true)]
    [TestCase("SlowDown", true)]
    [TestCase("SomethingNewException", true)]
    [TestCase("ValidationError", true)]
    [TestCase(Secrets.OfLetters, false, TestName = "A secret access key that has letters only")]
    [TestCase("customer-external-id", false)]
    [TestCase("hunter2 Exception", false)]
    [TestCase("", false)]
    [TestCase(null, false)]
    public void A_code_that_is_not_named_like_those_of_AWS_is_not_shown(string? text, bool isShown)
    {
        AmazonServiceException error = new("text") { ErrorCode = text, StatusCode = HttpStatusCode.BadRequest };

        Assert.That(AwsAnswers.Code(text), isShown ? Is.EqualTo(text) : Is.Null);
        Assert.That(
            AwsAnswers.Name(error),
            Is.EqualTo(isShown
                ? text
                : text is "" or null ? "HTTP 400 without a readable error" : "HTTP 400 with an unknown error code"));
    }

    [TestCase("7a1e6a35-1b52-4f1a-9d0d-2f6d9c7a3d11", true)]
    [TestCase("QPWEETKOLQEGAFMXHIXLYLXSUCPUGFXIIKPURQAGR01234567890", true, TestName = "An id of a server that is not AWS")]
    [TestCase(Secrets.OfLetters, false, TestName = "As long as a secret access key")]
    [TestCase("eyJhbGciOiJSUzI1NiJ9.e30.c2ln", false)]
    [TestCase("", false)]
    [TestCase(null, false)]
    public void An_id_that_is_not_like_those_of_AWS_is_not_shown(string? text, bool isShown)
    {
        AmazonServiceException error = new("text") { RequestId = text };

        Assert.That(AwsAnswers.Id(text), isShown ? Is.EqualTo(text) : Is.Null);
        Assert.That(AwsAnswers.RequestId(error), isShown ? Is.EqualTo(text) : Is.Null);
    }

    [Test]
    public void Every_code_that_the_library_acts_on_is_shown() =>
        Assert.That(AwsAnswers.ThrottlingCodes.Select(AwsAnswers.Code), Is.EqualTo(AwsAnswers.ThrottlingCodes));
}
