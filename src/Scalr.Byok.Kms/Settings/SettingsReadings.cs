using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms.Settings;

/// <summary>Maps options objects to the configuration sections they were read from, and logs each warning once.</summary>
internal sealed class SettingsReadings
{
    private static readonly string[] IgnoredVariables = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL_STS"];

    private readonly ConditionalWeakTable<object, SettingsReading> _readings = [];
    private readonly ConcurrentDictionary<string, bool> _logged = new(StringComparer.Ordinal);
    private readonly ILogger _logger;

    public SettingsReadings(ILogger logger) => _logger = logger;

    /// <summary>Records the section of an options object. The last reading with errors counts, otherwise the last.</summary>
    public void Add(object options, SettingsReading reading)
    {
        foreach (var warning in reading.Warnings)
        {
            Warn(warning);
        }

        if (Of(options) is not { Errors.Count: > 0 })
        {
            _readings.AddOrUpdate(options, reading);
        }
    }

    /// <summary>Logs a warning about a setting, once.</summary>
    public void Warn(string warning)
    {
        if (_logged.TryAdd(warning, true))
        {
            _logger.SettingIgnored(warning);
        }
    }

    /// <summary>The reading of an options object; null if it was not read from configuration.</summary>
    public SettingsReading? Of(object options) => _readings.TryGetValue(options, out var reading) ? reading : null;

    /// <summary>Logs, once, that a section of options does not exist.</summary>
    public void NoteMissing(string section)
    {
        if (_logged.TryAdd(section, true))
        {
            _logger.SectionMissing(section);
        }
    }

    /// <summary>Logs that endpoints in the environment are ignored.</summary>
    public void NoteIgnoredEndpoints()
    {
        var found = IgnoredVariables.Where(name => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(name))).ToList();
        if (found.Count > 0 && _logged.TryAdd(IgnoredVariables[0], true))
        {
            _logger.EndpointVariablesIgnored(string.Join(", ", found));
        }
    }
}
