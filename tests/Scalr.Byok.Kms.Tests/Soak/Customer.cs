using System.Collections.Concurrent;
using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Soak;

/// <summary>A customer with a key of their own, who takes it away now and then.</summary>
internal sealed class Customer
{
    /// <summary>How long after the key came back a call may still report what it met before: a call's own time, and more.</summary>
    private static readonly TimeSpan Echo = TimeSpan.FromSeconds(10);

    private readonly LocalKey _key;
    private readonly ConcurrentQueue<(byte[] Message, byte[] Plaintext)> _messages = new();
    private volatile Custody _state = new(IsRevoked: false, Since: 0);

    public Customer(LocalAwsServer aws, int number)
    {
        Name = $"tenant-{number}";
        var account = aws.Account("111122223333");
        _key = account.CreateKey("us-east-1", multiRegion: true);
        var permissions = Policies.Permissions(_key.Arn);
        if (number % 2 == 0)
        {
            var accessKey = account.CreateUser(Name, permissions).CreateAccessKey();
            Settings = new ByokKeySettings
            {
                KeyArn = _key.Arn,
                Credentials = ByokCredentialSettings.AccessKeys(accessKey.AccessKeyId, accessKey.SecretAccessKey),
            };
        }
        else
        {
            var role = account.CreateRole(Name, Policies.AssumeRoleTrust("615271354814", Name), permissions);
            Settings = new ByokKeySettings { KeyArn = _key.Arn, Credentials = ByokCredentialSettings.AssumeRole(role.Arn, Name) };
        }
    }

    public string Name { get; }

    public ByokKeySettings Settings { get; }

    public Dictionary<string, string> Context { get; } = new() { ["purpose"] = "soak" };

    public Custody State => _state;

    /// <summary>Whether a denial can have come from a time when the key was away.</summary>
    public bool MayBeRefused => _state.IsRevoked || _state.For < Echo;

    public void Revoke()
    {
        _state = new Custody(IsRevoked: true, TimeProvider.System.GetTimestamp());
        _key.Disable();
    }

    public void GiveBack()
    {
        _key.Enable();
        _state = new Custody(IsRevoked: false, TimeProvider.System.GetTimestamp());
    }

    public void Remember(byte[] message, byte[] plaintext)
    {
        _messages.Enqueue((message, plaintext));
        if (_messages.Count > 10)
        {
            _messages.TryDequeue(out _);
        }
    }

    public bool TryRecall(Random dice, out byte[] message, out byte[] plaintext)
    {
        (message, plaintext) = _messages.ElementAtOrDefault(dice.Next(10));
        return message is not null;
    }

    public void Forget() => _messages.Clear();
}
