using System.Net;
using System.Security.Cryptography;
using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using Amazon.Runtime;
using Amazon.SecurityToken;
using Amazon.SecurityToken.Model;
using Microsoft.Extensions.DependencyInjection;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>AWS KMS and AWS STS in memory, below the AWS SDK's interfaces. Every request is answered at once and logged.</summary>
internal sealed partial class ModelAws
{
    public const int DataKeyLength = 32;
    public static readonly string[] Regions = ["us-east-1", "us-east-2"];
    private const string Account = "111122223333";
    private static readonly string[] KeyIds = ["mrk-0000000000000000000000000000000c", "mrk-0000000000000000000000000000000d"];

    private static readonly byte[] PlaintextMask = RandomNumberGenerator.GetBytes(DataKeyLength);
    private readonly ModelClock _clock;
    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, ModelOrigin> _origins;
    private readonly List<Session> _sessions = [];
    private int _late;

    /// <param name="clock">The time.</param>
    /// <param name="archive">Knows data keys from earlier; null for none.</param>
    public ModelAws(ModelClock clock, ModelAws? archive = null)
    {
        _clock = clock;
        _origins = archive is null ? [] : new Dictionary<Guid, ModelOrigin>(archive._origins);
    }

    /// <summary>By key and Region.</summary>
    public KmsState[,] Kms { get; } = new KmsState[2, 2];

    public StsState Sts { get; set; }

    /// <summary>The contexts that a key's policy denies, by key.</summary>
    public HashSet<string>[] DeniedContexts { get; } = [[], []];

    public bool AccessKeyIsActive { get; set; } = true;

    /// <summary>Sessions up to this number are denied: the customer revoked them.</summary>
    public int RevokedSessions { get; private set; }

    public List<ModelRequest> Log { get; } = [];

    /// <summary>How long AWS KMS takes to answer; null for an answer at once.</summary>
    public Func<Task>? Delay { get; set; }

    /// <summary>How many late answers are on their way.</summary>
    public int Late => Volatile.Read(ref _late);

    /// <summary>The arrays in which plaintext data keys were returned.</summary>
    public List<byte[]> HandedOut { get; } = [];

    /// <summary>All data keys so far.</summary>
    public IReadOnlyCollection<ModelOrigin> Origins => _origins.Values;

    /// <summary>How long the log may become: a call that sends requests without end fails at last.</summary>
    public int LogLimit { get; set; } = int.MaxValue;

    public static string KeyArn(int key, int region = 0) => $"arn:aws:kms:{Regions[region]}:{Account}:key/{KeyIds[key]}";

    public static string RoleArn(int key) => $"arn:aws:iam::{Account}:role/key-{key}";

    /// <summary>The library's clients are these.</summary>
    public void AddTo(IServiceCollection services)
    {
        services.AddSingleton<Func<string, IAmazonKeyManagementService>>(region => new ModelKmsClient(this, region));
        services.AddSingleton<Func<AWSCredentials?, string, IAmazonSecurityTokenService>>((_, region) => new ModelStsClient(this, region));
    }

    /// <summary>Changes the number of late answers.</summary>
    public void AddLate(int change) => Interlocked.Add(ref _late, change);

    /// <summary>Learns the data keys of another model.</summary>
    public void Learn(ModelAws other)
    {
        foreach (var origin in other._origins)
        {
            _origins[origin.Key] = origin.Value;
        }
    }

    /// <summary>Everything works again. Revoked sessions stay revoked.</summary>
    public void Restore()
    {
        Array.Clear(Kms);
        Sts = StsState.Works;
        AccessKeyIsActive = true;
        DeniedContexts[0].Clear();
        DeniedContexts[1].Clear();
    }

    public void RevokeSessions() => RevokedSessions = _sessions.Count;

    public (int Number, ModelClock.Moment Sent)? NewestSession(int key) =>
        _sessions.FindLastIndex(session => session.Key == key) is var index and >= 0 ? (index + 1, _sessions[index].Sent) : null;

    public ModelOrigin? FindOrigin(ReadOnlySpan<byte> blob)
    {
        lock (_gate)
        {
            return blob.Length == 16 && _origins.TryGetValue(new Guid(blob), out var origin) ? origin : null;
        }
    }

    /// <summary>Whether a data key is an erased buffer.</summary>
    public static bool IsZero(ModelOrigin origin) => origin.Masked.AsSpan().SequenceEqual(PlaintextMask);

    /// <summary>Puts a mask over a plaintext data key, or takes it off.</summary>
    public static void Mask(Span<byte> bytes)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] ^= PlaintextMask[i];
        }
    }

    public EncryptResponse Encrypt(EncryptRequest request, byte[] masked, Caller caller)
    {
        lock (_gate)
        {
            var (key, region) = Find(request.KeyId, caller);
            Admit("Encrypt", key, region, caller, ToText(request.EncryptionContext));
            var origin = new ModelOrigin(Guid.NewGuid(), key, ToText(request.EncryptionContext)) { Masked = masked };
            _origins.Add(origin.Id, origin);
            Write("Encrypt", key, region, ModelAnswer.Accepted, origin);
            return new EncryptResponse { KeyId = request.KeyId, CiphertextBlob = new MemoryStream(origin.Id.ToByteArray()) };
        }
    }

    public DecryptResponse Decrypt(DecryptRequest request, Caller caller)
    {
        lock (_gate)
        {
            var (key, region) = Find(request.KeyId, caller);
            Admit("Decrypt", key, region, caller, ToText(request.EncryptionContext));
            if (FindOrigin(request.CiphertextBlob.ToArray()) is not { } origin
                || origin.Key != key || origin.Context != ToText(request.EncryptionContext))
            {
                throw Fail("Decrypt", key, region, ModelAnswer.Rejected, nameof(InvalidCiphertextException));
            }

            Write("Decrypt", key, region, ModelAnswer.Accepted, origin);
            var plaintext = GC.AllocateArray<byte>(DataKeyLength, pinned: true);
            origin.Masked.CopyTo(plaintext, 0);
            Mask(plaintext);
            HandedOut.Add(plaintext);
            MemoryStream stream = new(plaintext, 0, plaintext.Length, writable: true, publiclyVisible: true);
            return new DecryptResponse { KeyId = request.KeyId, Plaintext = stream };
        }
    }

    public DescribeKeyResponse Describe(DescribeKeyRequest request, Caller caller)
    {
        lock (_gate)
        {
            var (key, region) = Find(request.KeyId, caller);
            Admit("DescribeKey", key, region, caller, context: null);
            Write("DescribeKey", key, region, Kms[key, region] == KmsState.Disabled ? ModelAnswer.KeyDenied : ModelAnswer.Accepted);
            return new DescribeKeyResponse
            {
                KeyMetadata = new KeyMetadata
                {
                    Arn = request.KeyId,
                    KeyId = KeyIds[key],
                    Enabled = Kms[key, region] != KmsState.Disabled,
                    KeyState = Kms[key, region] == KmsState.Disabled ? KeyState.Disabled : KeyState.Enabled,
                    KeySpec = KeySpec.SYMMETRIC_DEFAULT,
                    KeyUsage = KeyUsageType.ENCRYPT_DECRYPT,
                    KeyManager = KeyManagerType.CUSTOMER,
                    Origin = OriginType.AWS_KMS,
                    MultiRegion = true,
                },
            };
        }
    }

    public AssumeRoleResponse Assume(AssumeRoleRequest request, string region)
    {
        lock (_gate)
        {
            var (key, place) = (request.RoleArn == RoleArn(0) ? 0 : 1, Array.IndexOf(Regions, region));
            switch (Sts)
            {
                case StsState.Denies:
                    throw FailSts(key, place, ModelAnswer.KeyDenied, "AccessDenied", HttpStatusCode.Forbidden);
                case StsState.Outage:
                    throw FailSts(key, place, ModelAnswer.Outage, "InternalFailure", HttpStatusCode.InternalServerError);
                case StsState.Throttles:
                    throw FailSts(key, place, ModelAnswer.Throttled, "Throttling", HttpStatusCode.BadRequest);
            }

            var session = new Session(key, _clock.Now, _clock.AwsNow + TimeSpan.FromSeconds(request.DurationSeconds!.Value));
            _sessions.Add(session);
            Write("AssumeRole", key, place, ModelAnswer.Accepted);
            return new AssumeRoleResponse
            {
                Credentials = new Amazon.SecurityToken.Model.Credentials
                {
                    AccessKeyId = "ASIA0000000000000000",
                    SecretAccessKey = "secret",
                    SessionToken = $"{_sessions.Count}",
                    Expiration = session.Expires.UtcDateTime,
                },
                AssumedRoleUser = new AssumedRoleUser
                {
                    Arn = $"arn:aws:sts::{Account}:assumed-role/key-{key}/{request.RoleSessionName}",
                    AssumedRoleId = $"AROA0000000000000000:{request.RoleSessionName}",
                },
            };
        }
    }

    private static (int Key, int Region) Find(string keyId, Caller caller) =>
        (keyId.EndsWith(KeyIds[0], StringComparison.Ordinal) ? 0 : 1, Array.IndexOf(Regions, caller.Region));

    private static string ToText(Dictionary<string, string>? context) =>
        context is not null && context.TryGetValue("record", out var record) ? record : "";

    private void Write(string action, int key, int region, ModelAnswer answer, ModelOrigin? origin = null)
    {
        Log.Add(new ModelRequest(Log.Count, action, key, region, origin, _clock.Now, answer));
        if (Log.Count > LogLimit)
        {
            throw new InvalidOperationException("One step sends requests without end.");
        }
    }

    /// <param name="Region">The Region that is asked.</param>
    /// <param name="Session">The number of the session that signed; null for an access key.</param>
    internal readonly record struct Caller(string Region, int? Session);

    private sealed record Session(int Key, ModelClock.Moment Sent, DateTimeOffset Expires);
}
