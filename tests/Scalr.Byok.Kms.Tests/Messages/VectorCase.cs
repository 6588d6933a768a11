using System.Text.Json.Serialization;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>One attempt of AWS's JavaScript key ring at a message, with what came of it.</summary>
internal sealed class VectorCase
{
    public required string Mode { get; init; }

    public List<string> KeyIds { get; init; } = [];

    public required string Expect { get; init; }

    public VectorFaults? Kms { get; init; }

    public List<VectorCall> JsKmsDecryptCalls { get; init; } = [];
}

/// <summary>What AWS KMS does wrong in one case.</summary>
internal sealed class VectorFaults
{
    /// <summary>Keys that may not be used.</summary>
    public List<string> Deny { get; init; } = [];

    /// <summary>The key that the answer says it comes from.</summary>
    [JsonPropertyName("answerKeyId")]
    public string? AnswerKeyId { get; init; }

    /// <summary>Whether the data key comes back a byte short.</summary>
    [JsonPropertyName("shortKey")]
    public bool ShortKey { get; init; }
}

/// <summary>A kms:Decrypt: the key it names, and the Region it goes to.</summary>
internal sealed record VectorCall(string KeyId, string Region);
