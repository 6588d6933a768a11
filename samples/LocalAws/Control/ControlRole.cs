using System.Text.Json;

namespace LocalAws.Control;

/// <summary>An IAM role to create.</summary>
internal sealed record ControlRole(string Name, JsonElement TrustPolicy, JsonElement? Policy = null, int? MaxSessionSeconds = null);
