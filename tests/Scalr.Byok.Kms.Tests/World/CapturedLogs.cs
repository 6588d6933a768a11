using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Scalr.Byok.Kms.Tests.World;

/// <summary>Keeps every log entry at every level, with its state and its exception, as text.</summary>
internal sealed class CapturedLogs : ILoggerFactory
{
    public ConcurrentQueue<string> Entries { get; } = new();

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }

    private sealed class Logger : ILogger
    {
        private readonly CapturedLogs _logs;
        private readonly string _category;

        public Logger(CapturedLogs logs, string category)
        {
            _logs = logs;
            _category = category;
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var values = state is IEnumerable<KeyValuePair<string, object?>> pairs
                ? string.Join("; ", pairs.Select(p => $"{p.Key}={p.Value}"))
                : "";
            _logs.Entries.Enqueue($"{logLevel} {_category} {eventId.Id}: {formatter(state, exception)} [{values}] {exception}");
        }
    }
}
