using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Running;
using Scalr.Byok.Kms.Benchmarks;

BenchmarkSwitcher.FromAssembly(typeof(RatioConfig).Assembly)
    .Run(args, DefaultConfig.Instance.WithArtifactsPath(Path.Combine("artifacts", "benchmarks")));
