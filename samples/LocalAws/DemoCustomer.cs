namespace LocalAws;

/// <summary>
/// A customer who did what a bring-your-own-key guide asks: a multi-Region KMS key (and the next one), and three ways for a host to use it: an IAM user's
/// access key, a role with an external ID, and a role for tokens of the host's OpenID Connect issuer. For samples and demonstrations.
/// </summary>
public sealed class DemoCustomer : IAsyncDisposable
{
    private const string CustomerAccount = "111122223333";
    private const string HostAccount = "615271354814";
    private const string IssuerName = "https://scalr.io";
    private const string Subject = "account:acme";

    private DemoCustomer(LocalAwsServer aws, LocalIssuer issuer)
    {
        Aws = aws;
        Issuer = issuer;
        var customer = aws.Account(CustomerAccount);
        Key = customer.CreateKey("us-east-1", multiRegion: true);
        NextKey = customer.CreateKey("us-east-1", multiRegion: true);
        var permissions = $$"""
            { "Version": "2012-10-17", "Statement": { "Effect": "Allow",
              "Action": ["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"], "Resource": ["{{Key.Arn}}", "{{NextKey.Arn}}"] } }
            """;

        AccessKey = customer.CreateUser("byok", permissions).CreateAccessKey();
        AssumeRole = customer.CreateRole("byok-assume-role", policy: permissions, trustPolicy: $$"""
            { "Version": "2012-10-17", "Statement": [ { "Effect": "Allow",
              "Principal": { "AWS": "arn:aws:iam::{{HostAccount}}:root" }, "Action": "sts:AssumeRole",
              "Condition": { "StringEquals": { "sts:ExternalId": "{{ExternalId}}" } } } ] }
            """);
        customer.CreateOidcProvider(IssuerName, [Audience], issuer.Address);
        OidcRole = customer.CreateRole("byok-oidc", policy: permissions, trustPolicy: $$"""
            { "Version": "2012-10-17", "Statement": [ { "Effect": "Allow",
              "Principal": { "Federated": "arn:aws:iam::{{CustomerAccount}}:oidc-provider/scalr.io" }, "Action": "sts:AssumeRoleWithWebIdentity",
              "Condition": { "StringEquals": { "scalr.io:aud": "{{Audience}}" }, "StringLike": { "scalr.io:sub": "{{Subject}}" } } } ] }
            """);
        HostKey = aws.Account(HostAccount).CreateUser("host", """
            { "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*" } }
            """).CreateAccessKey();
    }

    /// <summary>The stand-in for AWS.</summary>
    public LocalAwsServer Aws { get; }

    /// <summary>The host's issuer, which calls itself https://scalr.io.</summary>
    public LocalIssuer Issuer { get; }

    /// <summary>The customer's key.</summary>
    public LocalKey Key { get; }

    /// <summary>The key that the customer goes over to some day; it may be used already.</summary>
    public LocalKey NextKey { get; }

    /// <summary>The access key of the customer's IAM user.</summary>
    public LocalAccessKey AccessKey { get; }

    /// <summary>The role that the host's own identity assumes with the external ID.</summary>
    public LocalRole AssumeRole { get; }

    /// <summary>The external ID that the role's trust policy demands.</summary>
    public string ExternalId { get; } = Guid.NewGuid().ToString();

    /// <summary>The role that a token of the host's issuer is exchanged for.</summary>
    public LocalRole OidcRole { get; }

    /// <summary>The audience that the customer registered with the OIDC provider.</summary>
    public string Audience { get; } = "scalr_kms";

    /// <summary>The access key of the host's own AWS identity.</summary>
    public LocalAccessKey HostKey { get; }

    /// <summary>Starts AWS and the issuer and sets everything up.</summary>
    /// <param name="options">How to start AWS; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the start only.</param>
    public static async Task<DemoCustomer> StartAsync(LocalAwsOptions? options = null, CancellationToken cancellationToken = default)
    {
        var aws = await LocalAwsServer.StartAsync(options, cancellationToken);
        try
        {
            return new DemoCustomer(aws, await LocalIssuer.StartAsync(IssuerName, options?.Time, cancellationToken));
        }
        catch
        {
            await aws.DisposeAsync();
            throw;
        }
    }

    /// <summary>A token of the host's issuer for this customer.</summary>
    /// <param name="audience">The aud claim.</param>
    /// <param name="lifetime">From now to the exp claim; null for 5 minutes.</param>
    public string CreateToken(string audience, TimeSpan? lifetime = null) => Issuer.CreateToken(audience, Subject, lifetime);

    /// <summary>Stops AWS and the issuer.</summary>
    public async ValueTask DisposeAsync()
    {
        await Aws.DisposeAsync();
        await Issuer.DisposeAsync();
    }
}
