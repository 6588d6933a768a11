using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Tests.Messages;

namespace Scalr.Byok.Kms.Tests.DataKeys;

public sealed class DataKeyTests
{
    [Test]
    public void Dispose_ends_every_operation()
    {
        var key = Sample.OpenDataKey();
        Assert.That(Bytes(key), Is.EqualTo(Sample.DataKeyBytes));

        key.Dispose();
        key.Dispose();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(key.IsErased, Is.True);
            Assert.That(key.TryEnter(), Is.False);
            Assert.That(() => Bytes(key), Throws.InstanceOf<ObjectDisposedException>());
            Assert.That(() => key.Extract(default, new byte[DataKey.ExtractedLength]), Throws.InstanceOf<ObjectDisposedException>());
            Assert.That(() => key.CreateBlockCipher(), Throws.InstanceOf<ObjectDisposedException>());
        }
    }

    [Test]
    public void An_operation_under_way_keeps_the_bytes_until_it_ends()
    {
        var key = Sample.OpenDataKey();
        Assert.That(key.TryEnter(), Is.True);

        key.Dispose();

        Assert.That((key.IsErased, key.TryEnter(), Bytes(key)), Is.EqualTo((true, false, Sample.DataKeyBytes)));

        key.Exit();

        Assert.That(() => Bytes(key), Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public void Generate_makes_another_key_each_time()
    {
        using var one = DataKey.Generate();
        using var other = DataKey.Generate();

        Assert.That(Bytes(one), Is.Not.EqualTo(Bytes(other)));
    }

    [TestCase(0)]
    [TestCase(31)]
    [TestCase(33)]
    public void CopyFrom_takes_32_bytes_only(int length) => Assert.That(() => DataKey.CopyFrom(new byte[length]), Throws.ArgumentException);

    [Test]
    public void ToString_shows_nothing_of_keys()
    {
        using var key = Sample.OpenDataKey();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(key.ToString(), Is.EqualTo(typeof(DataKey).FullName));
            Assert.That(Sample.WrappedKey.ToString(), Does.Contain("System.ReadOnlyMemory<Byte>[60]"));
        }
    }

    [Test]
    public void Encrypted_data_keys_are_equal_by_content()
    {
        EncryptedDataKey copy = new("aws-kms", Sample.WrappedKey.ProviderInfo.ToArray(), Sample.WrappedKey.Ciphertext.ToArray());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(copy, Is.EqualTo(Sample.WrappedKey));
            Assert.That(copy.GetHashCode(), Is.EqualTo(Sample.WrappedKey.GetHashCode()));
            Assert.That(copy with { Ciphertext = new byte[60] }, Is.Not.EqualTo(Sample.WrappedKey));
        }
    }

    private static byte[] Bytes(DataKey key)
    {
        var bytes = new byte[DataKey.Length];
        key.CopyTo(bytes);
        return bytes;
    }
}
