namespace Scalr.Byok.Kms;

/// <summary>Hears of changes of customers' keys, to inform the customer or the operator. Added by <c>AddKeyObserver</c>.</summary>
/// <remarks>
/// <para>
/// Called in the background, never by a caller's thread, and never for two events at once. All observers get an event at the same time;
/// the next event follows when they have returned.
/// </para>
/// <para>
/// An event is not repeated if an observer throws: store what must not be lost, or try again. The log has the types of the observer and of
/// the exception. Events that wait are lost when the host stops.
/// </para>
/// </remarks>
public interface IByokKeyObserver
{
    /// <summary>Receives an event.</summary>
    /// <param name="keyEvent">The event.</param>
    /// <param name="cancellationToken">
    /// Cancelled after <see cref="ByokKeyEventOptions.ObserverTimeout"/>, and when the host stops. An observer that does not return then
    /// gets no other event until it does.
    /// </param>
    Task OnKeyEventAsync(ByokKeyEvent keyEvent, CancellationToken cancellationToken);
}
