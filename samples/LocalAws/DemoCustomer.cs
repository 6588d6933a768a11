namespace LocalAws;

/// <summary>
/// A customer who has set up a key for a host: a multi-Region KMS key (and the next one), and three ways for the host to use it:
/// an IAM user's access key, a role with an external ID, and a role for tokens of the host's OpenID Connect issuer. For samples and
/// demonstrations.
/// </summary>
public sealed class DemoCustomer : IAsyncDisposable
{
    /// <summary>The account of the customer.</summary>
    internal const string CustomerAccount = "111122223333";
    private const string HostAccount = "615271354814";
    private const string IssuerName = "https://scalr.io";
    private const string Subject = "account:acme";

    private DemoCustomer(LocalAwsServer aws, LocalIssuer issuer, string externalId)
    {
        ExternalId = externalId;
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

    /// <summary>The server that takes the place of AWS.</summary>
    public LocalAwsServer Aws { get; }

    /// <summary>The host's issuer. Its name in tokens is https://scalr.io.</summary>
    public LocalIssuer Issuer { get; }

    /// <summary>The customer's key.</summary>
    public LocalKey Key { get; }

    /// <summary>A second key, for tests of a key change. The same credentials can use it.</summary>
    public LocalKey NextKey { get; }

    /// <summary>The access key of the customer's IAM user.</summary>
    public LocalAccessKey AccessKey { get; }

    /// <summary>The role that the host's own identity assumes with the external ID.</summary>
    public LocalRole AssumeRole { get; }

    /// <summary>The external ID that the role's trust policy requires.</summary>
    public string ExternalId { get; }

    /// <summary>The role that a token of the host's issuer is exchanged for.</summary>
    public LocalRole OidcRole { get; }

    /// <summary>The audience that the customer registered with the OIDC provider.</summary>
    public string Audience { get; } = "scalr_kms";

    /// <summary>The access key of the host's own AWS identity.</summary>
    public LocalAccessKey HostKey { get; }

    /// <summary>
    /// The configuration that a host of Scalr.Byok.Kms needs for this customer: the section <c>Byok</c> with the endpoints, and the section
    /// <c>Acme</c> with the key and the access key. For <c>ConfigurationBuilder.AddInMemoryCollection</c>.
    /// </summary>
    public IReadOnlyDictionary<string, string?> Configuration => ConfigurationOf(
        "AccessKeys", ("AccessKeyId", AccessKey.AccessKeyId), ("SecretAccessKey", AccessKey.SecretAccessKey));

    /// <summary>The same with the role that the host assumes with the external ID, and with the host's own identity.</summary>
    public IReadOnlyDictionary<string, string?> AssumeRoleConfiguration =>
        new Dictionary<string, string?>(ConfigurationOf("AssumeRole", ("RoleArn", AssumeRole.Arn), ("ExternalId", ExternalId)))
        {
            ["Byok:HostAccountId"] = HostAccountId,
            ["Byok:HostIdentity:AccessKeyId"] = HostKey.AccessKeyId,
            ["Byok:HostIdentity:SecretAccessKey"] = HostKey.SecretAccessKey,
        };

    /// <summary>
    /// The same with the role for tokens. The host also needs a source of tokens:
    /// <c>AddOidcTokens((request, stop) => new(customer.CreateToken(request.Audience)))</c>.
    /// </summary>
    public IReadOnlyDictionary<string, string?> OidcConfiguration =>
        ConfigurationOf("Oidc", ("RoleArn", OidcRole.Arn), ("Audience", Audience));

    /// <summary>The AWS account of the host, which the trust policy of <see cref="AssumeRole"/> names.</summary>
    public string HostAccountId => HostAccount;

    /// <summary>Starts AWS and the issuer and sets everything up.</summary>
    /// <param name="options">How to start AWS; null for the defaults.</param>
    /// <param name="externalId">The external ID that the host made for this customer; null for a random one.</param>
    /// <param name="cancellationToken">Ends the start only.</param>
    public static async Task<DemoCustomer> StartAsync(
        LocalAwsOptions? options = null, string? externalId = null, CancellationToken cancellationToken = default)
    {
        var aws = await LocalAwsServer.StartAsync(options, cancellationToken);
        try
        {
            var issuer = await LocalIssuer.StartAsync(IssuerName, options?.Time, cancellationToken);
            return new DemoCustomer(aws, issuer, externalId ?? Guid.NewGuid().ToString());
        }
        catch
        {
            await aws.DisposeAsync();
            throw;
        }
    }

    /// <summary>A token of the host's issuer.</summary>
    /// <param name="audience">The aud claim.</param>
    /// <param name="subject">
    /// The sub claim, which names the customer. Default (null): account:acme, which the role trusts.
    /// </param>
    /// <param name="lifetime">From now to the exp claim; null for 5 minutes.</param>
    public string CreateToken(string audience, string? subject = null, TimeSpan? lifetime = null) =>
        Issuer.CreateToken(audience, subject ?? Subject, lifetime);

    private Dictionary<string, string?> ConfigurationOf(string type, params (string Name, string Value)[] credentials) => new(
        credentials.Select(setting => KeyValuePair.Create<string, string?>($"Acme:Credentials:{setting.Name}", setting.Value)))
    {
        ["Byok:Endpoints:Kms:*"] = Aws.Endpoint.ToString(),
        ["Byok:Endpoints:Sts:*"] = Aws.Endpoint.ToString(),
        ["Acme:KeyArn"] = Key.Arn,
        ["Acme:Credentials:Type"] = type,
    };

    /// <summary>Stops AWS and the issuer.</summary>
    public async ValueTask DisposeAsync()
    {
        await Aws.DisposeAsync();
        await Issuer.DisposeAsync();
    }
}
