using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LocalAws;

/// <summary>
/// Started alone: a demo customer, until Ctrl+C. As a library nothing of this file runs; start with
/// <see cref="DemoCustomer.StartAsync"/> or <see cref="LocalAwsServer.StartAsync"/>. Not public: a host's tests name their own Program.
/// </summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        var port = args is ["--port", var text] && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : 0;
        if (args.Length > 0 && port is < 1 or > 65535)
        {
            Console.Error.WriteLine("usage: LocalAws [--port <1..65535>]");
            return 2;
        }

        await using var customer = await DemoCustomer.StartAsync(new LocalAwsOptions { Port = port });
        var admin = customer.Aws.Account(DemoCustomer.CustomerAccount)
            .CreateUser("admin", """{ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } }""")
            .CreateAccessKey();
        var key = new Uri(customer.Aws.Endpoint, $"/_local/keys/{customer.Key.Region}/{customer.Key.KeyId}/");

        Console.WriteLine($"""
            LocalAws takes the place of AWS KMS and AWS STS on {customer.Aws.Endpoint}
            It is for development and tests only: it keeps everything in memory, protects nothing, and must never see real data.

            Configuration of Scalr.Byok.Kms for the demo customer, for appsettings.Development.json. A console program reads this file
            only if the environment variable DOTNET_ENVIRONMENT is Development:

            {SettingsOf(customer)}

            The customer disables the key, and enables it again:

            curl -X POST {new Uri(key, "disable")}
            curl -X POST {new Uri(key, "enable")}

            For an AWS SDK or the AWS command line, for example aws kms describe-key --key-id {customer.Key.Arn}

            export AWS_ENDPOINT_URL={customer.Aws.Endpoint}
            export AWS_REGION=us-east-1
            export AWS_DEFAULT_REGION=us-east-1
            export AWS_ACCESS_KEY_ID={admin.AccessKeyId}
            export AWS_SECRET_ACCESS_KEY={admin.SecretAccessKey}
            export AWS_EC2_METADATA_DISABLED=true

            Requests: {new Uri(customer.Aws.Endpoint, "/_local/requests")}
            The same as AWS CloudTrail shows them: {new Uri(customer.Aws.Endpoint, "/_local/cloudtrail")}
            """);

        var stopped = new TaskCompletionSource();
        Console.CancelKeyPress += (_, press) =>
        {
            press.Cancel = true;
            stopped.TrySetResult();
        };
        using var terminated = System.Runtime.InteropServices.PosixSignalRegistration.Create(
            System.Runtime.InteropServices.PosixSignal.SIGTERM,
            signal =>
            {
                signal.Cancel = true;
                stopped.TrySetResult();
            });
        await stopped.Task;
        return 0;
    }

    private static string SettingsOf(DemoCustomer customer)
    {
        var root = new JsonObject();
        foreach (var (path, value) in customer.Configuration)
        {
            var (names, section) = (path.Split(':'), root);
            foreach (var name in names[..^1])
            {
                section[name] ??= new JsonObject();
                section = section[name]!.AsObject();
            }

            section[names[^1]] = value;
        }

        // Keys may contain '+'. The text goes to a terminal, not into HTML.
        return root.ToJsonString(new JsonSerializerOptions { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }
}
