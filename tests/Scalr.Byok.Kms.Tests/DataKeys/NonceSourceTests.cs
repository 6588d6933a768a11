using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms.Tests.DataKeys;

/// <summary>Where random bytes that must never repeat come from.</summary>
internal sealed class NonceSourceTests
{
    [Test]
    public void Each_byte_of_the_buffer_is_random([Values(1, 12, 32, 256, 257, 1000)] int length)
    {
        var (ones, zeros) = (new byte[length], new byte[length]);
        for (var i = 0; i < 100; i++)
        {
            var bytes = NonceSource.GetBytes(length);
            for (var place = 0; place < length; place++)
            {
                ones[place] |= bytes[place];
                zeros[place] |= (byte)(bytes[place] ^ byte.MaxValue);
            }
        }

        Assert.That(ones, Is.All.EqualTo(byte.MaxValue), "each bit was set once");
        Assert.That(zeros, Is.All.EqualTo(byte.MaxValue), "each bit was clear once");
    }

    [Test]
    public void Nothing_beyond_the_buffer_is_written()
    {
        var bytes = new byte[36];

        NonceSource.Fill(bytes.AsSpan(12, 12));
        NonceSource.Fill([]);

        Assert.That(bytes[..12].Concat(bytes[24..]), Is.All.Zero);
    }

    [Test]
    [Platform("Linux")]
    public void The_kernel_is_asked_for_as_much_as_it_gives_without_interruption()
    {
        Assert.That(NonceSource.TryAskKernel(new byte[NonceSource.MaxKernelLength]), Is.True);
        Assert.That(NonceSource.TryAskKernel(new byte[NonceSource.MaxKernelLength + 1]), Is.False);
    }
}
