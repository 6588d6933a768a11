using System.Net.Mime;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace LocalAws.Control;

/// <summary>
/// The commands of a stand-alone server over HTTP, below /_local/: JSON in, JSON out.
/// <code>
/// GET, DELETE        /_local/requests                        the request log
/// GET                /_local/cloudtrail                      the request log as a log file of AWS CloudTrail
/// GET, POST, DELETE  /_local/faults                          list, add one, clear
/// POST               /_local/accounts/{id}/users             name, policy                          -> arn, access key
/// POST               /_local/accounts/{id}/roles             name, trustPolicy, policy, maxSessionSeconds -> arn
/// POST               /_local/accounts/{id}/oidc-providers    issuer, audiences, discovery          -> nothing
/// POST               /_local/keys/{region}/{id}/disable      no body                               -> arn, state
/// POST               /_local/keys/{region}/{id}/enable       no body                               -> arn, state
/// </code>
/// </summary>
internal sealed class ControlApi
{
    public const string Root = "/_local";

    private readonly Func<string, LocalAccount> _accounts;
    private readonly Func<string, string, LocalKey?> _keys;
    private readonly Faults _faults;
    private readonly RequestLog _log;

    /// <param name="accounts">An account by its id.</param>
    /// <param name="keys">A key by its Region and id.</param>
    /// <param name="faults">The faults.</param>
    /// <param name="log">The request log.</param>
    public ControlApi(Func<string, LocalAccount> accounts, Func<string, string, LocalKey?> keys, Faults faults, RequestLog log)
    {
        _accounts = accounts;
        _keys = keys;
        _faults = faults;
        _log = log;
    }

    public async Task AnswerAsync(HttpContext context, CancellationToken cancellationToken)
    {
        if (HttpMethods.IsGet(context.Request.Method) && context.Request.Path.Value == $"{Root}/cloudtrail")
        {
            context.Response.ContentType = MediaTypeNames.Application.Json;
            await _log.WriteCloudTrailAsync(context.Response.Body, cancellationToken);
            return;
        }

        try
        {
            await SendAsync(context, StatusCodes.Status200OK, await DecideAsync(context.Request, cancellationToken), cancellationToken);
        }
        catch (Exception error) when (error is JsonException or ArgumentException or FormatException or InvalidOperationException)
        {
            await SendAsync(context, StatusCodes.Status400BadRequest, new JsonObject { ["message"] = error.Message }, cancellationToken);
        }
    }

    private static async Task<T> ReadAsync<T>(HttpRequest request, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        await request.ReadFromJsonAsync(type, cancellationToken) ?? throw new JsonException("A JSON object is needed.");

    private static async Task SendAsync(HttpContext context, int status, JsonNode? answer, CancellationToken cancellationToken)
    {
        context.Response.StatusCode = answer is null ? StatusCodes.Status404NotFound : status;
        if (answer is not null)
        {
            context.Response.ContentType = MediaTypeNames.Application.Json;
            await context.Response.WriteAsync(answer.ToJsonString(), cancellationToken);
        }
    }

    /// <summary>Null: no such thing.</summary>
    private async Task<JsonNode?> DecideAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var json = ControlJson.Wire;
        var path = request.Path.Value!.Split('/', StringSplitOptions.RemoveEmptyEntries)[1..];
        return (request.Method, path) switch
        {
            ("GET", ["requests"]) => JsonSerializer.SerializeToNode(_log.Requests, json.IReadOnlyListLoggedRequest),
            ("DELETE", ["requests"]) => Done(_log.Clear),
            ("GET", ["faults"]) => new JsonArray([.. _faults.List().Select(Told)]),
            ("POST", ["faults"]) => Told(_faults.Add((await ReadAsync(request, json.ControlFault, cancellationToken)).ToFault())),
            ("DELETE", ["faults"]) => Done(_faults.Clear),
            ("POST", ["accounts", var id, "users"]) => Create(_accounts(id), await ReadAsync(request, json.ControlUser, cancellationToken)),
            ("POST", ["accounts", var id, "roles"]) => Create(_accounts(id), await ReadAsync(request, json.ControlRole, cancellationToken)),
            ("POST", ["accounts", var id, "oidc-providers"]) =>
                Create(_accounts(id), await ReadAsync(request, json.ControlProvider, cancellationToken)),
            ("POST", ["keys", var region, var id, "disable"]) when _keys(region, id) is { } key => Switch(key, key.Disable),
            ("POST", ["keys", var region, var id, "enable"]) when _keys(region, id) is { } key => Switch(key, key.Enable),
            _ => null,
        };
    }

    private static JsonNode? Told(Fault fault) => JsonSerializer.SerializeToNode(ControlFault.Of(fault), ControlJson.Wire.ControlFault);

    private static JsonObject Done(Action action)
    {
        action();
        return [];
    }

    private static JsonObject Switch(LocalKey key, Action change)
    {
        change();
        return new JsonObject { ["arn"] = key.Arn, ["state"] = key.State };
    }

    private static JsonObject Create(LocalAccount account, ControlUser wanted)
    {
        var user = account.CreateUser(wanted.Name, PolicyJson(wanted.Policy));
        var key = user.CreateAccessKey();
        return new JsonObject { ["arn"] = user.Arn, ["accessKeyId"] = key.AccessKeyId, ["secretAccessKey"] = key.SecretAccessKey };
    }

    private static JsonObject Create(LocalAccount account, ControlRole wanted)
    {
        TimeSpan? maxSession = wanted.MaxSessionSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null;
        return new JsonObject
        {
            ["arn"] = account.CreateRole(wanted.Name, PolicyJson(wanted.TrustPolicy)!, PolicyJson(wanted.Policy), maxSession).Arn,
        };
    }

    private static JsonObject Create(LocalAccount account, ControlProvider wanted)
    {
        account.CreateOidcProvider(wanted.Issuer, wanted.Audiences, wanted.Discovery);
        return [];
    }

    /// <summary>A policy may be written as it is, or packed in a string, as the tools of AWS have it.</summary>
    private static string? PolicyJson(JsonElement? policy) => policy switch
    {
        null or { ValueKind: JsonValueKind.Null } => null,
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        { } json => json.GetRawText(),
    };
}
