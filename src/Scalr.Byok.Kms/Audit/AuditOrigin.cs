using System.Diagnostics;

namespace Scalr.Byok.Kms.Audit;

/// <summary>Where a request comes from.</summary>
/// <param name="Cause">The cause; null if the request itself decides it.</param>
/// <param name="Trace">The trace of the caller; null if there is none.</param>
internal sealed record AuditOrigin(ByokAuditCause? Cause, ActivityTraceId? Trace);
