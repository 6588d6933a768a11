using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>A browser without script: it has cookies, reads pages and sends their forms.</summary>
internal sealed partial class Browser(Uri address) : IDisposable
{
    private readonly HttpClient _client = new(new HttpClientHandler { CookieContainer = new CookieContainer() }) { BaseAddress = address };

    public async Task<Answer> GetAsync(string path)
    {
        using var answer = await _client.GetAsync(new Uri(path, UriKind.Relative));
        return await Answer.OfAsync(answer);
    }

    /// <summary>Sends a form of a page, with the page's antiforgery token.</summary>
    public async Task<Answer> PostAsync(string page, string path, params (string Name, string? Value)[] fields)
    {
        var token = WebUtility.HtmlDecode(Token().Match((await GetAsync(page)).Text).Groups["value"].Value);
        using var form = new FormUrlEncodedContent(
            fields.Append(("__RequestVerificationToken", token)).Select(field => KeyValuePair.Create(field.Item1, field.Item2 ?? "")));
        using var answer = await _client.PostAsync(new Uri(path, UriKind.Relative), form);
        return await Answer.OfAsync(answer);
    }

    public async Task<Answer> PostJsonAsync(string path, JsonNode json)
    {
        using var answer = await _client.PostAsJsonAsync(path, json);
        return await Answer.OfAsync(answer);
    }

    public Task<Answer> AddVariableAsync(string name, string value) =>
        PostAsync("/Variables", "/Variables?handler=Add", ("workspace", "production"), ("name", name), ("value", value));

    /// <summary>Uploads a file as the page's script does.</summary>
    /// <returns>The file's id.</returns>
    public async Task<string> UploadAsync(string name, byte[] content)
    {
        var token = (await GetAsync("/Files")).ValueOf("__RequestVerificationToken");
        Assert.That(await SendFileAsync(name, content, token), Is.EqualTo(HttpStatusCode.OK));
        return Regex.Match((await GetAsync("/Files")).Text, "href=\"/Files/([^\"]+)\"").Groups[1].Value;
    }

    public async Task<HttpStatusCode> SendFileAsync(string name, byte[] content, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/Files/Upload", UriKind.Relative))
        {
            Content = new ByteArrayContent(content),
        };
        request.Headers.Add("RequestVerificationToken", token);
        request.Headers.Add("X-File-Name", name);
        using var answer = await _client.SendAsync(request);
        return answer.StatusCode;
    }

    public Task<byte[]> DownloadAsync(string id) => _client.GetByteArrayAsync(new Uri($"/Files/{id}", UriKind.Relative));

    /// <summary>Waits for a state that the page's live events show. Fails after a minute without it.</summary>
    public async Task<JsonNode> UntilAsync(Func<JsonNode, bool> isExpected)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var reader = new StreamReader(
            await _client.GetStreamAsync(new Uri("/Encryption/Events", UriKind.Relative), limit.Token));
        while (await reader.ReadLineAsync(limit.Token) is { } line)
        {
            if (line.StartsWith("data:", StringComparison.Ordinal) && JsonNode.Parse(line[5..]) is { } state && isExpected(state))
            {
                return state;
            }
        }

        throw new InvalidOperationException("The events ended.");
    }

    public void Dispose() => _client.Dispose();

    [GeneratedRegex("name=\"__RequestVerificationToken\"[^>]*value=\"(?<value>[^\"]+)\"")]
    private static partial Regex Token();

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
