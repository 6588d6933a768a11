using System.Text.Json;

namespace LocalAws.Kms;

/// <summary>A key as DescribeKey, CreateKey and ReplicateKey show it.</summary>
internal static class KeyMetadata
{
    /// <param name="json">Where to.</param>
    /// <param name="name">The name of the member that holds it.</param>
    /// <param name="key">The key.</param>
    /// <param name="state">A state to show instead of the key's own: a new replica is announced before it is ready.</param>
    public static void Write(Utf8JsonWriter json, string name, LocalKey key, string? state = null)
    {
        state ??= key.State;
        json.WriteStartObject(name);
        json.WriteString("AWSAccountId", key.AccountId);
        json.WriteString("KeyId", key.KeyId);
        json.WriteString("Arn", key.Arn);
        WriteTime(json, "CreationDate", key.CreatedAt);
        json.WriteBoolean("Enabled", state is LocalKeyState.Enabled or LocalKeyState.Updating);
        json.WriteString("Description", key.Description);
        json.WriteString("KeyUsage", key.Kind.Usage);
        json.WriteString("KeyState", state);
        WriteDeletion(json, key, state);
        json.WriteString("Origin", key.Kind.Origin);
        if (key.Kind.IsImported && state != LocalKeyState.PendingImport)
        {
            WriteTime(json, "ValidTo", key.ValidTo);
            json.WriteString("ExpirationModel", key.ValidTo is null ? "KEY_MATERIAL_DOES_NOT_EXPIRE" : "KEY_MATERIAL_EXPIRES");
        }

        json.WriteString("KeyManager", "CUSTOMER");
        json.WriteString("CustomerMasterKeySpec", key.Kind.Spec);
        json.WriteString("KeySpec", key.Kind.Spec);
        WriteAlgorithms(json, key.Kind);
        if (key.Kind.IsSymmetric)
        {
            json.WriteString("CurrentKeyMaterialId", key.Family.MaterialId);
        }

        json.WriteBoolean("MultiRegion", key.Kind.MultiRegion);
        if (key.Kind.MultiRegion)
        {
            WriteRegions(json, key);
        }

        json.WriteEndObject();
    }

    /// <summary>Seconds since 1970 with a fraction, as the protocol has it.</summary>
    public static void WriteTime(Utf8JsonWriter json, string name, DateTimeOffset? time)
    {
        if (time is { } moment)
        {
            json.WriteNumber(name, moment.ToUnixTimeMilliseconds() / 1000m);
        }
    }

    private static void WriteDeletion(Utf8JsonWriter json, LocalKey key, string state)
    {
        if (state == LocalKeyState.PendingDeletion)
        {
            WriteTime(json, "DeletionDate", key.DeletionDate);
        }
        else if (state == LocalKeyState.PendingReplicaDeletion && key.DeletionDays is { } days)
        {
            json.WriteNumber("PendingDeletionWindowInDays", days);
        }
    }

    private static void WriteAlgorithms(Utf8JsonWriter json, KeyKind kind)
    {
        json.WriteStartArray(kind.Usage switch
        {
            "ENCRYPT_DECRYPT" => "EncryptionAlgorithms",
            "SIGN_VERIFY" => "SigningAlgorithms",
            "KEY_AGREEMENT" => "KeyAgreementAlgorithms",
            _ => "MacAlgorithms",
        });
        foreach (var algorithm in kind.Algorithms)
        {
            json.WriteStringValue(algorithm);
        }

        json.WriteEndArray();
    }

    private static void WriteRegions(Utf8JsonWriter json, LocalKey key)
    {
        LocalKey[] members;
        lock (key.Family.Gate)
        {
            members = [.. key.Family.Members];
        }

        json.WriteStartObject("MultiRegionConfiguration");
        json.WriteString("MultiRegionKeyType", key.IsPrimary ? "PRIMARY" : "REPLICA");
        json.WriteStartObject("PrimaryKey");
        WriteMember(json, members[0]);
        json.WriteEndObject();
        json.WriteStartArray("ReplicaKeys");
        foreach (var replica in members.Skip(1).Where(member => !member.IsGone))
        {
            json.WriteStartObject();
            WriteMember(json, replica);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteMember(Utf8JsonWriter json, LocalKey member)
    {
        json.WriteString("Arn", member.Arn);
        json.WriteString("Region", member.Region);
    }
}
