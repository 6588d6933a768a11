using System.Globalization;
using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms.Events;

/// <summary>The built-in observer: log events and a metric.</summary>
internal sealed class KeyEventLog : IByokKeyObserver
{
    private readonly ILogger _logger;

    public KeyEventLog(ILogger logger) => _logger = logger;

    public Task OnKeyEventAsync(ByokKeyEvent keyEvent, CancellationToken cancellationToken)
    {
        var deadline = keyEvent.Deadline?.ToString("u", CultureInfo.InvariantCulture) ?? "unknown";
        Instruments.Reported(keyEvent.Kind.ToString(), keyEvent.Code);
        switch (keyEvent.Kind)
        {
            case ByokKeyEventKind.Warned:
                _logger.KeyWarned(keyEvent.KeyArn, keyEvent.Code, deadline);
                break;
            case ByokKeyEventKind.Unreachable:
                _logger.KeyUnreachable(keyEvent.KeyArn, keyEvent.Start, keyEvent.Code, deadline);
                break;
            case ByokKeyEventKind.Restored:
                _logger.KeyRestored(keyEvent.KeyArn, keyEvent.Start, keyEvent.Code);
                break;
            default:
                break; // event 9 has logged the denial when it began
        }

        return Task.CompletedTask;
    }
}
