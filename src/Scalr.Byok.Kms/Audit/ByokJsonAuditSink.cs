namespace Scalr.Byok.Kms;

/// <summary>Writes each record as one line of JSON to a stream (<see cref="ByokAuditRecord.ToJson"/>). Safe for concurrent use.</summary>
/// <remarks>
/// Each line is written and flushed before <see cref="Record"/> returns, so a record survives the end of the process. On a
/// <see cref="FileStream"/> it is then in the operating system's cache; a loss of power can still lose it. One line costs some
/// microseconds on a local disk. If a write fails, on a full disk for example, the next record begins a new line. The command
/// <c>byok audit reconcile</c> reads the format.
/// </remarks>
public sealed class ByokJsonAuditSink : IByokAuditSink, IDisposable
{
    private static readonly byte[] NewLine = "\n"u8.ToArray();

    private readonly Lock _gate = new();
    private readonly MemoryStream _line = new();
    private readonly Stream _destination;

    // Whether the stream may end within a line, because the last write failed.
    private bool _isCut;

    /// <summary>Creates the sink.</summary>
    /// <param name="destination">The stream to append to. <see cref="Dispose"/> disposes it.</param>
    /// <exception cref="ArgumentNullException"><paramref name="destination"/> is null.</exception>
    public ByokJsonAuditSink(Stream destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        _destination = destination;
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentNullException"><paramref name="record"/> is null.</exception>
    /// <exception cref="IOException">The stream cannot be written.</exception>
    /// <exception cref="ObjectDisposedException">The sink is disposed.</exception>
    public void Record(ByokAuditRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        lock (_gate)
        {
            // One write per line, so that a line is never interleaved with another process's line on a file that is open for appending.
            _line.SetLength(0);
            if (_isCut)
            {
                // So that the rest of a line does not spoil this one. Readers ignore an empty line.
                _line.Write(NewLine);
            }

            record.WriteTo(_line);
            _line.Write(NewLine);
            _isCut = true;
            _destination.Write(_line.GetBuffer(), 0, (int)_line.Length);
            _destination.Flush();
            _isCut = false;
        }
    }

    /// <summary>Disposes the stream.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _destination.Dispose();
            _line.Dispose();
        }
    }
}
