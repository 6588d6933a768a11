using System.CommandLine;
using System.Text.Json;
using Byok.Cli.Output;
using Microsoft.Extensions.Configuration;
using Scalr.Byok.Kms;
using Spectre.Console;

namespace Byok.Cli.Settings;

/// <summary>Puts settings together: options come before environment variables, those before the settings file.</summary>
internal sealed class SettingsReader(CliContext context, KeyOptions options)
{
    private const string TokenFileKey = "TokenFile";

    /// <summary>The settings as they are, which may be incomplete.</summary>
    /// <exception cref="UsageException">The settings file cannot be used.</exception>
    public KeySettings Read(ParseResult result)
    {
        var file = result.GetValue(options.Settings);
        var fromFile = file is null ? null : Load(file);
        var builder = new ConfigurationBuilder();
        if (fromFile is not null)
        {
            builder.AddConfiguration(fromFile);
        }

        var configuration = builder.AddConfiguration(context.Environment).Build();
        var key = new ByokKeySettings();
        configuration.GetSection("Key").Bind(key);
        Apply(result, key);
        return new KeySettings(
            key,
            configuration.GetSection("Byok"),
            result.GetValue(options.AllowedRegions) ?? [],
            Address(result.GetValue(options.Endpoint)),
            result.GetValue(options.TokenFile) ?? context.Environment[TokenFileKey] ?? Beside(file, fromFile?[TokenFileKey]));
    }

    /// <summary>The settings, with the secret access key asked for if there is somebody to ask.</summary>
    /// <exception cref="UsageException">The settings file cannot be used.</exception>
    public async Task<KeySettings> ReadAsync(ParseResult result, CancellationToken cancellationToken)
    {
        var settings = Read(result);
        var (credentials, terminal) = (settings.Key.Credentials, context.Terminal);
        if (settings.IsOfType(ByokCredentialSettings.AccessKeysType)
            && string.IsNullOrEmpty(credentials.SecretAccessKey)
            && terminal is { InputIsTerminal: true, ErrorIsTerminal: true })
        {
            var prompt = new TextPrompt<string>($"Secret access key of {Shown.Markup(credentials.AccessKeyId ?? "the access key")}:").Secret(null);
            credentials.SecretAccessKey = await prompt.ShowAsync(terminal.Error, cancellationToken);
        }

        return settings;
    }

    private static IConfigurationRoot Load(FileInfo file)
    {
        try
        {
            using var stream = file.OpenRead();
            return new ConfigurationBuilder().AddJsonStream(stream).Build();
        }
        catch (Exception error) when (error is FormatException or InvalidDataException or JsonException)
        {
            var line = Cause<JsonException>(error)?.LineNumber is { } number ? $" (line {number + 1})" : "";
            throw new UsageException($"The settings file {file} is not JSON as it should be{line}.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"The settings file cannot be read. {error.Message}");
        }
    }

    private static Uri? Address(string? text) =>
        text is null ? null
        : Uri.TryCreate(text, UriKind.Absolute, out var address) ? address
        : throw new UsageException("--endpoint must be an https address, such as https://kms.example.com.");

    private static T? Cause<T>(Exception? error)
        where T : Exception => error is null or T ? error as T : Cause<T>(error.InnerException);

    private static string? Beside(FileInfo? settings, string? path) =>
        path is null || settings?.DirectoryName is not { } directory ? path : Path.Combine(directory, path);

    private void Apply(ParseResult result, ByokKeySettings key)
    {
        var credentials = key.Credentials;
        key.KeyArn = result.GetValue(options.KeyArn) ?? key.KeyArn;
        credentials.Type = result.GetValue(options.CredentialsType) ?? credentials.Type;
        credentials.AccessKeyId = result.GetValue(options.AccessKeyId) ?? credentials.AccessKeyId;
        credentials.RoleArn = result.GetValue(options.RoleArn) ?? credentials.RoleArn;
        credentials.ExternalId = result.GetValue(options.ExternalId) ?? credentials.ExternalId;
        credentials.Audience = result.GetValue(options.Audience) ?? credentials.Audience;
        if (result.GetValue(options.ReplicaRegions) is { Length: > 0 } regions)
        {
            key.ReplicaRegions = regions;
        }
    }
}
