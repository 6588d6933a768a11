using System.Text.Json.Serialization;

namespace Scalr.Byok.Kms;

/// <summary>The outcome of a step of a verification.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ByokVerificationOutcome>))]
public enum ByokVerificationOutcome
{
    /// <summary>
    /// No outcome is known, so the step counts as failed. The library never reports this value; it is the default value of the type.
    /// </summary>
    Unknown,

    /// <summary>There is no problem.</summary>
    Passed,

    /// <summary>The step works, but there is a problem that should be corrected.</summary>
    Warning,

    /// <summary>The step does not work.</summary>
    Failed,

    /// <summary>The step was not tried, because an earlier step failed or because it cannot be tried here.</summary>
    Skipped,
}
