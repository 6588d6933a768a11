using Microsoft.Extensions.Logging;

namespace Scalr.Byok.Kms.Diagnostics;

/// <summary>Log messages about settings. None takes a value, which may be a secret.</summary>
internal static partial class SettingsLog
{
    [LoggerMessage(EventId = 40, Level = LogLevel.Warning, Message = "{Setting}")]
    public static partial void SettingIgnored(this ILogger logger, string setting);

    [LoggerMessage(EventId = 41, Level = LogLevel.Warning,
        Message = "{Variables} in the environment is ignored. Only the option Endpoints changes the addresses of AWS KMS and AWS STS.")]
    public static partial void EndpointVariablesIgnored(this ILogger logger, string variables);
}
