using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Running;
using Scalr.Byok.Kms.Benchmarks;

// "page" alone, or with a file to write to.
if (args is ["page", .. { Length: < 2 } file])
{
    await NumbersPage.RunAsync(file.SingleOrDefault());
    return;
}

// The part of "page" about streams and pipes.
if (args is ["streams"])
{
    await StreamNumbers.RunAsync();
    return;
}

// "start" alone, with a published Scalr.Byok.Kms.Starter, or with the library as another assembly.
if (args is ["start", .. { Length: < 2 } starter])
{
    await StartTimes.RunAsync(starter.SingleOrDefault());
    return;
}

BenchmarkSwitcher.FromAssembly(typeof(RatioConfig).Assembly)
    .Run(args, DefaultConfig.Instance.WithArtifactsPath(Path.Combine("artifacts", "benchmarks")));
