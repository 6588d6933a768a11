namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>Messages of AWS's SDKs, messages made by hand, and damaged ones, each judged as its manifest says.</summary>
[Category("Slow")]
public sealed class MessageVectorTests
{
    // How many of each set are what: found by looking at the bytes, not by asking the library.
    [TestCase("crafted", 15, 47, 56, 0, 1)]
    [TestCase("js-generated", 36, 0, 147, 0, 0)]
    [TestCase("js-generated-kms", 13, 0, 38, 0, 0)]
    [TestCase("mutated", 0, 51, 163, 0, 0)]
    public Task Read_judges_every_own_vector_as_its_manifest_says(
        string set, int accepted, int refused, int legacy, int unstored, int open) =>
        AssertTallyAsync(Path.Combine(VectorSet.Own, set), accepted, refused, legacy, unstored, open);

    [TestCase("public-c-unit", 0, 1, 23, 0, 0)]
    [TestCase("public-commitment-kat", 21, 2, 0, 0, 0)]
    [TestCase("public-dafny-4.1.0", 7, 0, 40, 2, 0)]
    [TestCase("public-js-fixtures", 0, 0, 4, 0, 0)]
    [TestCase("public-net-4.0.0-invalid", 0, 2, 12, 0, 0)]
    [TestCase("public-net-4.0.0-valid", 0, 0, 2, 1, 0)]
    [TestCase("public-net-4.0.1", 4, 0, 28, 4, 0)]
    public async Task Read_judges_every_public_vector_as_its_manifest_says(
        string set, int accepted, int refused, int legacy, int unstored, int open)
    {
        if (VectorSet.Public is not { } folder)
        {
            Assert.Ignore(
                "The vectors published with AWS's SDKs are not here: they are read from ../shared/vectors/public beside the repository.");
            return;
        }

        await AssertTallyAsync(Path.Combine(folder, set), accepted, refused, legacy, unstored, open);
    }

    /// <summary>Other vectors than those above, or more of them: nothing is known of them but what their manifests say.</summary>
    [Test]
    public async Task Read_judges_every_vector_that_the_environment_names_as_its_manifest_says()
    {
        if (VectorSet.Named() is not { } sets)
        {
            Assert.Ignore($"No more vectors are named: {VectorSet.Variable} may name a folder with own/ and public/ in it.");
            return;
        }

        using (Assert.EnterMultipleScope())
        {
            foreach (var set in sets)
            {
                TestContext.Out.WriteLine($"{set.Name}: {await VectorJudge.JudgeAsync(set)}");
            }
        }
    }

    private static async Task AssertTallyAsync(string folder, int accepted, int refused, int legacy, int unstored, int open)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                await VectorJudge.JudgeAsync(VectorSet.Load(folder)),
                Is.EqualTo(new VectorTally { Accepted = accepted, Refused = refused, Legacy = legacy, Unstored = unstored, Open = open }));
        }
    }
}
