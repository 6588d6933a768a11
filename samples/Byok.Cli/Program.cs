using Byok.Cli;
using Byok.Cli.Output;
using Microsoft.Extensions.Configuration;

using var interruption = new Interruption();
var environment = new ConfigurationBuilder().AddEnvironmentVariables().Build();
var commandLine = new CommandLine(new CliContext(Terminal.Attach(), environment, TimeProvider.System));
return await commandLine.RunAsync(args, interruption.Token);
