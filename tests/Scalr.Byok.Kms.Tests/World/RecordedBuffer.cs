using System.Buffers;

namespace Scalr.Byok.Kms.Tests.World;

/// <summary>A caller's buffer writer that gives more room than was asked for, and takes notes.</summary>
internal sealed class RecordedBuffer : IBufferWriter<byte>
{
    private const int Extra = 100;
    private const byte Untouched = 0xCC;

    private byte[] _room = [];

    /// <summary>How much room was asked for, each time.</summary>
    public List<int> Asked { get; } = [];

    /// <summary>How far it was advanced, each time.</summary>
    public List<int> Advanced { get; } = [];

    /// <summary>What was written, by what it was advanced.</summary>
    public byte[] Written => _room[..Advanced.Sum()];

    /// <summary>The room that was asked for last, whatever became of it.</summary>
    public ReadOnlySpan<byte> Room => _room.AsSpan(0, Math.Max(0, _room.Length - Extra));

    /// <summary>Whether what lies behind the room that was asked for is as it was.</summary>
    public bool IsRestUntouched => !_room.AsSpan(Room.Length).ContainsAnyExcept(Untouched);

    public void Advance(int count) => Advanced.Add(count);

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Asked.Add(sizeHint);
        _room = new byte[sizeHint + Extra];
        _room.AsSpan().Fill(Untouched);
        return _room;
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
}
