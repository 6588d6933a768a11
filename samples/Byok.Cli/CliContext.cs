using Byok.Cli.Output;
using Microsoft.Extensions.Configuration;

namespace Byok.Cli;

/// <summary>What commands know of the world.</summary>
/// <param name="Terminal">Where they read and write.</param>
/// <param name="Environment">The environment variables.</param>
/// <param name="Time">The clock.</param>
internal sealed record CliContext(Terminal Terminal, IConfiguration Environment, TimeProvider Time);
