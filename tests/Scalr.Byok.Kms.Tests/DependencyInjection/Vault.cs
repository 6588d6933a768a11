namespace Scalr.Byok.Kms.Tests.DependencyInjection;

/// <summary>What <see cref="VaultStrategy"/> needs from the container.</summary>
internal sealed class Vault
{
    public string Type { get; set; } = "Vault";

    public Dictionary<string, (string Id, string Secret)> Entries { get; } = [];
}
