using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using LocalAws;
using Scalr.Byok.Kms.Tests.Messages;

namespace Scalr.Byok.Kms.Tests.World;

/// <summary>
/// A customer who changed keys. The world's key is the new one; the old one is in another Region, and each has credentials of its own that
/// may use no other key. An administrator, who is no part of the library, may use both, to make messages that the library does not write.
/// </summary>
internal sealed class KeyChange : IAsyncDisposable
{
    public static readonly IReadOnlyDictionary<string, string> Context =
        new Dictionary<string, string> { ["record"] = "variables/42", ["Größe"] = "мир" };

    private readonly LocalAccessKey _administrator;

    private KeyChange(ByokWorld world, string oldType, string newType)
    {
        World = world;
        NewType = newType;
        OldKey = world.Customer.CreateKey("us-west-2");
        OldCredentials = CreateCredentials(oldType);
        _administrator = world.Customer.CreateUser("administrator", Policies.Permissions("*")).CreateAccessKey();
        Old = world.Ring(
            new ByokKeySettings { KeyArn = OldKey.Arn, Credentials = OldCredentials }, options => options.AllowedRegions = [OldKey.Region]);
        New = world.Ring(newType);
        Both = Ring();
    }

    public ByokWorld World { get; }

    public LocalKey OldKey { get; }

    public ByokCredentialSettings OldCredentials { get; }

    public LocalKey NewKey => World.Key;

    /// <summary>The customer's ring before the change: only the old key.</summary>
    public IByokKeyRing Old { get; }

    /// <summary>The customer's ring once all messages are moved: only the new key.</summary>
    public IByokKeyRing New { get; }

    /// <summary>The customer's ring meanwhile: the new key, and the old one among PreviousKeys.</summary>
    public IByokKeyRing Both { get; }

    /// <summary>What AWS KMS was asked for, in order: action and key.</summary>
    public IEnumerable<string> Calls =>
        World.Aws.Log.Requests.Where(request => request.Service == "kms").Select(request => $"{request.Operation} {request.Key}");

    /// <summary>The least that moving a message costs.</summary>
    public string[] DecryptThenEncrypt => [$"Decrypt {OldKey.Arn}", $"Encrypt {NewKey.Arn}"];

    private string NewType { get; }

    public static async Task<KeyChange> StartAsync(
        string oldType = ByokCredentialSettings.AccessKeysType, string newType = ByokCredentialSettings.AccessKeysType) =>
        new(await ByokWorld.StartAsync(), oldType, newType);

    /// <summary>Another ring like <see cref="Both"/>.</summary>
    public IByokKeyRing Ring(Action<ByokOptions>? options = null) =>
        World.Ring(NewType, settings => settings.PreviousKeys = [new() { KeyArn = OldKey.Arn, Credentials = OldCredentials }], options);

    /// <summary>Moves a message in memory or from stream to stream. Returns the message to store.</summary>
    public static async Task<byte[]> ReencryptAsync(
        IByokKeyRing ring, byte[] message, bool asStream, ByokReencryptWhen policy = ByokReencryptWhen.KeyDiffers)
    {
        if (!asStream)
        {
            return await ring.ReencryptAsync(message, policy);
        }

        using var reencrypted = new MemoryStream();
        if (await ring.ReencryptAsync(new MemoryStream(message), reencrypted, policy))
        {
            return reencrypted.ToArray();
        }

        Assert.That(reencrypted.Length, Is.Zero, "nothing is written of a message that stays");
        return [.. message];
    }

    /// <summary>A message under the old key; the request log is empty afterwards.</summary>
    public Task<byte[]> EncryptOldAsync(byte[] plaintext) => EncryptAsync(Old, plaintext);

    /// <summary>A message of a ring; the request log is empty afterwards.</summary>
    public async Task<byte[]> EncryptAsync(IByokKeyRing ring, byte[] plaintext)
    {
        var message = await ring.EncryptAsync(plaintext, Context);
        World.Aws.Log.Clear();
        return message;
    }

    /// <summary>The data key of a message, as its administrator sees it.</summary>
    public async Task<byte[]> OpenDataKeyAsync(byte[] message, LocalKey key)
    {
        var header = PlainHeader.Read(message);
        using var kms = Kms(key);
        var answer = await kms.DecryptAsync(new DecryptRequest
        {
            KeyId = key.Arn,
            CiphertextBlob = new MemoryStream(header.Keys.Single(wrapped => wrapped.Info == key.Arn).Blob),
            EncryptionContext = header.Pairs,
        });
        World.Aws.Log.Clear();
        return answer.Plaintext.ToArray();
    }

    /// <summary>The message with its data key wrapped under exactly these keys, by another writer than the library's.</summary>
    public async Task<byte[]> WrapAsync(byte[] message, byte[] dataKey, params LocalKey[] keys)
    {
        var header = PlainHeader.Read(message);
        var wrapped = new List<PlainKey>();
        foreach (var key in keys)
        {
            wrapped.Add(new PlainKey("aws-kms", key.Arn, await WrapAsync(key, dataKey, header.Pairs)));
        }

        return [.. (header with { Keys = wrapped }).Write(PlainReader.ContentKey(dataKey, header.MessageId)), .. message[header.Length..]];
    }

    /// <summary>A data key as AWS KMS wraps it for the administrator.</summary>
    public async Task<byte[]> WrapAsync(LocalKey key, byte[] dataKey, Dictionary<string, string> context)
    {
        using var kms = Kms(key);
        var answer = await kms.EncryptAsync(
            new EncryptRequest { KeyId = key.Arn, Plaintext = new MemoryStream(dataKey), EncryptionContext = context });
        World.Aws.Log.Clear();
        return answer.CiphertextBlob.ToArray();
    }

    public ValueTask DisposeAsync() => World.DisposeAsync();

    private ByokCredentialSettings CreateCredentials(string type)
    {
        var permissions = Policies.Permissions(OldKey.Arn);
        switch (type)
        {
            case ByokCredentialSettings.AccessKeysType:
                var accessKey = World.Customer.CreateUser("old", permissions).CreateAccessKey();
                World.Remember(accessKey.SecretAccessKey);
                return ByokCredentialSettings.AccessKeys(accessKey.AccessKeyId, accessKey.SecretAccessKey);
            case ByokCredentialSettings.AssumeRoleType:
                var trust = Policies.AssumeRoleTrust(ByokWorld.HostAccount, ByokWorld.ExternalId);
                return ByokCredentialSettings.AssumeRole(
                    World.Customer.CreateRole("old-byok", trust, permissions).Arn, ByokWorld.ExternalId);
            default:
                trust = Policies.OidcTrust(ByokWorld.CustomerAccount, "scalr.io", ByokWorld.Audience, ByokWorld.Subject);
                return ByokCredentialSettings.Oidc(World.Customer.CreateRole("old-byok-oidc", trust, permissions).Arn, ByokWorld.Audience);
        }
    }

    private AmazonKeyManagementServiceClient Kms(LocalKey key) => new(
        _administrator.AccessKeyId,
        _administrator.SecretAccessKey,
        new AmazonKeyManagementServiceConfig
        {
            ServiceURL = World.Aws.Endpoint.ToString(),
            AuthenticationRegion = key.Region,
            MaxErrorRetry = 0,
        });
}
