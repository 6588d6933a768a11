using System.CommandLine;
using System.Text.Json;
using Byok.Cli.Output;
using Microsoft.Extensions.Configuration;
using Scalr.Byok.Kms;
using Spectre.Console;

namespace Byok.Cli.Settings;

/// <summary>Combines settings: options override environment variables, and both override the settings file.</summary>
/// <remarks>The result is one configuration. The library reads it as it reads a host's, with the same messages.</remarks>
internal sealed class SettingsReader(CliContext context, KeyOptions options)
{
    private const string TokenFileKey = "TokenFile";

    private static readonly string[] Sections = [KeySettings.HostSection, KeySettings.KeySection];

    /// <summary>The settings, complete or not, valid or not.</summary>
    /// <exception cref="UsageException">The settings file cannot be used.</exception>
    public KeySettings Read(ParseResult result)
    {
        var file = result.GetValue(options.Settings);
        var fromFile = file is null ? null : Load(file);
        var builder = new ConfigurationBuilder();
        if (fromFile is not null)
        {
            builder.AddInMemoryCollection(fromFile.AsEnumerable()); // AddConfiguration would ignore empty texts, which are mistakes
        }

        // A variable named KEY or BYOK means something else: settings are below these names.
        builder.AddInMemoryCollection(
            context.Environment.AsEnumerable().Where(pair => pair.Value is not null && IsBelow(pair.Key, Sections)));
        var tokenFile = result.GetValue(options.TokenFile) ?? context.Environment[TokenFileKey] ?? Beside(file, TokenFile(fromFile));
        return new KeySettings(Overlay(builder.Build(), FromOptions(result)), tokenFile);
    }

    /// <summary>
    /// The settings with credentials. Prompts for the secret access key if it is missing and there is a terminal.
    /// </summary>
    /// <exception cref="UsageException">The settings file cannot be used, or there is no token for credentials of type Oidc.</exception>
    public async Task<KeySettings> ReadAsync(ParseResult result, CancellationToken cancellationToken)
    {
        const string secret = $"{KeySettings.CredentialsSection}:{nameof(ByokCredentialSettings.SecretAccessKey)}";
        var settings = Read(result);
        if (settings.UsesType(ByokCredentialSettings.OidcType) && string.IsNullOrEmpty(settings.TokenFile))
        {
            throw new UsageException(
                "Credentials of type Oidc need a token: give --token-file, or TokenFile in the settings file or the environment.");
        }

        var terminal = context.Terminal;
        if (settings.IsOfType(ByokCredentialSettings.AccessKeysType)
            && !HasValue(settings.Configuration.GetSection(secret))
            && terminal is { InputIsTerminal: true, ErrorIsTerminal: true })
        {
            var id = settings.Configuration[$"{KeySettings.CredentialsSection}:{nameof(ByokCredentialSettings.AccessKeyId)}"];
            var prompt = new TextPrompt<string>($"Secret access key of {Shown.Markup(id ?? "the access key")}:").Secret(null);
            var typed = await prompt.ShowAsync(terminal.Error, cancellationToken);
            settings = settings with { Configuration = Overlay(settings.Configuration, new() { [secret] = new(secret, typed) }) };
        }

        return settings;
    }

    /// <summary>Replaces some settings, each with everything below it.</summary>
    private static IConfigurationRoot Overlay(IConfiguration settings, Dictionary<string, KeyValuePair<string, string?>> replacements) =>
        new ConfigurationBuilder()
            .AddInMemoryCollection(settings.AsEnumerable().Where(pair => IsIn(pair.Key, Sections) && !IsIn(pair.Key, replacements.Keys)))
            .AddInMemoryCollection(replacements.Values)
            .Build();

    /// <summary>The values of the options, by the path that they replace.</summary>
    private Dictionary<string, KeyValuePair<string, string?>> FromOptions(ParseResult result)
    {
        var set = new Dictionary<string, KeyValuePair<string, string?>>();
        Add($"{KeySettings.KeySection}:{nameof(ByokKeySettings.KeyArn)}", result.GetValue(options.KeyArn));
        Add($"{KeySettings.CredentialsSection}:{nameof(ByokCredentialSettings.Type)}", result.GetValue(options.CredentialsType));
        Add($"{KeySettings.CredentialsSection}:{nameof(ByokCredentialSettings.AccessKeyId)}", result.GetValue(options.AccessKeyId));
        Add($"{KeySettings.CredentialsSection}:{nameof(ByokCredentialSettings.RoleArn)}", result.GetValue(options.RoleArn));
        Add($"{KeySettings.CredentialsSection}:{nameof(ByokCredentialSettings.ExternalId)}", result.GetValue(options.ExternalId));
        Add($"{KeySettings.CredentialsSection}:{nameof(ByokCredentialSettings.Audience)}", result.GetValue(options.Audience));
        Add($"{KeySettings.HostSection}:{nameof(ByokOptions.HostAccountId)}", result.GetValue(options.HostAccount));
        Add($"{KeySettings.KeySection}:{nameof(ByokKeySettings.ReplicaRegions)}", Regions(result.GetValue(options.ReplicaRegions)));
        Add($"{KeySettings.HostSection}:{nameof(ByokOptions.AllowedRegions)}", Regions(result.GetValue(options.AllowedRegions)));
        foreach (var service in (string[])[nameof(ByokEndpoints.Kms), nameof(ByokEndpoints.Sts)])
        {
            var path = $"{KeySettings.HostSection}:{nameof(ByokOptions.Endpoints)}:{service}";
            Add(path, Address(result.GetValue(options.Endpoint)), below: ByokEndpoints.AnyRegion);
        }

        return set;

        void Add(string path, string? value, string? below = null)
        {
            if (value is not null)
            {
                set.Add(path, new(below is null ? path : $"{path}:{below}", value));
            }
        }
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
            throw new UsageException($"The settings file {file} is not valid JSON{line}.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"The settings file cannot be read. {error.Message}");
        }
    }

    private static string? TokenFile(IConfiguration? settings)
    {
        var section = settings?.GetSection(TokenFileKey);
        return section?.GetChildren().FirstOrDefault() is { } child
            ? throw new UsageException($"{TokenFileKey} has settings below it, such as {child.Path}; expected one text.")
            : section?.Value;
    }

    private static string? Regions(string[]? regions) => regions is { Length: > 0 } ? string.Join(',', regions) : null;

    private static string? Address(string? text) =>
        text is null || Uri.TryCreate(text, UriKind.Absolute, out _) ? text
        : throw new UsageException("--endpoint must be an https address, such as https://kms.example.com.");

    private static bool HasValue(IConfigurationSection section) => !string.IsNullOrEmpty(section.Value) || section.GetChildren().Any();

    private static bool IsIn(string path, IEnumerable<string> sections) =>
        IsBelow(path, sections) || sections.Contains(path, StringComparer.OrdinalIgnoreCase);

    private static bool IsBelow(string path, IEnumerable<string> sections) =>
        sections.Any(section => path.StartsWith($"{section}{ConfigurationPath.KeyDelimiter}", StringComparison.OrdinalIgnoreCase));

    private static T? Cause<T>(Exception? error)
        where T : Exception => error is null or T ? error as T : Cause<T>(error.InnerException);

    private static string? Beside(FileInfo? settings, string? path) =>
        path is null || settings?.DirectoryName is not { } directory ? path : Path.Combine(directory, path);
}
