// Fixtures run beside each other: most tests wait for AWS on loopback. Tests of a long fixture that share nothing say ParallelScope.All,
// and run beside each other, too. What is process-wide (meters, activities, environment variables, memory, threads) is marked
// NonParallelizable, and runs alone after all others, so it must be short. Tests on real time have limits that a busy machine keeps.
[assembly: Parallelizable(ParallelScope.Fixtures)]
[assembly: LevelOfParallelism(4)]
