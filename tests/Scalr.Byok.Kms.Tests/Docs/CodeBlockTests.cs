using System.Reflection;

namespace Scalr.Byok.Kms.Tests.Docs;

/// <summary>Every block of C# on every page compiles as it stands, without a warning.</summary>
[Category("Slow")]
internal sealed class CodeBlockTests
{
    public static IEnumerable<TestCaseData> Blocks() =>
        from page in Page.All
        from block in page.Blocks("csharp").Index()
        select new TestCaseData(block.Item).SetArgDisplayNames($"{page}, block {block.Index + 1}");

    [TestCaseSource(nameof(Blocks))]
    public void A_block_compiles_as_it_stands(string code) => Assert.That(new CodeBlock(code).Problems, Is.Empty);

    [Test]
    public async Task Tests_on_the_testing_page_pass()
    {
        var tests = Page.Docs("testing").Blocks("csharp").SelectMany(code => new CodeBlock(code).Load().GetExportedTypes())
            .SelectMany(type => type.GetMethods()).Where(method => method.IsDefined(typeof(TestAttribute))).ToList();

        Assert.That(tests, Has.Count.GreaterThanOrEqualTo(3));
        foreach (var test in tests)
        {
            await ((test.Invoke(Activator.CreateInstance(test.DeclaringType!), null) as Task) ?? Task.CompletedTask);
        }
    }

    [Test]
    public void Blocks_are_found() => Assert.That(Blocks().Count(), Is.GreaterThanOrEqualTo(12));

    [TestCase("Console.WriteLine(1);", 0)]
    [TestCase("Console.WriteLine(one);", 1)]
    [TestCase("string text = null; Console.WriteLine(text);", 1)]
    [TestCase("var app = WebApplication.Create(); app.Run();", 0)]
    [TestCase("IByokKeyRing ring;", 1)]
    public void A_block_that_does_not_compile_is_found(string code, int problems) =>
        Assert.That(new CodeBlock(code).Problems.Count(), Is.GreaterThanOrEqualTo(problems).And.LessThanOrEqualTo(problems * 2));
}
