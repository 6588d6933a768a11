using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Tests.Messages;

namespace Scalr.Byok.Kms.Tests.DataKeys;

public sealed class DataKeyTests
{
    [Test]
    public void Dispose_erases_the_bytes()
    {
        DataKey key = Sample.OpenDataKey();
        ReadOnlySpan<byte> bytes = key.Span;
        Assert.That(bytes.SequenceEqual(Sample.DataKeyBytes));

        key.Dispose();
        key.Dispose();

        Assert.That(bytes.SequenceEqual(new byte[DataKey.Length]));
    }

    [Test]
    public void Span_and_ThrowIfErased_throw_once_the_key_is_erased()
    {
        DataKey key = Sample.OpenDataKey();
        Assert.That(key.ThrowIfErased, Throws.Nothing);

        key.Dispose();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => key.Span.Length, Throws.InstanceOf<ObjectDisposedException>());
            Assert.That(key.ThrowIfErased, Throws.InstanceOf<ObjectDisposedException>());
        }
    }

    [Test]
    public void Generate_makes_another_key_each_time()
    {
        using DataKey one = DataKey.Generate();
        using DataKey other = DataKey.Generate();

        Assert.That(one.Span.SequenceEqual(other.Span), Is.False);
    }

    [TestCase(0)]
    [TestCase(31)]
    [TestCase(33)]
    public void CopyFrom_takes_32_bytes_only(int length) => Assert.That(() => DataKey.CopyFrom(new byte[length]), Throws.ArgumentException);

    [Test]
    public void ToString_shows_nothing_of_keys()
    {
        using DataKey key = Sample.OpenDataKey();

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
}
