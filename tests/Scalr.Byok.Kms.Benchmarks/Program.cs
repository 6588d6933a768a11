using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Running;
using Scalr.Byok.Kms.Benchmarks;

// "page" alone, or with a file to write to.
if (args is ["page", .. { Length: < 2 } file])
{
    await NumbersPage.RunAsync(file.SingleOrDefault());
    return;
}

BenchmarkSwitcher.FromAssembly(typeof(RatioConfig).Assembly)
    .Run(args, DefaultConfig.Instance.WithArtifactsPath(Path.Combine("artifacts", "benchmarks")));
