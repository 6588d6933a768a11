namespace Scalr.Byok.Kms.DependencyInjection;

/// <summary>An observer of key events that the host added. Made at the first event, so that an observer may use a key ring.</summary>
internal sealed record KeyObserverRegistration(Func<IServiceProvider, IByokKeyObserver> Make);
