namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// The errors of a message that show without a key, most of them in the header. So they tell an attacker nothing. They quote nothing of the
/// message except the number of the algorithm suite.
/// </summary>
internal static class HeaderErrors
{
    public const string TooShort = "The message is cut short: it ends within its header.";
    public const string Base64 = "This looks like a message in base64. Decode it first.";
    public const string NotAMessage = "This is not an AWS Encryption SDK message.";
    public const string ContextMalformed =
        "The message's header is malformed: its encryption context is not a list of distinct UTF-8 keys with values.";
    public const string ContextHoldsPublicKey =
        "The message's header is malformed: its encryption context holds a public key, but its algorithm suite does not sign.";
    public const string NoEncryptedDataKeys = "The message's header is malformed: it has no encrypted data key.";
    public const string ProviderIdMalformed = "The message's header is malformed: a key provider id is not UTF-8.";
    public const string ContentTypeUnknown = "The message's header is malformed: its content type is unknown.";
    public const string SignatureKeyMissing =
        "The message's header is malformed: its algorithm suite signs, but its encryption context holds no public key.";
    public const string SignatureKeyMalformed =
        "The message's header is malformed: the public key in its encryption context is not a compressed point of P-384 in base64.";
    public const string FrameLengthZero = "The message's header is malformed: its frame length is zero.";
    public const string FrameLengthNotZero = "The message's header is malformed: its body is not framed, but it has a frame length.";

    public static string TooManyEncryptedDataKeys(int limit) =>
        $"The message has more encrypted data keys than the {limit} that are allowed.";

    public static string Unknown(ushort suite) =>
        $"The message uses algorithm suite {suite:x4}, which is unknown in its version of the format.";

    public static string Legacy(AlgorithmSuite suite) =>
        $"The message uses algorithm suite {suite}, which does not commit to its key. Such messages are rejected, because one message "
        + "can have several plaintexts.";

    public static string HeaderTooLong(int limit) => $"The message's header is longer than the {limit} bytes that are allowed.";

    public static string MessageTooLong(long limit) => $"The message is longer than the {limit} bytes that are allowed.";

    public static string FrameTooLong(int limit) =>
        $"The message has a frame of more than the {limit} bytes that a stream may hold before they are authenticated. "
        + "Decrypt it in memory, or raise MaxFrameLength.";
}
