using Microsoft.Extensions.Logging;

namespace Scalr.Byok.Kms.Diagnostics;

/// <summary>Log messages about settings. None contains a value, which may be a secret.</summary>
internal static partial class SettingsLog
{
    [LoggerMessage(EventId = 40, Level = LogLevel.Warning, Message = "{Setting}")]
    public static partial void SettingIgnored(this ILogger logger, string setting);

    [LoggerMessage(EventId = 41, Level = LogLevel.Warning,
        Message = "{Variables} in the environment is ignored. Only the option Endpoints changes the addresses of AWS KMS and AWS STS.")]
    public static partial void EndpointVariablesIgnored(this ILogger logger, string variables);

    [LoggerMessage(EventId = 42, Level = LogLevel.Information,
        Message = "The configuration section {Section} does not exist or is empty, so all options have their defaults.")]
    public static partial void SectionMissing(this ILogger logger, string section);

    [LoggerMessage(EventId = 50, Level = LogLevel.Error,
        Message = "New settings of a key ring are not used. The old ones stay in use. {Errors}")]
    public static partial void SettingsNotUsed(this ILogger logger, string errors);

    [LoggerMessage(EventId = 51, Level = LogLevel.Information,
        Message = "{KeyRing} has new settings. Calls under way finish with the old ones.")]
    public static partial void SettingsChanged(this ILogger logger, string keyRing);

    [LoggerMessage(EventId = 52, Level = LogLevel.Error,
        Message = "AWS rejected a tenant's credentials for key {KeyArn}. The settings that the store has now cannot be used: {Errors}")]
    public static partial void TenantSettingsNotUsed(this ILogger logger, KmsKeyArn keyArn, string errors);

    [LoggerMessage(EventId = 53, Level = LogLevel.Information,
        Message = "AWS rejected a tenant's credentials for key {KeyArn}. The store has other settings now, which are used.")]
    public static partial void TenantSettingsChanged(this ILogger logger, KmsKeyArn keyArn);

    [LoggerMessage(EventId = 54, Level = LogLevel.Error,
        Message = "The settings of the tenant with key {KeyArn} were read again and cannot be used. The old ones stay in use. {Errors}")]
    public static partial void TenantSettingsNotReloaded(this ILogger logger, KmsKeyArn keyArn, string errors);

    [LoggerMessage(EventId = 55, Level = LogLevel.Information,
        Message = "The settings of the tenant with key {KeyArn} were read again and have changed. The new ones are used.")]
    public static partial void TenantSettingsReloaded(this ILogger logger, KmsKeyArn keyArn);
}
