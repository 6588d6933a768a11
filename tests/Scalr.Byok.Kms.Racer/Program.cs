using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms;
using Scalr.Byok.Kms.Racer;

// A host's process that wants a tenant's data key while others want it, too. The tests start several.
// In: the address of AWS, the key, an access key's two halves, the folder of encrypted data keys; then a line at each barrier.
// Out: a line at each barrier; then the encrypted data key, and a value under it, as hex.
if (args is not [var aws, var keyArn, var accessKeyId, var secretAccessKey, var folder])
{
    return 2;
}

var services = new ServiceCollection();
services.AddScalrByok(options =>
{
    options.Endpoints.Kms[ByokEndpoints.AnyRegion] = new Uri(aws);
    // a busy machine causes no retry
    (options.Resilience.AttemptTimeout, options.Resilience.TotalTimeout) = (TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1));
})
    .AddKeyRing(
        settings => (settings.KeyArn, settings.Credentials) = (keyArn, ByokCredentialSettings.AccessKeys(accessKeyId, secretAccessKey)));
await using var provider = services.BuildServiceProvider();
var ring = provider.GetRequiredService<IByokKeyRing>();

using var key = await ring.GetOrCreateDataKeyAsync(new FolderStore(folder), "acme");

Console.WriteLine(Convert.ToHexString(key.EncryptedKey.Span));
Console.WriteLine(Convert.ToHexString(key.EncryptText("written by a process", ByokAssociatedData.None)));
return 0;
