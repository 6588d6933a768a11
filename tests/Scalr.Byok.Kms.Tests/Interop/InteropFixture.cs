using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Interop;

/// <summary>
/// A customer whose keys both the library and AWS's Encryption SDK for JavaScript use, each as a user of its own. One for all tests of a
/// class.
/// </summary>
internal abstract class InteropFixture
{
    protected ByokWorld World { get; private set; } = null!;

    protected ClientNode Node { get; private set; } = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        World = await ByokWorld.StartAsync();
        World.User.Policy = Policies.Permissions("*");
        Node = ClientNode.Start(
            World.Aws.Endpoint,
            World.AddBystander("client-node", Policies.Permissions("*", "kms:GenerateDataKey", "kms:Encrypt", "kms:Decrypt")));
    }

    /// <summary>After each test: NUnit takes note of what fails in a one-time tear-down, but fails no test for it.</summary>
    [TearDown]
    public void CheckCalls() => World.DemandAllowedCalls();

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        if (Node is not null)
        {
            await Node.DisposeAsync();
        }

        await World.DisposeAsync();
    }

    /// <summary>A ring of the library on the customer's key, or on another.</summary>
    protected IByokKeyRing Ring(string? keyArn = null, int? frameLength = null) => World.Ring(
        ByokCredentialSettings.AccessKeysType,
        settings => settings.KeyArn = keyArn ?? settings.KeyArn,
        options => options.FrameLength = frameLength ?? options.FrameLength);
}
