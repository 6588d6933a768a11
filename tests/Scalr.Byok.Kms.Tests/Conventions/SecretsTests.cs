using System.Text;
using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using Amazon.Runtime;
using LocalAws;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Kms;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Conventions;

/// <summary>
/// A run in which everything fails that can, for each kind of credentials: no log entry, exception or ToString shows a secret of the run.
/// </summary>
[TestFixtureSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))]
[NonParallelizable] // what a ring keeps reaches statics of the AWS SDK and of .NET, and from there the rings of tests beside it
[Category("Slow")]
internal sealed class SecretsTests
{
    private const string Plaintext = "plaintext-c2Vjcg-40b1f0a2";
    private const string ContextValue = "context-value-77aa91";
    private const string WrongSecret = "wrongSecret0123456789012345678901234567X";
    private const string WrongExternalId = "wrong-external-id-9XyZ";

    private static readonly Dictionary<string, string> Context = new() { ["record"] = ContextValue };

    /// <summary>What a ring with cached and open data keys keeps, at the least.</summary>
    private static readonly string[] NamesOfKept =
        [nameof(DataKey), nameof(DataKeyCache<>), nameof(OpenDataKey), nameof(OpenDataKeys), nameof(KeyAccess), nameof(KmsRegion)];

    private readonly string _type;
    private readonly List<string> _texts = [];
    private ByokWorld _world = null!;
    private IByokKeyRing _ring = null!;
    private byte[] _message = null!;

    public SecretsTests(string type) => _type = type;

    private string Sts => _type == ByokCredentialSettings.OidcType ? "AssumeRoleWithWebIdentity" : "AssumeRole";

    private bool HasSessions => _type != ByokCredentialSettings.AccessKeysType;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _world.Remember(Plaintext, ContextValue, WrongSecret, WrongExternalId, Secrets.OfLetters);
        _texts.Clear();
        _ring = _world.Ring(_type);
        _message = await _ring.EncryptAsync(Encoding.UTF8.GetBytes(Plaintext), Context);
        await RememberSessionsAsync(_ring);
        await RememberDataKeyAsync(_message);
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task No_secret_is_seen_in_a_run_in_which_everything_fails()
    {
        await KeptKeysAsync();
        await WrongSettingsAsync();
        await WrongTokensAsync();
        await UnusableKeysAsync();
        await HostileMessagesAsync();
        await FaultsAsync();
        await TimeLimitsAsync();
        await WrongClockAsync();
        ToStrings();

        string[] secrets;
        lock (_world.Secrets)
        {
            secrets = [.. _world.Secrets];
        }

        Assert.That(secrets.Length, Is.GreaterThanOrEqualTo(HasSessions ? 10 : 8), "secrets to look for");
        Assert.That(_world.Logs.Entries, Has.Count.GreaterThan(20), "log entries to look into");
        Assert.That(_texts, Has.Count.GreaterThan(100), "texts to look into");
        Assert.That(Secrets.FindIn(_texts.Concat(_world.Logs.Entries), secrets), Is.Empty);
    }

    [Test]
    public void A_planted_secret_is_found()
    {
        foreach (var secret in _world.Secrets.ToArray())
        {
            string[] planted =
            [
                $"before {secret} after",
                secret.ToUpperInvariant(),
                "?ExternalId=" + Uri.EscapeDataString(secret),
                Convert.ToHexString(Encoding.UTF8.GetBytes(secret)),
                Convert.ToBase64String(Encoding.UTF8.GetBytes(secret)),
                Convert.ToBase64String(Encoding.UTF8.GetBytes($"x{secret}yz")),
                Convert.ToBase64String(Encoding.UTF8.GetBytes($"xy{secret}z")),
            ];
            foreach (var text in planted)
            {
                Assert.That(Secrets.FindIn(["harmless", text], [secret]), Is.Not.Empty, text);
            }

            var inner = new InvalidOperationException("outer", new IOException("inner", new IOException(secret)));
            Assert.That(Secrets.FindIn(Secrets.Texts(inner), [secret]), Is.Not.Empty);
            Assert.That(Secrets.FindIn(["harmless"], [secret]), Is.Empty);
        }
    }

    /// <summary>The ToString of everything that a ring keeps while it has sessions, cached data keys and an open data key.</summary>
    private async Task KeptKeysAsync()
    {
        var ring = _world.Ring(_type, options: options => options.DataKeyCache.MaxAge = TimeSpan.FromMinutes(5));
        var message = await ring.EncryptAsync(Encoding.UTF8.GetBytes(Plaintext), Context);
        await ring.DecryptAsync(message, Context);
        await ring.DecryptAsync(_message, Context);
        using var key = await ring.CreateDataKeyAsync(Context);
        key.Encrypt(Plaintext);
        await RememberSessionsAsync(ring);
        await RememberDataKeyAsync(message);

        var kept = Kept(ring).Concat(Kept(key)).ToList();

        Assert.That(kept.Select(one => one.GetType().Name.Split('`')[0]), Is.SupersetOf(NamesOfKept), "what is looked into");
        _texts.AddRange(kept.Select(one => one.ToString() ?? ""));
    }

    private async Task WrongSettingsAsync()
    {
        if (_type == ByokCredentialSettings.AccessKeysType)
        {
            await FailAsync(_world.Ring(_type, s => s.Credentials.SecretAccessKey = WrongSecret));
            await FailAsync(_world.Ring(_type, s => s.Credentials.AccessKeyId = "AKIAUNKNOWNUNKNOWN12"));
        }
        else
        {
            await FailAsync(_world.Ring(_type, s => s.Credentials.RoleArn += "-other"));
        }

        if (_type == ByokCredentialSettings.AssumeRoleType)
        {
            await FailAsync(_world.Ring(_type, s => s.Credentials.ExternalId = WrongExternalId));
            _world.HostKey.Active = false;
            await FailAsync(_world.Ring(_type));
            _world.HostKey.Active = true;
        }

        // What a form may bring: secrets in the wrong fields.
        foreach (var secret in (string[])[WrongSecret, WrongExternalId])
        {
            var mixed = new ByokCredentialSettings
            {
                Type = _type,
                AccessKeyId = secret,
                SecretAccessKey = secret + " ",
                RoleArn = secret,
                ExternalId = secret + "\t",
                Audience = secret + " ",
            };
            foreach (var settings in (ByokKeySettings[])[new()
            {
                KeyArn = secret,
                Credentials = mixed,
            }, new() { KeyArn = _world.Key.Arn, Credentials = new() { Type = secret } }])
            {
                var thrown = Assert.Throws<OptionsValidationException>(() => _world.Ring(settings));
                _texts.AddRange(Secrets.Texts(thrown!));
            }
        }
    }

    private async Task WrongTokensAsync()
    {
        if (_type != ByokCredentialSettings.OidcType)
        {
            return;
        }

        var good = _world.GetToken;
        _world.Remember("garbage-token-5567");
        Func<OidcTokenRequest, CancellationToken, ValueTask<string>>[] bad =
        [
            (request, _) => new(_world.Token(request.Audience, ByokWorld.Subject, TimeSpan.FromMinutes(-20))),
            (request, _) => new(_world.Token(request.Audience, ByokWorld.Subject, wrongSignature: true)),
            (request, _) => new(_world.Token(request.Audience, "account:another")),
            (_, _) => new(_world.Token("another-audience", ByokWorld.Subject)),
            (_, _) => new("garbage-token-5567"),
            (_, _) => new(""),
            (_, _) => new(new string('t', 20_001)),
            (_, _) => throw new IOException("garbage-token-5567"),
        ];
        foreach (var provider in bad)
        {
            _world.GetToken = provider;
            await FailAsync(_world.Ring(_type));
        }

        _world.GetToken = good;
    }

    private async Task UnusableKeysAsync()
    {
        foreach (var state in (string[])[
            LocalKeyState.Disabled,
            LocalKeyState.PendingDeletion,
            LocalKeyState.PendingImport,
            LocalKeyState.Unavailable,
            LocalKeyState.Creating,
        ])
        {
            _world.Key.HoldIn(state);
            await FailAsync(_ring);
        }

        _world.Key.Release();
        var policies = (_world.User.Policy, _world.AssumedRole.Policy, _world.OidcRole.Policy);
        _world.User.Policy = _world.AssumedRole.Policy = _world.OidcRole.Policy = null;
        await FailAsync(_ring);
        (_world.User.Policy, _world.AssumedRole.Policy, _world.OidcRole.Policy) = policies;
    }

    private async Task HostileMessagesAsync()
    {
        byte[][] messages = [[], _message[..50], [.. _message, 0], [.. _message[..^1], (byte)(_message[^1] ^ 1)]];
        foreach (var message in messages)
        {
            await CollectAsync(async () => await _ring.DecryptAsync(message, Context));
            await CollectAsync(() => _ring.DecryptAsync(new MemoryStream(message), new MemoryStream(), Context));
        }

        await CollectAsync(async () => await _ring.ReencryptAsync(messages[1]));
        await CollectAsync(async () => await _ring.ReencryptAsync(messages[2]));

        await CollectAsync(async () => await _ring.DecryptAsync(_message, new Dictionary<string, string> { ["record"] = WrongExternalId }));
        await CollectAsync(
            async () => await _ring.EncryptAsync(new byte[1], new Dictionary<string, string> { ["aws-crypto-x"] = ContextValue }));
        await CollectAsync(
            async () => await _ring.EncryptAsync(new byte[1], new Dictionary<string, string> { ["record"] = ContextValue + "\ud800" }));
        await CollectAsync(async () =>
            await _ring.EncryptAsync(new byte[1], new Dictionary<string, string> { ["record"] = ContextValue + new string('x', 70_000) }));
    }

    private async Task FaultsAsync()
    {
        // What AWS says about a signature holds the whole canonical request; a ValidationException quotes the value that it dislikes.
        var echo = "The canonical string should have been 'POST / x-amz-security-token:" + string.Join(" ", _world.Secrets.ToArray()) + "'";
        string[] codes =
        [
            "InvalidSignatureException",
            "SignatureDoesNotMatch",
            "IncompleteSignature",
            "IncompleteSignatureException",
            "ValidationException",
            "ValidationError",
            "SerializationException", "InvalidParameterValue", "MalformedQueryString", "MalformedPolicyDocument", "SomethingNewException",
        ];
        List<Fault> faults =
        [
            .. codes.Select(code => Fault.Error(code, 400, echo)),
            .. _world.Secrets.ToArray().Select(secret => Fault.Error(secret)),
            Fault.Body(400, "application/x-amz-json-1.1", $$"""{"__type":"ThrottlingException","detail":"{{echo}}"}"""),
            Fault.Body(403, "application/x-amz-json-1.1", $$"""{"__type":"AccessDeniedException","detail":"{{echo}}"}"""),
            Fault.Body(403, "text/html", $"<html>{echo}</html>"),
            Fault.Body(502, "text/html", $"<html>{echo}</html>"),
            Fault.Body(200, "text/html", $"<html>{echo}</html>"),
            Fault.Body(200, "application/x-amz-json-1.1", $$"""{"KeyId":"{{echo}}"}"""),
            Fault.Body(200, "application/x-amz-json-1.1", echo),
            Fault.Body(200, "application/x-amz-json-1.1", ""),
            Fault.Error("ThrottlingException"), Fault.Error("AccessDeniedException"), Fault.Error("KMSInternalException", 500),
            Fault.Drop(), Fault.CutBody(),
        ];
        foreach (var fault in faults)
        {
            foreach (var service in HasSessions ? (string[])["kms", "sts"] : ["kms"])
            {
                _world.Aws.Faults.Clear();
                _world.Aws.Faults.Add(fault with { Service = service });
                await FailAsync(service == "kms" ? _ring : _world.Ring(_type));
            }
        }

        _world.Aws.Faults.Clear();
    }

    /// <summary>The last, and once: the AWS SDK remembers for the endpoint how far its clock is off.</summary>
    private async Task WrongClockAsync()
    {
        _world.Aws.Faults.Add(Fault.ClockSkew(TimeSpan.FromMinutes(10)));
        await CollectAsync(async () => await _ring.EncryptAsync(Encoding.UTF8.GetBytes(Plaintext), Context));
    }

    private async Task TimeLimitsAsync()
    {
        var firstCall = HasSessions ? Sts : "Encrypt";
        var calls = _world.Aws.Log.Count(firstCall);
        _world.Aws.Faults.Add(Fault.BlackHole());
        var call = _world.Ring(_type).EncryptAsync(Encoding.UTF8.GetBytes(Plaintext), Context).AsTask();
        await _world.ReceivedAsync(firstCall, calls + 1);
        _world.Time.Advance(TimeSpan.FromSeconds(2));
        await CollectAsync(() => call);

        using var cancellation = new CancellationTokenSource();
        call = _world.Ring(_type).EncryptAsync(Encoding.UTF8.GetBytes(Plaintext), Context, cancellation.Token).AsTask();
        await _world.ReceivedAsync(firstCall, calls + 2);
        await cancellation.CancelAsync();
        await CollectAsync(() => call);
        _world.Aws.Faults.Clear();
    }

    private void ToStrings()
    {
        var provider = _world.Build(_world.Services(o => o.HostIdentity = new()
        {
            AccessKeyId = "ASIAEXAMPLE000000001",
            SecretAccessKey = WrongSecret,
            SessionToken = WrongExternalId,
        }));
        var settings = _world.Settings(_type);
        var options = provider.GetRequiredService<IOptions<ByokOptions>>().Value;
        var strategies = provider.GetServices<IByokCredentialStrategy>().ToArray();
        object[] all =
        [
            settings, settings.Credentials, new ByokPreviousKeySettings { KeyArn = settings.KeyArn, Credentials = settings.Credentials },
            options, options.HostIdentity, options.Endpoints, options.Resilience, .. strategies, .. Kept(_ring),
            strategies.Single(strategy => strategy.Type == _type).CreateCredentials(
                settings.Credentials, new([KmsKeyArn.Parse(_world.Key.Arn)])),
        ];
        _texts.AddRange(all.Select(one => one.ToString() ?? ""));
    }

    /// <summary>Both verbs fail, and what they throw is kept.</summary>
    private async Task FailAsync(IByokKeyRing ring)
    {
        _world.Time.Advance(TimeSpan.FromSeconds(61)); // past the pause after a denial: AWS is asked again
        await CollectAsync(async () => await ring.EncryptAsync(Encoding.UTF8.GetBytes(Plaintext), Context));
        await CollectAsync(async () => await ring.DecryptAsync(_message, Context));
    }

    private async Task CollectAsync(Func<Task> call)
    {
        var thrown = await Assert.CatchAsync<Exception>(call);
        _texts.AddRange(Secrets.Texts(thrown!));
    }

    private async Task RememberSessionsAsync(IByokKeyRing ring)
    {
        var kept = ObjectGraph.Of(ring).OfType<AWSCredentials>().ToList();
        Assert.That(kept, Is.Not.Empty, "the credentials that the ring keeps");
        foreach (var credentials in kept)
        {
            if (await credentials.GetCredentialsAsync() is { } values) // anonymous ones have none
            {
                _world.Remember(values.UseToken ? [values.SecretKey, values.Token] : [values.SecretKey]);
            }
        }
    }

    private async Task RememberDataKeyAsync(byte[] message)
    {
        var header = MessageHeader.Read(message, MessageOptions.Unlimited);
        using var kms = new AmazonKeyManagementServiceClient(
            _world.AccessKey.AccessKeyId, _world.AccessKey.SecretAccessKey,
            new AmazonKeyManagementServiceConfig { ServiceURL = _world.Aws.Endpoint.AbsoluteUri, AuthenticationRegion = ByokWorld.Region });
        var answer = await kms.DecryptAsync(new DecryptRequest
        {
            CiphertextBlob = new MemoryStream(header.EncryptedDataKeys[0].Ciphertext.ToArray()),
            EncryptionContext = new Dictionary<string, string>(header.EncryptionContext.Pairs),
        });
        _world.Remember(Convert.ToBase64String(answer.Plaintext.ToArray()), Convert.ToHexString(answer.Plaintext.ToArray()));
    }

    /// <summary>The library's own objects among those that are kept. What others keep is entered, and their ToString is theirs.</summary>
    private static IEnumerable<object> Kept(object owner) =>
        ObjectGraph.Of(owner).Where(one => one.GetType().Assembly == typeof(IByokKeyRing).Assembly);
}
