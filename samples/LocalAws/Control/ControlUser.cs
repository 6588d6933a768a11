using System.Text.Json;

namespace LocalAws.Control;

/// <summary>An IAM user to create.</summary>
internal sealed record ControlUser(string Name, JsonElement? Policy = null);
