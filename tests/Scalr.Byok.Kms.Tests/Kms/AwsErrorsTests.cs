using System.Net;
using Amazon.Runtime;
using LocalAws;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokKeyUnavailableReason;

namespace Scalr.Byok.Kms.Tests.Kms;

/// <summary>Every error that AWS is known to answer with, over the wire, and the exception that a host gets.</summary>
internal sealed class AwsErrorsTests
{
    private ByokWorld _world = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [SetUp]
    public void Reset() => _world.Aws.Faults.Clear();

    [TearDown]
    public void CheckCalls() => _world.DemandAllowedCalls();

    [OneTimeTearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [TestCase("DisabledException", KeyDisabled)]
    [TestCase("KMSInvalidStateException", KeyStateInvalid)]
    [TestCase("NotFoundException", KeyNotFound)]
    [TestCase("InvalidKeyUsageException", UnsupportedKeyUsage)]
    [TestCase("UnsupportedOperationException", UnsupportedKeySpec)]
    [TestCase("AccessDeniedException", AccessDenied)]
    [TestCase("AccessDeniedException", AccessDenied, 403)]
    [TestCase("AccessDenied", AccessDenied, 403)]
    [TestCase("NotAuthorized", AccessDenied)]
    [TestCase("RegionDisabledException", RegionDisabled)]
    [TestCase("UnrecognizedClientException", CredentialsRejected)]
    [TestCase("InvalidClientTokenId", CredentialsRejected, 403)]
    [TestCase("ExpiredTokenException", CredentialsRejected)]
    [TestCase("ExpiredToken", CredentialsRejected)]
    [TestCase("InvalidSignatureException", CredentialsRejected)]
    [TestCase("SignatureDoesNotMatch", CredentialsRejected, 403)]
    [TestCase("IncompleteSignature", CredentialsRejected)]
    [TestCase("IncompleteSignatureException", CredentialsRejected)]
    [TestCase("MissingAuthenticationToken", CredentialsRejected, 403)]
    [TestCase("MissingAuthenticationTokenException", CredentialsRejected)]
    public async Task KMS_codes_that_are_the_customers_to_mend(string code, ByokKeyUnavailableReason reason, int status = 400)
    {
        _world.Aws.Faults.Add(Fault.Error(code, status, "what AWS says") with { Service = "kms" });

        var thrown = await Assert.ThrowsAsync<ByokKeyUnavailableException>(
            async () => await _world.Ring("AccessKeys").EncryptAsync(new byte[1]));

        Assert.That((thrown!.Reason, thrown.Operation, thrown.IsTransient), Is.EqualTo((reason, "kms:Encrypt", false)));
        Assert.That((thrown.KeyArn.ToString(), thrown.Region), Is.EqualTo((_world.Key.Arn, ByokWorld.Region)));
        Assert.That(thrown.RequestId, Is.Not.Null.And.Not.Empty);
        Assert.That(thrown.Message, Does.Not.Contain("what AWS says"));
    }

    [TestCase("is pending deletion.", KeyPendingDeletion)]
    [TestCase("is pending replica deletion.", KeyPendingDeletion)]
    [TestCase("is pending import.", KeyMaterialMissing)]
    [TestCase("is unavailable.", KeyStoreUnavailable)]
    [TestCase("is disabled.", KeyDisabled)]
    [TestCase("is creating.", KeyStateInvalid)]
    [TestCase(null, KeyStateInvalid)]
    public async Task KMS_says_in_words_what_state_the_key_is_in(string? words, ByokKeyUnavailableReason reason) =>
        await RefusedAsync(
            "AccessKeys",
            Fault.Error("KMSInvalidStateException", 400, words is null ? null : $"{_world.Key.Arn} {words}"),
            reason,
            "kms:Encrypt");

    [Test]
    public async Task KMS_may_call_a_key_that_is_pending_deletion_disabled() =>
        await RefusedAsync(
            "AccessKeys",
            Fault.Error("DisabledException", 400, $"{_world.Key.Arn} is pending deletion."),
            KeyPendingDeletion,
            "kms:Encrypt");

    [Test]
    public async Task KMS_of_another_Region_says_so() =>
        await RefusedAsync("AccessKeys", Fault.Error("NotFoundException", 400, "Invalid arn us-east-1"), WrongRegion, "kms:Encrypt");

    [TestCase("Signature expired: 20260101T000000Z is now earlier than 20260101T001500Z", "InvalidSignatureException")]
    [TestCase("Signature not yet current: 20260101T001500Z is still later than 20260101T000000Z", "SignatureDoesNotMatch")]
    [TestCase("anything", "RequestExpired")]
    [TestCase("anything", "RequestTimeTooSkewed")]
    [TestCase("anything", "RequestInTheFuture")]
    public async Task A_clock_that_is_off_is_an_outage(string words, string code)
    {
        var thrown = await FailedAsync("AccessKeys", Fault.Error(code, 400, words), isTransient: true, "kms:Encrypt");

        Assert.That(thrown.Message, Is.EqualTo(
            $"kms:Encrypt for the key {_world.Key.Arn} failed because this machine's clock and that of AWS differ ({code}); check this "
            + "machine's clock. "
            + "Try again later. The key itself is not the cause."));
    }

    [Test]
    public async Task A_clock_that_is_really_off_is_an_outage([Values(-10, 10)] int minutes)
    {
        // A world of its own: the AWS SDK remembers for the endpoint how far its clock is off.
        await using var world = await ByokWorld.StartAsync();
        world.Aws.Faults.Add(Fault.ClockSkew(TimeSpan.FromMinutes(minutes)));

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await world.Ring("AccessKeys").EncryptAsync(new byte[1]));

        Assert.That((thrown!.IsTransient, thrown.Operation), Is.EqualTo((true, "kms:Encrypt")));
        Assert.That(thrown.Message, Does.Contain("this machine's clock and that of AWS differ"));
    }

    [TestCase("InvalidCiphertextException")]
    [TestCase("IncorrectKeyException")]
    public async Task KMS_codes_that_make_a_message_hostile(string code)
    {
        var ring = _world.Ring("AccessKeys");
        var message = await ring.EncryptAsync(new byte[1]);
        _world.Aws.Faults.Add(Fault.Error(code, 400, "what AWS says") with { Operation = "Decrypt" });

        var thrown = await Assert.ThrowsAsync<ByokDecryptionException>(async () => await ring.DecryptAsync(message));

        Assert.That(thrown!.Message, Is.EqualTo(new ByokDecryptionException().Message));
        Assert.That(thrown.InnerException, Is.Null);
    }

    [TestCase("KeyUnavailableException", 500)]
    [TestCase("KMSInternalException", 500)]
    [TestCase("DependencyTimeoutException", 503)]
    public async Task KMS_codes_that_pass_by_themselves(string code, int status) =>
        await FailedAsync("AccessKeys", Fault.Error(code, status), isTransient: true, "kms:Encrypt");

    [Test]
    public async Task Codes_of_every_service_that_pass_by_themselves(
        [Values("AccessKeys", "AssumeRole", "Oidc")] string type,
        [Values(
            "ThrottlingException",
            "Throttling",
            "ThrottledException",
            "LimitExceededException",
            "RequestLimitExceeded",
            "TooManyRequestsException",
            "RequestThrottled",
            "RequestThrottledException",
            "SlowDown",
            "PriorRequestNotComplete",
            "RequestTimeout",
            "RequestTimeoutException",
            "InternalFailure", "InternalError", "InternalServerError", "ServiceUnavailable", "ServiceUnavailableException")] string code)
    {
        var thrown = await FailedAsync(type, Fault.Error(code), isTransient: true, FirstCallOf(type));

        Assert.That(thrown.Message, Is.EqualTo(
            $"{thrown.Operation} for the key {_world.Key.Arn} failed: AWS answered {code}. Try again later. The key itself is not the "
            + "cause."));
    }

    [TestCase("ValidationException", 400, false)]
    [TestCase("SomethingNewException", 400, false)]
    [TestCase("SomethingNewException", 403, false)]
    [TestCase("SomethingNewException", 408, true)]
    [TestCase("SomethingNewException", 429, true)]
    [TestCase("SomethingNewException", 500, true)]
    [TestCase("SomethingNewException", 599, true)]
    public async Task Unknown_codes_go_by_the_HTTP_status(string code, int status, bool isTransient)
    {
        foreach (var type in ByokWorld.CredentialTypes)
        {
            _world.Aws.Faults.Clear();
            var thrown = await FailedAsync(type, Fault.Error(code, status, "what AWS says"), isTransient, FirstCallOf(type));
            Assert.That(thrown.ToString(), Does.Contain(code).And.Not.Contain("what AWS says"), type);
        }
    }

    [TestCase("AccessDenied", RoleNotAssumable)]
    [TestCase("AccessDeniedException", RoleNotAssumable)]
    [TestCase("InvalidIdentityToken", TokenRejected)]
    [TestCase("InvalidIdentityTokenException", TokenRejected)]
    [TestCase("IDPRejectedClaim", TokenRejected)]
    [TestCase("IDPRejectedClaimException", TokenRejected)]
    [TestCase("RegionDisabledException", RegionDisabled)]
    [TestCase("PackedPolicyTooLarge", SessionPolicyTooLarge)]
    [TestCase("PackedPolicyTooLargeException", SessionPolicyTooLarge)]
    public async Task STS_codes_that_are_the_customers_to_mend(string code, ByokKeyUnavailableReason reason)
    {
        await RefusedAsync(
            "Oidc", Fault.Error(code, 403, "what AWS says") with { Service = "sts" }, reason, "sts:AssumeRoleWithWebIdentity");
        _world.Aws.Faults.Clear();
        if (reason != TokenRejected)
        {
            await RefusedAsync("AssumeRole", Fault.Error(code, 403, "what AWS says") with { Service = "sts" }, reason, "sts:AssumeRole");
        }
    }

    [TestCase("InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://expired-signature.example")]
    [TestCase("InvalidIdentityToken", "Incorrect token audience")]
    [TestCase("InvalidIdentityToken", "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint")]
    public async Task Tokens_that_the_customers_identity_provider_refuses(string code, string message) =>
        await RefusedAsync(
            "Oidc", Fault.Error(code, 400, message) with { Service = "sts" }, TokenRejected, "sts:AssumeRoleWithWebIdentity");

    [TestCase("ExpiredTokenException", "Token expired: current date/time must be before the expiration date/time")]
    [TestCase("InvalidIdentityToken", "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")]
    [TestCase("InvalidIdentityToken", "The ID Token provided is not a JSON Web Token")]
    [TestCase("InvalidIdentityToken", "The ID Token provided has expired")]
    [TestCase("InvalidIdentityToken", "The ID Token provided is not valid yet")]
    [TestCase("InvalidIdentityToken", "Missing a required claim: sub")]
    [TestCase("InvalidIdentityToken", "The token's signature cannot be verified.")]
    public async Task Tokens_that_are_the_hosts_to_correct(string code, string message)
    {
        var thrown = await FailedAsync(
            "Oidc", Fault.Error(code, 400, message) with { Service = "sts" }, isTransient: false, "sts:AssumeRoleWithWebIdentity");

        Assert.That(thrown.Message, Does.StartWith(
            $"The host's OIDC token was rejected by AWS STS ({code}), so sts:AssumeRoleWithWebIdentity for the key "
            + $"{_world.Key.Arn} was not possible"));
    }

    [Test]
    public async Task A_verification_key_that_AWS_STS_cannot_fetch_is_an_outage() => await FailedAsync(
        "Oidc",
        Fault.Error(
            "InvalidIdentityToken",
            400,
            "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation")
            with
        { Service = "sts" },
        isTransient: true,
        "sts:AssumeRoleWithWebIdentity");

    [TestCase("InvalidClientTokenId")]
    [TestCase("UnrecognizedClientException")]
    [TestCase("SignatureDoesNotMatch")]
    [TestCase("InvalidSignatureException")]
    [TestCase("IncompleteSignature")]
    [TestCase("IncompleteSignatureException")]
    [TestCase("MissingAuthenticationToken")]
    [TestCase("MissingAuthenticationTokenException")]
    [TestCase("ExpiredToken")]
    [TestCase("ExpiredTokenException")]
    public async Task STS_codes_that_are_the_hosts_to_mend(string code)
    {
        var thrown = await FailedAsync("AssumeRole", Fault.Error(code, 403) with { Service = "sts" }, isTransient: false, "sts:AssumeRole");

        Assert.That(thrown.Message, Is.EqualTo(
            $"The host's own AWS identity was rejected by AWS STS ({code}), so sts:AssumeRole for the key "
            + $"{_world.Key.Arn} was not possible. "
            + "This is for the host's operator to correct, not for the customer: set HostIdentity in the options of AddScalrByok, or give "
            + "the process an AWS role."));
    }

    [TestCase("ExpiredTokenException")]
    [TestCase("UnrecognizedClientException")]
    public async Task A_service_such_as_IAM_Identity_Center_that_denies_the_host_its_credentials_is_the_hosts_to_mend(string code)
    {
        var error = new AmazonServiceException("denied") { ErrorCode = code, StatusCode = HttpStatusCode.BadRequest };
        var ring = RingOf(new FailingCredentials(new AmazonClientException("There are no credentials.", error)));

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.EncryptAsync(new byte[1]));

        Assert.That((thrown!.IsTransient, thrown.Operation), Is.EqualTo((false, "sts:AssumeRole")));
        Assert.That(thrown.Message, Does.StartWith("The host's own AWS identity was rejected"));
    }

    [Test]
    public async Task An_exception_that_the_hosts_own_code_throws_is_passed_on()
    {
        InvalidOperationException error = new("a mistake of the host");
        var ring = RingOf(new FailingCredentials(error));

        var thrown = await Assert.ThrowsAsync<InvalidOperationException>(async () => await ring.EncryptAsync(new byte[1]));

        Assert.That(thrown, Is.SameAs(error));
    }

    [TestCase("IDPCommunicationError")]
    [TestCase("IDPCommunicationErrorException")]
    public async Task STS_codes_that_pass_by_themselves(string code) =>
        await FailedAsync("Oidc", Fault.Error(code) with { Service = "sts" }, isTransient: true, "sts:AssumeRoleWithWebIdentity");

    [Test]
    public async Task A_session_that_KMS_does_not_accept_is_not_the_customers_fault([Values("AssumeRole", "Oidc")] string type)
    {
        var thrown = await FailedAsync(
            type, Fault.Error("ExpiredTokenException") with { Service = "kms" }, isTransient: true, "kms:Encrypt");

        Assert.That(thrown.Message, Is.EqualTo(
            $"kms:Encrypt for the key {_world.Key.Arn} was rejected: AWS KMS does not accept a session that "
            + $"{FirstCallOf(type)} has just begun (ExpiredTokenException). "
            + "Try again later. The key itself is not the cause."));
    }

    [Test]
    public async Task RetryAfter_is_what_AWS_asks_for([Values("AccessKeys", "AssumeRole", "Oidc")] string type)
    {
        var thrown = await FailedAsync(
            type,
            Fault.Error("ThrottlingException", 400, "Rate exceeded", TimeSpan.FromMilliseconds(2500)),
            isTransient: true,
            FirstCallOf(type));

        Assert.That(thrown.RetryAfter, Is.EqualTo(TimeSpan.FromMilliseconds(2500)));
    }

    [Test]
    public async Task RetryAfter_is_null_where_AWS_asks_for_nothing() =>
        Assert.That(
            (await FailedAsync("AccessKeys", Fault.Error("ThrottlingException"), isTransient: true, "kms:Encrypt")).RetryAfter, Is.Null);

    [Test]
    public async Task Operations_are_named_for_decrypting_too()
    {
        var ring = _world.Ring("AccessKeys");
        var message = await ring.EncryptAsync(new byte[1]);
        _world.Aws.Faults.Add(Fault.Error("AccessDeniedException") with { Times = 1 });
        _world.Aws.Faults.Add(Fault.Error("ThrottlingException"));

        var refused = await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.DecryptAsync(message));
        var failed = await Assert.ThrowsAsync<ByokServiceException>(async () => await ring.DecryptAsync(message));

        Assert.That((refused!.Operation, failed!.Operation), Is.EqualTo(("kms:Decrypt", "kms:Decrypt")));
    }

    private static string FirstCallOf(string type) => type switch
    {
        ByokCredentialSettings.AssumeRoleType => "sts:AssumeRole",
        ByokCredentialSettings.OidcType => "sts:AssumeRoleWithWebIdentity",
        _ => "kms:Encrypt",
    };

    private async Task RefusedAsync(string type, Fault fault, ByokKeyUnavailableReason reason, string operation)
    {
        _world.Aws.Faults.Add(fault);

        var thrown = await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await _world.Ring(type).EncryptAsync(new byte[1]));

        Assert.That((thrown!.Reason, thrown.Operation, thrown.IsTransient), Is.EqualTo((reason, operation, false)));
    }

    private async Task<ByokServiceException> FailedAsync(string type, Fault fault, bool isTransient, string operation)
    {
        _world.Aws.Faults.Add(fault);

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await _world.Ring(type).EncryptAsync(new byte[1]));

        Assert.That((thrown!.IsTransient, thrown.Operation, thrown.Region), Is.EqualTo((isTransient, operation, ByokWorld.Region)));
        return thrown;
    }

    /// <summary>A ring that assumes a role with these credentials of the host.</summary>
    private IByokKeyRing RingOf(AWSCredentials host)
    {
        var services = _world.Services();
        services.AddScalrByok().UseHostCredentials(_ => host).AddKeyRing(
            ring => (ring.KeyArn, ring.Credentials) = (_world.Key.Arn, _world.Settings("AssumeRole").Credentials));
        return _world.Build(services).GetRequiredService<IByokKeyRing>();
    }

    private sealed class FailingCredentials(Exception error) : AWSCredentials
    {
        public override ImmutableCredentials GetCredentials() => throw error;
    }
}
