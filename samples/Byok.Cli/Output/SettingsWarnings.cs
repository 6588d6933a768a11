using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Scalr.Byok.Kms;
using Spectre.Console;

namespace Byok.Cli.Output;

/// <summary>
/// Writes what the library logs about settings, such as unknown names, to standard error. A command reports everything else itself.
/// </summary>
internal sealed class SettingsWarnings(Terminal terminal) : ILoggerFactory
{
    private static readonly string Category = typeof(ByokOptions).FullName!;

    public ILogger CreateLogger(string categoryName) => categoryName == Category ? new Logger(terminal) : NullLogger.Instance;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public void Dispose()
    {
    }

    private sealed class Logger(Terminal terminal) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel))
            {
                return;
            }

            var warning = formatter(state, exception);
            if (terminal.ErrorIsTerminal)
            {
                terminal.Error.MarkupLineInterpolated($"[yellow]byok: warning:[/] {Shown.Line(warning)}");
            }
            else
            {
                terminal.WriteErrorLine($"byok: warning: {Shown.Line(warning)}");
            }
        }
    }
}
