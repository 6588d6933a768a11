using Microsoft.Extensions.Options;
using Scalr.Byok.Kms;

namespace Byok.Cli.Output;

/// <summary>The text and the exit code of an exception.</summary>
/// <param name="Lines">What happened and what to do, without a stack trace.</param>
/// <param name="Code">One of <see cref="ExitCode"/>.</param>
internal sealed record Failure(IReadOnlyList<string> Lines, int Code)
{
    public static Failure Of(Exception error) => error switch
    {
        OperationCanceledException => new(["Cancelled."], ExitCode.Cancelled),
        UsageException => One(error, ExitCode.Usage),
        OptionsValidationException invalid => new([.. invalid.Failures.Prepend("The settings are invalid:")], ExitCode.Usage),
        ByokKeyUnavailableException key => new([key.Message, .. Request(key.Operation, key.RequestId)], ExitCode.KeyUnusable),
        ByokServiceException service => new([service.Message, .. Request(service.Operation, service.RequestId)], ExitCode.ServiceFailing),
        ByokDecryptionException or NotSupportedException => One(error, ExitCode.MessageRefused),
        ArgumentException argument => new([WithoutParameter(argument)], ExitCode.Usage),
        IOException or UnauthorizedAccessException => One(error, ExitCode.Failed),
        _ => new([$"Unexpected {error.GetType().Name}: {error.Message}", "Run again with --verbose for the stack trace."], ExitCode.Failed),
    };

    private static Failure One(Exception error, int code) => new([error.Message], code);

    private static IEnumerable<string> Request(string? operation, string? id) => id is null ? [] : [$"AWS request {id} ({operation})"];

    private static string WithoutParameter(ArgumentException error) =>
        error.ParamName is { } name ? error.Message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal) : error.Message;
}
