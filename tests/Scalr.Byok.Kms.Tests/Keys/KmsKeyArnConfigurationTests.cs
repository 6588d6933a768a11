using System.ComponentModel;
using Microsoft.Extensions.Configuration;
using static Scalr.Byok.Kms.Tests.Keys.KeyArnSamples;

namespace Scalr.Byok.Kms.Tests.Keys;

public class KmsKeyArnConfigurationTests
{
    [Test]
    public void Configuration_binds_values_lists_and_absence()
    {
        var settings = Configuration(("Key", MultiRegion), ("Others:0", SingleRegion), ("Others:1", MultiRegion)).Get<Settings>()!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(settings.Key, Is.EqualTo(KmsKeyArn.Parse(MultiRegion)));
            Assert.That(settings.Previous, Is.Null);
            Assert.That(settings.Others, Is.EqualTo(new[] { KmsKeyArn.Parse(SingleRegion), KmsKeyArn.Parse(MultiRegion) }));
        }
    }

    [Test]
    public void Configuration_passes_the_complaint_on()
        => Assert.That(() => Configuration(("Key", "alias/main")).Get<Settings>(), Throws.InvalidOperationException
            .With.InnerException.TypeOf<FormatException>().And.InnerException.Message.StartsWith(
                "Not a KMS key ARN: 'alias/main' is the name of an alias;"));

    [Test]
    public void The_type_converter_knows_strings_alone()
    {
        var converter = TypeDescriptor.GetConverter(typeof(KmsKeyArn));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(converter.CanConvertFrom(typeof(string)), Is.True);
            Assert.That(converter.CanConvertFrom(typeof(int)), Is.False);
            Assert.That(converter.CanConvertTo(typeof(string)), Is.True);
            Assert.That(converter.CanConvertTo(typeof(int)), Is.False);
            Assert.That(converter.ConvertFromInvariantString(SingleRegion), Is.EqualTo(KmsKeyArn.Parse(SingleRegion)));
            Assert.That(converter.ConvertToInvariantString(KmsKeyArn.Parse(SingleRegion)), Is.EqualTo(SingleRegion));
            Assert.That(() => converter.ConvertFrom(17), Throws.TypeOf<NotSupportedException>());
            Assert.That(() => converter.ConvertTo(KmsKeyArn.Parse(SingleRegion), typeof(int)), Throws.TypeOf<NotSupportedException>());
        }
    }

    private static IConfigurationRoot Configuration(params (string Key, string Value)[] values)
        => new ConfigurationBuilder().AddInMemoryCollection(values.ToDictionary(pair => pair.Key, pair => (string?)pair.Value)).Build();

    private sealed class Settings
    {
        public KmsKeyArn Key { get; set; }

        public KmsKeyArn? Previous { get; set; }

        public List<KmsKeyArn> Others { get; } = [];
    }
}
