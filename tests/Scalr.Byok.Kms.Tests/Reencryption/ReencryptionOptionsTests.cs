using Moq;

namespace Scalr.Byok.Kms.Tests.Reencryption;

/// <summary>Options out of range throw before anything is read.</summary>
internal sealed class ReencryptionOptionsTests
{
    private static readonly ReencryptionKey Ring = ReencryptionKey.Ring(new Mock<IByokKeyRing>().Object);

    private static readonly ReencryptionOptions[] Wrong =
    [
        new() { BatchSize = 0 },
        new() { BatchSize = 100_001 },
        new() { MaxDegreeOfParallelism = 0 },
        new() { MaxDegreeOfParallelism = 1001 },
        new() { MaxItemsPerSecond = 0 },
        new() { MaxKmsCallsPerSecond = double.NaN },
        new() { MaxPause = TimeSpan.FromTicks(-1) },
        new() { MaxPause = TimeSpan.FromDays(31) },
        new() { MaxRetryDelay = TimeSpan.Zero },
        new() { MaxRetryDelay = TimeSpan.FromHours(2) },
        new() { TimeProvider = null! },
    ];

    public static IEnumerable<TestCaseData> WrongOptions() =>
        Wrong.Select(options => new TestCaseData(options).SetArgDisplayNames(Changed(options)));

    [TestCaseSource(nameof(WrongOptions))]
    public async Task An_option_out_of_range_throws(ReencryptionOptions options)
    {
        var ofRun = Assert.Throws<ArgumentException>(
            () => ByokReencryption.RunAsync(new MemorySource(), ReencryptionKey.None, Ring, options))!;
        var ofCount = (await Assert.ThrowsAsync<ArgumentException>(
            () => ByokReencryption.CountAsync(new MemorySource(), Ring, options)))!;

        Assert.That((ofRun.ParamName, ofCount.ParamName), Is.EqualTo(("options", "options")));
        Assert.That(ofRun.Message, Does.StartWith(Changed(options).Split(' ')[0]), "the option is named");
    }

    [Test]
    public void Nothing_to_nothing_throws() =>
        Assert.Throws<ArgumentException>(() => ByokReencryption.RunAsync(new MemorySource(), ReencryptionKey.None, ReencryptionKey.None));

    /// <summary>The option that differs from its default.</summary>
    private static string Changed(ReencryptionOptions options) => typeof(ReencryptionOptions).GetProperties()
        .Where(property => !Equals(property.GetValue(options), property.GetValue(new ReencryptionOptions())))
        .Select(property => $"{property.Name} {property.GetValue(options) ?? "null"}").Single();
}
