using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms.Tests.DataKeys;

/// <summary>Encrypted data keys are equal if their content is.</summary>
internal sealed class EncryptedDataKeyTests
{
    private static readonly EncryptedDataKey Key = new("aws-kms", "an ARN"u8.ToArray(), "a ciphertext"u8.ToArray());

    private static readonly EncryptedDataKey[] Others =
    [
        new("other", Key.ProviderInfo, Key.Ciphertext),
        Key with { ProviderInfo = "another ARN"u8.ToArray() },
        Key with { Ciphertext = "another ciphertext"u8.ToArray() },
    ];

    [Test]
    public void Equal_content_is_equal()
    {
        EncryptedDataKey copy = new(Key.ProviderId, Key.ProviderInfo.ToArray(), Key.Ciphertext.ToArray());

        Assert.That(copy, Is.EqualTo(Key));
        Assert.That(copy.GetHashCode(), Is.EqualTo(Key.GetHashCode()));
    }

    [TestCaseSource(nameof(Others))]
    public void Each_part_makes_a_difference(object other)
    {
        Assert.That(other, Is.Not.EqualTo(Key));
        Assert.That(other.GetHashCode(), Is.Not.EqualTo(Key.GetHashCode()));
    }
}
