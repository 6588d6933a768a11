using System.Runtime;
using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms;

// A process whose start is measured: when it has its first encrypted byte, it writes the milliseconds of processor time that it took, and
// the number of methods that were compiled. The benchmarks' "start" runs several.
// In: what encrypts, the address of AWS, the key, an access key's two halves.
if (args is not [var what, var aws, var keyArn, var accessKeyId, var secretAccessKey])
{
    return 2;
}

switch (what)
{
    case "runtime": // nothing but .NET
        Report();
        break;
    case "sdk":
        using (AmazonKeyManagementServiceClient kms = new(
            accessKeyId,
            secretAccessKey,
            new AmazonKeyManagementServiceConfig { ServiceURL = aws, AuthenticationRegion = "us-east-1" }))
        {
            await kms.EncryptAsync(new EncryptRequest { KeyId = keyArn, Plaintext = new MemoryStream(new byte[32]) });
            Report();
        }

        break;
    case "library":
        ServiceCollection services = new();
        services.AddScalrByok(options => options.Endpoints.Kms[ByokEndpoints.AnyRegion] = new Uri(aws)).AddKeyRing(ring =>
            (ring.KeyArn, ring.Credentials) = (keyArn, ByokCredentialSettings.AccessKeys(accessKeyId, secretAccessKey)));
        await using (var provider = services.BuildServiceProvider())
        {
            await provider.GetRequiredService<IByokKeyRing>().EncryptAsync(new byte[32]);
            Report();
        }

        break;
    default:
        return 2;
}

return 0;

static void Report()
{
    var (time, methods) = (Environment.CpuUsage.TotalTime, JitInfo.GetCompiledMethodCount());
    Console.WriteLine($"{(int)time.TotalMilliseconds} {methods}");
}
