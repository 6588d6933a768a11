using Byok.Cli.Output;
using Microsoft.Extensions.Configuration;

namespace Byok.Cli;

/// <summary>The streams, the environment and the clock of a command.</summary>
/// <param name="Terminal">The standard streams.</param>
/// <param name="Environment">The environment variables.</param>
/// <param name="Time">The clock.</param>
internal sealed record CliContext(Terminal Terminal, IConfiguration Environment, TimeProvider Time);
