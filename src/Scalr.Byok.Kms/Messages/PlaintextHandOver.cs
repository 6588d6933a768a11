using System.Buffers;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// Gives the plaintext of one message to the writer of another. Bytes are copied from the one side's buffer to the other's, and each side
/// waits for the other. Only a short first part is kept until it is read. For one writing and one reading caller at a time.
/// </summary>
internal sealed class PlaintextHandOver : Stream
{
    // A short plaintext is handed over on one thread: waking another one takes longer than the work.
    private const long InlineLength = 512 * 1024;

    // So the plaintext of a short message needs no wait: to wait and to continue costs more than to copy this much.
    private const int KeptLength = 4096;

    private readonly Lock _gate = new();
    private readonly bool _isSequential;
    private long _handedOver;
    private IMemoryOwner<byte>? _keeper;
    private ReadOnlyMemory<byte> _kept;
    private ReadOnlyMemory<byte> _offered;
    private TaskCompletionSource? _taken;
    private Memory<byte> _wanted;
    private int _given;
    private TaskCompletionSource<int>? _arrived;
    private bool _isComplete;

    /// <param name="isSequential">Whether the waiting side continues on the thread that serves it.</param>
    public PlaintextHandOver(bool isSequential) => _isSequential = isSequential;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Ends the plaintext. Without it, the reading side never gets an end.</summary>
    public void Complete()
    {
        TaskCompletionSource<int>? arrived;
        int given;
        lock (_gate)
        {
            _isComplete = true;
            (arrived, given) = EndRead();
        }

        arrived?.TrySetResult(given);
    }

    /// <summary>Waits until all bytes are read, or takes a copy of the first ones if they are few.</summary>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        TaskCompletionSource<int>? arrived = null;
        TaskCompletionSource? taken = null;
        var given = 0;
        lock (_gate)
        {
            _handedOver += buffer.Length;
            if (_arrived is not null)
            {
                var length = Math.Min(buffer.Length, _wanted.Length);
                buffer[..length].CopyTo(_wanted);
                _wanted = _wanted[length..];
                _given += length;
                buffer = buffer[length..];

                // A reader waits for a full buffer, so that small frames do not wake it often.
                if (_wanted.IsEmpty)
                {
                    (arrived, given) = EndRead();
                }
            }

            if (_keeper is null && buffer.Length is > 0 and <= KeptLength)
            {
                _keeper = ErasingPool.Instance.Rent(buffer.Length);
                buffer.CopyTo(_keeper.Memory);
                _kept = _keeper.Memory;
            }
            else if (!buffer.IsEmpty)
            {
                _offered = buffer;
                taken = _taken = new TaskCompletionSource(Continuations);
            }
        }

        arrived?.TrySetResult(given);
        if (taken is not null)
        {
            try
            {
                await taken.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                lock (_gate)
                {
                    // The caller reuses and erases its buffer from here on.
                    _offered = default;
                }
            }
        }
    }

    /// <summary>Waits until the buffer is full, except for bytes that are there already; 0 at the end.</summary>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        TaskCompletionSource? taken = null;
        TaskCompletionSource<int>? arrived = null;
        var length = 0;
        lock (_gate)
        {
            if (!_kept.IsEmpty || !_offered.IsEmpty)
            {
                length = Take(ref _kept, buffer);
                length += Take(ref _offered, buffer[length..]);
                taken = _offered.IsEmpty ? _taken : null;
            }
            else if (!_isComplete)
            {
                (_wanted, _given) = (buffer, 0);
                arrived = _arrived = new TaskCompletionSource<int>(Continuations);
            }
        }

        taken?.TrySetResult();
        if (arrived is null)
        {
            return length;
        }

        try
        {
            return await arrived.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
            {
                // A reader that was cancelled gets no more bytes. A later read has its own task.
                if (ReferenceEquals(_arrived, arrived))
                {
                    EndRead();
                }
            }
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        _kept = default;
        _keeper?.Dispose(); // erases it
        base.Dispose(disposing);
    }

    private static int Take(ref ReadOnlyMemory<byte> bytes, Memory<byte> buffer)
    {
        var length = Math.Min(bytes.Length, buffer.Length);
        bytes[..length].CopyTo(buffer);
        bytes = bytes[length..];
        return length;
    }

    private TaskCreationOptions Continuations =>
        _isSequential || _handedOver <= InlineLength ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously;

    private (TaskCompletionSource<int>? Arrived, int Given) EndRead()
    {
        var ended = (_arrived, _given);
        (_arrived, _wanted, _given) = (null, default, 0);
        return ended;
    }
}
