namespace Byok.Cli.Local;

/// <summary>What byok local has started, as JSON.</summary>
/// <param name="Endpoint">AWS KMS and AWS STS.</param>
/// <param name="Directory">Where the files are.</param>
/// <param name="KeyArn">The customer's key.</param>
/// <param name="NextKeyArn">The customer's next key.</param>
/// <param name="DisableKey">An HTTP POST to here disables the key.</param>
/// <param name="EnableKey">An HTTP POST to here enables it again.</param>
/// <param name="Settings">The settings files.</param>
internal sealed record LocalReport(
    Uri Endpoint, string Directory, string KeyArn, string NextKeyArn, Uri DisableKey, Uri EnableKey, IReadOnlyList<DemoSettings> Settings);
