using System.Text.Json;
using System.Text.Json.Serialization;

namespace LocalAws.Control;

/// <summary>What goes over the control API's wire, without reflection.</summary>
[JsonSerializable(typeof(ControlFault))]
[JsonSerializable(typeof(ControlUser))]
[JsonSerializable(typeof(ControlRole))]
[JsonSerializable(typeof(ControlProvider))]
[JsonSerializable(typeof(IReadOnlyList<LoggedRequest>))]
internal sealed partial class ControlJson : JsonSerializerContext
{
    public static ControlJson Wire { get; } = new(new JsonSerializerOptions(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter<FaultKind>(JsonNamingPolicy.CamelCase) },
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    });
}
