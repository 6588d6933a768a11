using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Interop;

/// <summary>
/// AWS's own Encryption SDK for JavaScript in a Node.js process, which answers one command after the other. Ignores the test where it is
/// not installed.
/// </summary>
internal sealed class ClientNode : IAsyncDisposable
{
    private const string Folder = "tests/Scalr.Byok.Kms.Tests/Interop/client-node";
    private const string Packages = "artifacts/client-node";

    /// <summary>Ends a test that would never end; an answer takes milliseconds.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private static readonly JsonSerializerOptions Json =
        new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    private readonly DirectoryInfo _files = Directory.CreateTempSubdirectory("client-node-");
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly Process _process;

    private ClientNode(Process process)
    {
        _process = process;
        _process.ErrorDataReceived += (_, line) => _errors.Enqueue(line.Data ?? "");
        _process.BeginErrorReadLine();
    }

    /// <summary>Starts the process; it calls KMS with the customer's access key.</summary>
    public static ClientNode Start(Uri kms, LocalAccessKey accessKey)
    {
        DemandPackages();
        var start = new ProcessStartInfo("node", [Repository.Path($"{Folder}/client-node.js")])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(false),
            StandardOutputEncoding = Encoding.UTF8,
        };
        foreach (var name in start.Environment.Keys.Where(
            name => name.StartsWith("AWS_", StringComparison.Ordinal) || name.StartsWith("NODE_", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(name);
        }

        var nowhere = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        start.Environment["NODE_PATH"] = Repository.Path($"{Packages}/node_modules");
        start.Environment["INTEROP_KMS"] = kms.AbsoluteUri;
        start.Environment["AWS_ACCESS_KEY_ID"] = accessKey.AccessKeyId;
        start.Environment["AWS_SECRET_ACCESS_KEY"] = accessKey.SecretAccessKey;
        start.Environment["AWS_CONFIG_FILE"] = nowhere;
        start.Environment["AWS_SHARED_CREDENTIALS_FILE"] = nowhere;
        try
        {
            return new ClientNode(ChildProcess.Start(start));
        }
        catch (Win32Exception)
        {
            Assert.Ignore("Node.js is not installed (Debian: apt-get install nodejs npm).");
            throw;
        }
    }

    /// <param name="plaintext">What to encrypt.</param>
    /// <param name="keyArn">The key whose data key JavaScript asks for.</param>
    /// <param name="suite">Null: the SDK's default.</param>
    /// <param name="encryptionContext">Null: none.</param>
    /// <param name="frameLength">Null: the SDK's default.</param>
    /// <param name="way">How JavaScript gets the plaintext and returns the message.</param>
    /// <param name="moreKeyArns">Keys that wrap the data key as well.</param>
    /// <param name="multiRegion">With the keyring that takes replicas of a key for the key.</param>
    public Task<ClientNodeResult> EncryptAsync(
        byte[] plaintext,
        string keyArn,
        Suite? suite = null,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        int? frameLength = null,
        Way way = Way.Memory, IReadOnlyList<string>? moreKeyArns = null, bool multiRegion = false) =>
        RunAsync(plaintext, (input, output) =>
            new
            {
                operation = "encrypt",
                way = $"{way}",
                input,
                output,
                keyArn,
                moreKeyArns,
                multiRegion,
                suiteId = suite,
                encryptionContext,
                frameLength,
            });

    public Task<ClientNodeResult> DecryptAsync(byte[] message, string keyArn, Way way = Way.Memory, bool multiRegion = false) =>
        RunAsync(message, (input, output) => new { operation = "decrypt", way = $"{way}", input, output, keyArn, multiRegion });

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(Patience);
        _process.Dispose();
        _files.Delete(recursive: true);
    }

    private static void DemandPackages()
    {
        if (!File.Exists(Repository.Path($"{Packages}/node_modules/@aws-crypto/client-node/package.json")))
        {
            Assert.Ignore(
                $"@aws-crypto/client-node is not installed. With Node.js, run: mkdir -p {Packages} && cp {Folder}/package*.json "
                + $"{Packages} && npm ci --prefix {Packages}");
        }
    }

    private async Task<ClientNodeResult> RunAsync(byte[] payload, Func<string, string, object> command)
    {
        var (input, output) = (Path.Combine(_files.FullName, "input"), Path.Combine(_files.FullName, "output"));
        await File.WriteAllBytesAsync(input, payload);
        File.Delete(output);

        var line = await AskAsync(JsonSerializer.Serialize(command(input, output), Json));
        using var answer = JsonDocument.Parse(line);
        return answer.RootElement.TryGetProperty("error", out var error)
            ? throw new ClientNodeException(error.GetString()!)
            : answer.Deserialize<ClientNodeResult>(Json)! with { Bytes = await File.ReadAllBytesAsync(output) };
    }

    private async Task<string> AskAsync(string command)
    {
        try
        {
            await _process.StandardInput.WriteLineAsync(command);
            await _process.StandardInput.FlushAsync();
            if (await _process.StandardOutput.ReadLineAsync().WaitAsync(Patience) is { } answer)
            {
                return answer;
            }
        }
        catch (Exception e) when (e is IOException or TimeoutException)
        {
            _errors.Enqueue(e.Message);
        }

        // What the process said last may still be on its way.
        _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(Patience);
        throw new AssertionException($"Node.js gave no answer. It said:\n{string.Join('\n', _errors)}");
    }
}
