using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>A browser without script: it has cookies, reads pages and sends their forms.</summary>
/// <param name="instances">The instances of the host. Each request goes to the next one, as behind a load balancer.</param>
internal sealed partial class Browser(params Uri[] instances) : IDisposable
{
    private readonly CookieContainer _cookies = new();
    private HttpClient? _client;

    private HttpClient Client => _client ??= new(new LoadBalancer(instances, _cookies)) { BaseAddress = instances[0] };

    /// <summary>Takes the cookie of an account, instead of the page for that.</summary>
    public void SignIn((string Name, string Value) cookie) => _cookies.Add(instances[0], new Cookie(cookie.Name, cookie.Value));

    public async Task<Answer> GetAsync(string path)
    {
        using var answer = await Client.GetAsync(new Uri(path, UriKind.Relative));
        return await Answer.OfAsync(answer);
    }

    /// <summary>Sends a form of a page, with the page's antiforgery token.</summary>
    public async Task<Answer> PostAsync(string page, string path, params (string Name, string? Value)[] fields)
    {
        var token = WebUtility.HtmlDecode(Token().Match((await GetAsync(page)).Text).Groups["value"].Value);
        using var form = new FormUrlEncodedContent(
            fields.Append(("__RequestVerificationToken", token)).Select(field => KeyValuePair.Create(field.Item1, field.Item2 ?? "")));
        using var answer = await Client.PostAsync(new Uri(path, UriKind.Relative), form);
        return await Answer.OfAsync(answer);
    }

    public async Task<Answer> PostJsonAsync(string path, JsonNode json)
    {
        using var answer = await Client.PostAsJsonAsync(path, json);
        return await Answer.OfAsync(answer);
    }

    /// <summary>Adds a variable. A form without the field says nothing about the flag.</summary>
    public Task<Answer> AddVariableAsync(string name, string value, bool? isSensitive = null) => PostAsync(
        "/Variables",
        "/Variables?handler=Add",
        [
            ("workspace", "production"), ("name", name), ("value", value),
            .. isSensitive is { } flag ? Sensitive(flag) : [],
        ]);

    /// <summary>The fields of a check box: that of the box if it is checked, and the one behind it.</summary>
    public static (string Name, string? Value)[] Sensitive(bool isChecked) =>
        [.. isChecked ? [("sensitive", "true")] : Array.Empty<(string, string?)>(), ("sensitive", "false")];

    /// <summary>Uploads a file with the form of the page.</summary>
    /// <returns>The file's id.</returns>
    public async Task<string> UploadAsync(string name, byte[] content)
    {
        var token = (await GetAsync("/Files")).ValueOf("__RequestVerificationToken");
        var page = await SendFileAsync(name, content, token);
        Assert.That(page.Status, Is.EqualTo(HttpStatusCode.OK));
        return Regex.Match(page.Text, "href=\"/Files/([^\"]+)\"").Groups[1].Value;
    }

    /// <param name="name">The name of the file.</param>
    /// <param name="content">The content.</param>
    /// <param name="token">The antiforgery token.</param>
    /// <param name="isTokenFirst">Whether the token comes before the file, as in the page.</param>
    public async Task<Answer> SendFileAsync(string name, byte[] content, string token, bool isTokenFirst = true)
    {
        using var form = new MultipartFormDataContent();
        using var field = new StringContent(token);
        using var file = new ByteArrayContent(content);
        foreach (var part in isTokenFirst ? (HttpContent[])[field, file] : [file, field])
        {
            if (part == field)
            {
                form.Add(field, "__RequestVerificationToken");
            }
            else
            {
                form.Add(file, "file", name);
            }
        }

        using var answer = await Client.PostAsync(new Uri("/Files/Upload", UriKind.Relative), form);
        return await Answer.OfAsync(answer);
    }

    public Task<byte[]> DownloadAsync(string id) => Client.GetByteArrayAsync(new Uri($"/Files/{id}", UriKind.Relative));

    /// <summary>Waits for a state that the page's live events show. Fails after a minute without it.</summary>
    public async Task<JsonNode> UntilAsync(Func<JsonNode, bool> isExpected)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var reader = new StreamReader(
            await Client.GetStreamAsync(new Uri("/Encryption/Events", UriKind.Relative), limit.Token));
        while (await reader.ReadLineAsync(limit.Token) is { } line)
        {
            if (line.StartsWith("data:", StringComparison.Ordinal) && JsonNode.Parse(line[5..]) is { } state && isExpected(state))
            {
                return state;
            }
        }

        throw new InvalidOperationException("The events ended.");
    }

    public void Dispose() => _client?.Dispose();

    [GeneratedRegex("name=\"__RequestVerificationToken\"[^>]*value=\"(?<value>[^\"]+)\"")]
    private static partial Regex Token();

    /// <summary>Sends each request to the next instance. Cookies of the one are cookies of all.</summary>
    private sealed class LoadBalancer(Uri[] instances, CookieContainer cookies)
        : DelegatingHandler(new HttpClientHandler { CookieContainer = cookies })
    {
        private int _next;

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var instance = instances[(uint)Interlocked.Increment(ref _next) % instances.Length];
            request.RequestUri = new Uri(instance, request.RequestUri!.PathAndQuery);
            return base.SendAsync(request, cancellationToken);
        }
    }

    /// <summary>What a request got.</summary>
    internal sealed record Answer(HttpStatusCode Status, string Text, string? ContentType, TimeSpan? RetryAfter)
    {
        public JsonNode Json => JsonNode.Parse(Text)!;

        public static async Task<Answer> OfAsync(HttpResponseMessage answer) => new(
            answer.StatusCode,
            await answer.Content.ReadAsStringAsync(),
            answer.Content.Headers.ContentType?.MediaType,
            answer.Headers.RetryAfter?.Delta);

        /// <summary>The text of the element with an id.</summary>
        public string TextOf(string id) =>
            WebUtility.HtmlDecode(Regex.Match(Text, $"id=\"{id}\"[^>]*>(.*?)</", RegexOptions.Singleline).Groups[1].Value);

        /// <summary>The value of an input field with a name.</summary>
        public string ValueOf(string name) =>
            WebUtility.HtmlDecode(Regex.Match(Text, $"name=\"{name}\"[^>]*value=\"([^\"]*)\"").Groups[1].Value);

        /// <summary>The phase that the encryption page shows.</summary>
        public string Phase => Regex.Match(Text, "data-phase=\"([^\"]*)\"").Groups[1].Value;
    }
}
