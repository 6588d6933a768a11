using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Tests.KeyRing;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>What an operator's tool sees of a message that is too long for memory.</summary>
internal sealed class ByokMessageStreamTests
{
    [Test]
    public async Task ReadAsync_shows_what_Read_shows_of_every_message_in_the_vectors()
    {
        List<Vector> vectors =
            [.. VectorSet.Load(Path.Combine(VectorSet.Own, "js-generated-kms")).Vectors.Where(vector => vector.Message[0] == 2)];

        Assert.That(vectors, Has.Count.GreaterThan(10));
        using (Assert.EnterMultipleScope())
        {
            foreach (var vector in vectors)
            {
                var whole = ByokMessage.Read(vector.Message);
                var header = await ByokMessage.ReadAsync(new PieceStream(vector.Message) { NextPiece = () => 7 });
                Assert.That(header.HeaderLength, Is.EqualTo(whole.HeaderLength), vector.Name);
                Assert.That(header.MessageId.ToArray(), Is.EqualTo(whole.MessageId.ToArray()), vector.Name);
                Assert.That(header.EncryptionContext, Is.EqualTo(whole.EncryptionContext), vector.Name);
                Assert.That(header.KeyArns, Is.EqualTo(whole.KeyArns), vector.Name);
            }
        }
    }

    [Test]
    public async Task ReadAsync_reads_little_of_a_long_message_and_leaves_the_stream_open()
    {
        byte[] message = [.. Sample.Message(), .. new byte[1 << 20]];
        PieceStream stream = new(message);

        var header = await ByokMessage.ReadAsync(stream);

        Assert.That(header.MessageId.ToArray(), Is.EqualTo(Sample.MessageId));
        Assert.That(stream.Position, Is.LessThanOrEqualTo(16_384));
        Assert.That(stream.IsClosed, Is.False);
    }

    [Test]
    public async Task ReadAsync_begins_where_the_stream_is()
    {
        PieceStream stream = new([1, 2, 3, .. Sample.Message()]) { Position = 3 };

        Assert.That((await ByokMessage.ReadAsync(stream)).MessageId.ToArray(), Is.EqualTo(Sample.MessageId));
    }

    [TestCase(1024)]
    [TestCase(131_072)]
    public void ReadAsync_reads_no_header_that_is_longer_than_it_may_be(int limit)
    {
        // Thousands of encrypted data keys are promised, and come.
        byte[] start = [2, 4, 0x78, .. Sample.MessageId, 0, 0, 0xff, 0xff];
        byte[] key = [0, 0, 0, 0, 0xff, 0xff, .. new byte[0xffff]];
        PieceStream stream = new([.. start, .. key, .. key, .. key, .. key]);

        Assert.That(
            () => ByokMessage.ReadAsync(stream, limit),
            Throws.TypeOf<ByokDecryptionException>().With.Message.EqualTo(HeaderErrors.HeaderTooLong(limit)));
        Assert.That(stream.Position, Is.LessThanOrEqualTo(limit + 1));
    }

    [Test]
    public void ReadAsync_refuses_what_is_no_message() =>
        Assert.That(
            () => ByokMessage.ReadAsync(new MemoryStream("no message"u8.ToArray())),
            Throws.TypeOf<ByokDecryptionException>().With.Message.EqualTo(HeaderErrors.NotAMessage));

    [Test]
    public void ReadAsync_checks_what_it_is_given()
    {
        Assert.That(() => ByokMessage.ReadAsync(null!), Throws.ArgumentNullException);
        Assert.That(() => ByokMessage.ReadAsync(Stream.Null, 1023), Throws.InstanceOf<ArgumentOutOfRangeException>());
        MemoryStream closed = new();
        closed.Dispose();
        Assert.That(() => ByokMessage.ReadAsync(closed), Throws.ArgumentException.With.Property("ParamName").EqualTo("message"));
    }

    [Test]
    public void ReadAsync_ends_when_it_is_cancelled()
    {
        using CancellationTokenSource cancellation = new();
        PieceStream stream = new(Sample.Message())
        {
            BeforeEach = async (_, token) =>
            {
                await cancellation.CancelAsync();
                token.ThrowIfCancellationRequested();
            },
        };

        Assert.That(
            () => ByokMessage.ReadAsync(stream, cancellationToken: cancellation.Token), Throws.InstanceOf<OperationCanceledException>());
    }
}
