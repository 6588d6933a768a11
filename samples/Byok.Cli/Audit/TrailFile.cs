using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Byok.Cli.Audit;

/// <summary>A log file of AWS CloudTrail: <c>{"Records":[…]}</c>, plain or .gz. Holds one event in memory.</summary>
internal static class TrailFile
{
    /// <summary>The length of the longest event that is read. Events of the five operations have a few KB.</summary>
    public const int LargestEvent = 4 * 1024 * 1024;

    /// <summary>The limit on the decompressed length of a .gz file, so that a small file cannot occupy the command for hours.</summary>
    private const long LargestUnpacked = 4L * 1024 * 1024 * 1024;

    private const int FirstLength = 64 * 1024;

    // Several values: files that were joined are read whole.
    private static readonly JsonReaderOptions Options = new() { MaxDepth = 64, AllowMultipleValues = true };

    /// <summary>The files of the arguments: folders have files that end in .json or .json.gz.</summary>
    /// <exception cref="UsageException">There is no such file.</exception>
    public static IReadOnlyList<string> All(IEnumerable<string> arguments)
    {
        var files = new List<string>();
        foreach (var argument in arguments)
        {
            if (Directory.Exists(argument))
            {
                files.AddRange(Directory.EnumerateFiles(argument, "*", SearchOption.AllDirectories)
                    .Where(static file => file.EndsWith(".json", StringComparison.OrdinalIgnoreCase)
                        || file.EndsWith(".json.gz", StringComparison.OrdinalIgnoreCase))
                    .Order(StringComparer.Ordinal));
            }
            else if (File.Exists(argument))
            {
                files.Add(argument);
            }
            else
            {
                throw new UsageException($"There is no file {argument}.");
            }
        }

        return files;
    }

    /// <summary>Reads the events in order. Those of other services and operations are left out.</summary>
    /// <exception cref="IOException">The file is not one of AWS CloudTrail, or too large.</exception>
    public static async IAsyncEnumerable<TrailEvent> ReadAsync(string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var file = File.OpenRead(path);
        var isPacked = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);
        await using var stream = isPacked ? new GZipStream(file, CompressionMode.Decompress) : (Stream)file;
        var cursor = new Cursor(path);
        var (buffer, length, total) = (new byte[FirstLength], 0, 0L);
        for (var isEnd = false; !isEnd;)
        {
            if (length == buffer.Length)
            {
                Array.Resize(ref buffer, length < LargestEvent ? length * 2 : throw cursor.Bad("an event is too large"));
            }

            var read = await ReadSomeAsync(stream, buffer.AsMemory(length), cursor, cancellationToken);
            (isEnd, length, total) = (read == 0, length + read, total + read);
            if (isPacked && total > LargestUnpacked)
            {
                throw cursor.Bad("it is too large when unpacked");
            }

            var consumed = 0;
            while (cursor.Next(buffer.AsSpan(consumed, length - consumed), isEnd, out var used) is { } found)
            {
                consumed += used;
                if (TrailEvent.Of(found) is { } one)
                {
                    yield return one;
                }
            }

            consumed += cursor.Skipped;
            buffer.AsSpan(consumed, length - consumed).CopyTo(buffer);
            length -= consumed;
        }

        if (!cursor.IsComplete)
        {
            throw cursor.Bad("it ends too early, or has no Records");
        }
    }

    private static async Task<int> ReadSomeAsync(Stream stream, Memory<byte> buffer, Cursor cursor, CancellationToken cancellationToken)
    {
        try
        {
            return await stream.ReadAsync(buffer, cancellationToken);
        }
        catch (InvalidDataException)
        {
            throw cursor.Bad("it is not packed by gzip");
        }
    }

    /// <summary>The place in the JSON, between two pieces of the file.</summary>
    private sealed class Cursor(string path)
    {
        private JsonReaderState _state = new(Options);
        private bool _isRecords;
        private bool _isInRecords;
        private bool _hasRecords;
        private int _depth;

        public bool IsComplete => _depth == 0 && _hasRecords;

        /// <summary>How many bytes the last call of <see cref="Next"/> read without an event at their end.</summary>
        public int Skipped { get; private set; }

        /// <summary>The next event that is whole; null if more bytes are needed, or at the end.</summary>
        public JsonElement? Next(ReadOnlySpan<byte> bytes, bool isEnd, out int used)
        {
            var reader = new Utf8JsonReader(bytes, isEnd, _state);
            try
            {
                while (true)
                {
                    // Kept before each token, so that an event that is cut by the end of the buffer is read again as a whole.
                    var (state, begin) = (reader.CurrentState, reader.BytesConsumed);
                    if (!reader.Read())
                    {
                        break;
                    }

                    if (_isInRecords && reader.TokenType == JsonTokenType.StartObject)
                    {
                        if (!JsonDocument.TryParseValue(ref reader, out var document))
                        {
                            (_state, Skipped, used) = (state, (int)begin, 0);
                            return null;
                        }

                        using (document)
                        {
                            (_state, Skipped, used) = (reader.CurrentState, 0, (int)reader.BytesConsumed);
                            return document.RootElement.Clone();
                        }
                    }

                    Pass(reader.TokenType, isRecords: reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals("Records"));
                }
            }
            catch (JsonException)
            {
                throw Bad("it is not JSON");
            }

            (_state, Skipped, used) = (reader.CurrentState, (int)reader.BytesConsumed, 0);
            return null;
        }

        public IOException Bad(string what) => new($"{path} is not a log file of AWS CloudTrail: {what}.");

        private void Pass(JsonTokenType token, bool isRecords)
        {
            switch (token)
            {
                case JsonTokenType.StartObject or JsonTokenType.StartArray:
                    _isInRecords = _isRecords && _depth == 1 && token == JsonTokenType.StartArray;
                    _hasRecords |= _isInRecords;
                    _depth++;
                    break;
                case JsonTokenType.EndObject or JsonTokenType.EndArray:
                    _isInRecords = false;
                    _depth--;
                    break;
                default:
                    break;
            }

            _isRecords = isRecords && _depth == 1;
        }
    }
}
