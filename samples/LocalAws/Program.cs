using System.Globalization;
using LocalAws;

// By itself: one demo account with an administrator, until Ctrl+C. As a library nothing of this file runs; start with LocalAwsServer.StartAsync.
var port = args is ["--port", var text] && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
if (args.Length > 0 && port is < 1 or > 65535)
{
    Console.Error.WriteLine("usage: LocalAws [--port <1..65535>]");
    return 2;
}

await using var server = await LocalAwsServer.StartAsync(new LocalAwsOptions { Port = port });
var account = server.Account("111122223333");
var admin = account.CreateUser("admin", """{ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } }""");
var accessKey = admin.CreateAccessKey();
var key = account.CreateKey("us-east-1", multiRegion: true);

Console.WriteLine($"""
    LocalAws, a stand-in for AWS KMS and STS, listens on {server.Endpoint}
    It is for development and tests only: it keeps everything in memory, protects nothing, and must never see real data.

    export AWS_ENDPOINT_URL={server.Endpoint}
    export AWS_REGION=us-east-1
    export AWS_DEFAULT_REGION=us-east-1
    export AWS_ACCESS_KEY_ID={accessKey.AccessKeyId}
    export AWS_SECRET_ACCESS_KEY={accessKey.SecretAccessKey}
    export AWS_EC2_METADATA_DISABLED=true

    A key to try: aws kms describe-key --key-id {key.Arn}
    Requests: {new Uri(server.Endpoint, "/_local/requests")}
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
