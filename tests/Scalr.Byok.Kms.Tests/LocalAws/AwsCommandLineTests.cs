using System.Diagnostics;
using LocalAws;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.Tests.LocalAwsTests.LocalAwsFixture;

namespace Scalr.Byok.Kms.Tests.LocalAwsTests;

/// <summary>The aws command line as its makers ship it; ignored where it is not installed.</summary>
[Category("Slow")]
public sealed class AwsCommandLineTests
{
    [Test]
    public async Task The_aws_command_line_encrypts_and_decrypts_again()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var key = aws.Account.CreateKey(East1);

        // Files are the one way to pass bytes that both versions of the command line read alike.
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, "secret");
            var blob = await RunAsync(
                aws,
                aws.Admin.SecretAccessKey,
                "encrypt",
                "--key-id",
                key.Arn,
                "--plaintext",
                "fileb://" + file,
                "--encryption-context",
                "tenant=acme",
                "--query",
                "CiphertextBlob");
            Assert.That(blob.ExitCode, Is.Zero, blob.Error);

            await File.WriteAllBytesAsync(file, Convert.FromBase64String(blob.Output));
            var plaintext = await RunAsync(
                aws,
                aws.Admin.SecretAccessKey,
                "decrypt",
                "--ciphertext-blob",
                "fileb://" + file,
                "--encryption-context",
                "tenant=acme",
                "--query",
                "Plaintext");
            Assert.That(plaintext.ExitCode, Is.Zero, plaintext.Error);
            Assert.That(Convert.FromBase64String(plaintext.Output), Is.EqualTo("secret"u8.ToArray()));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Test]
    public async Task The_aws_command_line_is_refused_with_a_wrong_secret()
    {
        await using var aws = await LocalAwsFixture.StartAsync();

        var refused = await RunAsync(aws, "wrong", "list-keys");

        Assert.That(refused.ExitCode, Is.Not.Zero);
        Assert.That(refused.Error, Does.Contain("InvalidSignatureException"));
    }

    private static async Task<(int ExitCode, string Output, string Error)> RunAsync(
        LocalAwsFixture aws, string secret, params string[] arguments)
    {
        var nowhere = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        var start = new ProcessStartInfo("aws", ["kms", .. arguments, "--endpoint-url", aws.Server.Endpoint.ToString(), "--output", "text"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment =
            {
                ["AWS_ACCESS_KEY_ID"] = aws.Admin.AccessKeyId,
                ["AWS_SECRET_ACCESS_KEY"] = secret,
                ["AWS_SESSION_TOKEN"] = null,
                ["AWS_REGION"] = East1,
                ["AWS_DEFAULT_REGION"] = East1,
                ["AWS_PROFILE"] = null,
                ["AWS_CONFIG_FILE"] = nowhere,
                ["AWS_SHARED_CREDENTIALS_FILE"] = nowhere,
                ["AWS_EC2_METADATA_DISABLED"] = "true",
                ["AWS_PAGER"] = string.Empty,
                ["NO_PROXY"] = "127.0.0.1",
            },
        };
        try
        {
            using var process = ChildProcess.Start(start);
            var output = process.StandardOutput.ReadToEndAsync();
            var error = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            return (process.ExitCode, (await output).Trim(), await error);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Ignore("The aws command line is not installed.");
            throw;
        }
    }
}
