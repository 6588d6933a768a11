using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;

namespace Scalr.Byok.Kms.Benchmarks;

/// <summary>
/// What all benchmarks here report: their ratio to the yardstick of their group, measured in the same run, and what they allocate.
/// </summary>
internal sealed class RatioConfig : ManualConfig
{
    public RatioConfig()
    {
        AddLogicalGroupRules(BenchmarkLogicalGroupRule.ByCategory, BenchmarkLogicalGroupRule.ByParams);
        AddColumn(CategoriesColumn.Default, StatisticColumn.Median);
        AddDiagnoser(new MemoryDiagnoser(new MemoryDiagnoserConfig(displayGenColumns: false)));
        HideColumns("Job", "IterationCount", "LaunchCount", "WarmupCount", "Error", "StdDev", "RatioSD", "Alloc Ratio");
    }
}
