using System.Text.Json;
using System.Text.Json.Serialization;
using LocalAws.Iam;

namespace LocalAws.Control;

/// <summary>
/// What a stand-alone server can be told over HTTP, below /_local/: JSON in, JSON out.
/// <code>
/// GET, DELETE        /_local/requests                        the request log
/// GET, POST, DELETE  /_local/faults                          list, add one, clear
/// POST               /_local/accounts/{id}/users             name, policy                          -> arn, access key
/// POST               /_local/accounts/{id}/roles             name, trustPolicy, policy, maxSessionSeconds -> arn
/// POST               /_local/accounts/{id}/oidc-providers    issuer, audiences, discovery          -> nothing
/// </code>
/// </summary>
internal sealed class ControlApi
{
    public const string Root = "/_local";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    private readonly Func<string, LocalAccount> _accounts;
    private readonly Faults _faults;
    private readonly RequestLog _log;

    public ControlApi(Func<string, LocalAccount> accounts, Faults faults, RequestLog log)
    {
        _accounts = accounts;
        _faults = faults;
        _log = log;
    }

    public async Task AnswerAsync(HttpContext context, CancellationToken cancellationToken)
    {
        try
        {
            await SendAsync(context, StatusCodes.Status200OK, await DecideAsync(context.Request, cancellationToken), cancellationToken);
        }
        catch (Exception error) when (error is JsonException or ArgumentException or FormatException or InvalidOperationException)
        {
            await SendAsync(context, StatusCodes.Status400BadRequest, new { message = error.Message }, cancellationToken);
        }
    }

    private static async Task<T> ReadAsync<T>(HttpRequest request, CancellationToken cancellationToken) =>
        await request.ReadFromJsonAsync<T>(Json, cancellationToken) ?? throw new JsonException("A JSON object is needed.");

    private static async Task SendAsync(HttpContext context, int status, object? answer, CancellationToken cancellationToken)
    {
        context.Response.StatusCode = answer is null ? StatusCodes.Status404NotFound : status;
        if (answer is not null)
        {
            await context.Response.WriteAsJsonAsync(answer, answer.GetType(), Json, cancellationToken);
        }
    }

    /// <summary>Null: no such thing.</summary>
    private async Task<object?> DecideAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var path = request.Path.Value!.Split('/', StringSplitOptions.RemoveEmptyEntries)[1..];
        return (request.Method, path) switch
        {
            ("GET", ["requests"]) => _log.Requests,
            ("DELETE", ["requests"]) => Done(_log.Clear),
            ("GET", ["faults"]) => _faults.List().Select(ControlFault.Of).ToArray(),
            ("POST", ["faults"]) => ControlFault.Of(_faults.Add((await ReadAsync<ControlFault>(request, cancellationToken)).ToFault())),
            ("DELETE", ["faults"]) => Done(_faults.Clear),
            ("POST", ["accounts", var id, "users"]) => Create(_accounts(id), await ReadAsync<ControlUser>(request, cancellationToken)),
            ("POST", ["accounts", var id, "roles"]) => Create(_accounts(id), await ReadAsync<ControlRole>(request, cancellationToken)),
            ("POST", ["accounts", var id, "oidc-providers"]) => Create(_accounts(id), await ReadAsync<ControlProvider>(request, cancellationToken)),
            _ => null,
        };
    }

    private static object Done(Action action)
    {
        action();
        return new { };
    }

    private static object Create(LocalAccount account, ControlUser wanted)
    {
        var user = account.CreateUser(wanted.Name, PolicyJson(wanted.Policy));
        var key = user.CreateAccessKey();
        return new { user.Arn, key.AccessKeyId, key.SecretAccessKey };
    }

    private static object Create(LocalAccount account, ControlRole wanted)
    {
        TimeSpan? maxSession = wanted.MaxSessionSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null;
        return new { account.CreateRole(wanted.Name, PolicyJson(wanted.TrustPolicy)!, PolicyJson(wanted.Policy), maxSession).Arn };
    }

    private static object Create(LocalAccount account, ControlProvider wanted)
    {
        account.CreateOidcProvider(wanted.Issuer, wanted.Audiences, wanted.Discovery);
        return new { };
    }

    /// <summary>A policy may be written as it is, or packed in a string, as the tools of AWS have it.</summary>
    private static string? PolicyJson(JsonElement? policy) => policy switch
    {
        null or { ValueKind: JsonValueKind.Null } => null,
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        { } json => json.GetRawText(),
    };

    private sealed record ControlUser(string Name, JsonElement? Policy = null);

    private sealed record ControlRole(string Name, JsonElement TrustPolicy, JsonElement? Policy = null, int? MaxSessionSeconds = null);

    private sealed record ControlProvider(string Issuer, string[] Audiences, Uri? Discovery = null);
}
