namespace Byok.Cli.Local;

/// <summary>What byok local has started, as JSON.</summary>
/// <param name="Endpoint">AWS KMS and AWS STS.</param>
/// <param name="Directory">The directory of the files.</param>
/// <param name="KeyArn">The customer's key.</param>
/// <param name="NextKeyArn">The customer's next key.</param>
/// <param name="DisableKey">The URL whose HTTP POST disables the key.</param>
/// <param name="EnableKey">The URL whose HTTP POST enables the key.</param>
/// <param name="Settings">The settings files.</param>
internal sealed record LocalReport(
    Uri Endpoint, string Directory, string KeyArn, string NextKeyArn, Uri DisableKey, Uri EnableKey, IReadOnlyList<DemoSettings> Settings);
