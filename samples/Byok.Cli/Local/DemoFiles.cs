using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Byok.Cli.Files;
using LocalAws;
using Scalr.Byok.Kms;

namespace Byok.Cli.Local;

/// <summary>
/// The settings of the demo customer, as files: one for each credentials type, another for each after the customer's change to the next
/// key.
/// </summary>
/// <param name="demo">The customer.</param>
/// <param name="directory">The directory for the files.</param>
internal sealed class DemoFiles(DemoCustomer demo, string directory)
{
    private const string Mark = "Written by byok local: nothing in this file is secret.";
    private const string TokenFile = "token.jwt";

    private static readonly TimeSpan TokenLifetime = TimeSpan.FromHours(1);
    private static readonly TimeSpan TokenRenewal = TimeSpan.FromMinutes(15);

    /// <summary>Writes them all.</summary>
    /// <exception cref="UsageException">A file that byok did not write has the name of one.</exception>
    public async Task<IReadOnlyList<DemoSettings>> WriteAsync(CancellationToken cancellationToken)
    {
        (string Name, ByokCredentialSettings Credentials)[] types =
        [
            ("access-keys", ByokCredentialSettings.AccessKeys(demo.AccessKey.AccessKeyId, demo.AccessKey.SecretAccessKey)),
            ("assume-role", ByokCredentialSettings.AssumeRole(demo.AssumeRole.Arn, demo.ExternalId)),
            ("oidc", ByokCredentialSettings.Oidc(demo.OidcRole.Arn, demo.Audience)),
        ];
        var files = types.Select(type => new DemoSettings(
            type.Credentials.Type!,
            Path.Combine(directory, $"{type.Name}.json"),
            Path.Combine(directory, $"{type.Name}.next-key.json"))).ToArray();
        foreach (var path in files.SelectMany(file => (string[])[file.Settings, file.NextSettings]))
        {
            await RefuseOthersAsync(path, cancellationToken);
        }

        foreach (var (file, (_, credentials)) in files.Zip(types))
        {
            await WriteAsync(file.Settings, Settings(demo.Key, previous: null, credentials).ToJsonString(Json), cancellationToken);
            await WriteAsync(
                file.NextSettings, Settings(demo.NextKey, previous: demo.Key, credentials).ToJsonString(Json), cancellationToken);
        }

        await WriteTokenAsync(cancellationToken);
        return files;
    }

    /// <summary>Replaces the token before it expires, until cancelled, as the host's issuer would.</summary>
    public async Task RenewTokenAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TokenRenewal, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            await WriteTokenAsync(cancellationToken);
        }
    }

    private static JsonSerializerOptions Json { get; } = new() { WriteIndented = true };

    private static async Task RefuseOthersAsync(string path, CancellationToken cancellationToken)
    {
        if (File.Exists(path) && !(await File.ReadAllTextAsync(path, cancellationToken)).Contains(Mark, StringComparison.Ordinal))
        {
            throw new UsageException($"{path} exists, and byok local has not written it: choose another directory with --out.");
        }
    }

    private static async Task WriteAsync(string path, string text, CancellationToken cancellationToken)
    {
        await using var file = OutputFile.Create(path, overwrite: true, mode: null);
        await file.Stream.WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken);
        await file.CommitAsync(cancellationToken);
    }

    private Task WriteTokenAsync(CancellationToken cancellationToken) =>
        WriteAsync(Path.Combine(directory, TokenFile), demo.CreateToken(demo.Audience, lifetime: TokenLifetime), cancellationToken);

    private JsonObject Settings(LocalKey key, LocalKey? previous, ByokCredentialSettings credentials)
    {
        var settings = new JsonObject { ["KeyArn"] = key.Arn, ["Credentials"] = Written(credentials) };
        if (previous is not null)
        {
            settings["PreviousKeys"] = new JsonArray(new JsonObject { ["KeyArn"] = previous.Arn, ["Credentials"] = Written(credentials) });
        }

        return new JsonObject
        {
            ["Note"] = Mark,
            ["Byok"] = new JsonObject
            {
                ["HostAccountId"] = ByokPolicies.ScalrAccountId,
                ["HostIdentity"] = new JsonObject
                {
                    ["AccessKeyId"] = demo.HostKey.AccessKeyId,
                    ["SecretAccessKey"] = demo.HostKey.SecretAccessKey,
                },
                ["Endpoints"] = new JsonObject { ["Kms"] = Everywhere(), ["Sts"] = Everywhere() },
            },
            ["Key"] = settings,
            ["TokenFile"] = TokenFile,
        };
    }

    private JsonObject Everywhere() => new() { [ByokEndpoints.AnyRegion] = demo.Aws.Endpoint.ToString() };

    private static JsonObject Written(ByokCredentialSettings credentials)
    {
        var written = new JsonObject { ["Type"] = credentials.Type };
        foreach (var (name, value) in new[]
        {
            (nameof(credentials.AccessKeyId), credentials.AccessKeyId),
            (nameof(credentials.SecretAccessKey), credentials.SecretAccessKey),
            (nameof(credentials.RoleArn), credentials.RoleArn),
            (nameof(credentials.ExternalId), credentials.ExternalId),
            (nameof(credentials.Audience), credentials.Audience),
        })
        {
            if (value is not null)
            {
                written[name] = value;
            }
        }

        return written;
    }
}
