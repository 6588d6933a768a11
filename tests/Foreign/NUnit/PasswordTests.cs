using Moq;
using NUnit.Framework;
using Scalr.Byok.Kms;

public sealed class PasswordTests
{
    private static readonly ByokAssociatedData Place = ByokAssociatedData.For("variables", "value", 42);

    [Test]
    public async Task A_password_is_stored_encrypted()
    {
        var ring = new Mock<IByokKeyRing>();
        ring.Setup(mock => mock.CreateDataKeyAsync(null, default)).ReturnsAsync(() => ByokModelFactory.DataKey());

        using var key = await ring.Object.CreateDataKeyAsync();
        var stored = key.EncryptText("db password", Place);

        Assert.That(key.DecryptText(stored, Place), Is.EqualTo("db password"));
    }
}
