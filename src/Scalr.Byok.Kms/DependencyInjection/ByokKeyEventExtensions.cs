using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.DependencyInjection;
using Scalr.Byok.Kms.Events;
using Scalr.Byok.Kms.Fleet;

namespace Scalr.Byok.Kms;

/// <summary>Adds observers of key events to <see cref="IByokBuilder"/>.</summary>
public static class ByokKeyEventExtensions
{
    /// <summary>Adds an observer of key events: a customer's key is denied, unreachable, usable again, or soon lost.</summary>
    /// <remarks>
    /// <para>
    /// The first observer turns key events on, for the key rings of all tenants and of <c>AddKeyRing</c>, the platform key included. They
    /// cost one kms:DescribeKey per <see cref="ByokKeyEventOptions.QueryInterval"/> (15 minutes) and key in use, and nothing else in AWS.
    /// Log events and a metric are written too (<see cref="AddKeyEventLogging"/>).
    /// </para>
    /// <para>
    /// Any number of observers can be added. Each is created at the first event. An observer that cannot be created is logged and left out.
    /// </para>
    /// </remarks>
    /// <typeparam name="T">The observer. Registered as a singleton, unless it is registered already.</typeparam>
    /// <param name="builder">The builder.</param>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static IByokBuilder AddKeyObserver<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(
        this IByokBuilder builder)
        where T : class, IByokKeyObserver
    {
        AddKeyEventLogging(builder);
        builder.Services.TryAddSingleton<T>();
        return Add(builder, static provider => provider.GetRequiredService<T>());
    }

    /// <summary>Adds an observer of key events.</summary>
    /// <inheritdoc cref="AddKeyObserver{T}(IByokBuilder)" path="/remarks"/>
    /// <param name="builder">The builder.</param>
    /// <param name="observer">The observer. It is not disposed.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static IByokBuilder AddKeyObserver(this IByokBuilder builder, IByokKeyObserver observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        AddKeyEventLogging(builder);
        return Add(builder, _ => observer);
    }

    /// <summary>Adds a function as an observer of key events.</summary>
    /// <inheritdoc cref="AddKeyObserver{T}(IByokBuilder)" path="/remarks"/>
    /// <param name="builder">The builder.</param>
    /// <param name="observe">Receives each event, as <see cref="IByokKeyObserver.OnKeyEventAsync"/>.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static IByokBuilder AddKeyObserver(this IByokBuilder builder, Func<ByokKeyEvent, CancellationToken, Task> observe)
    {
        ArgumentNullException.ThrowIfNull(observe);
        return AddKeyObserver(builder, new KeyObserverFunction(observe));
    }

    /// <summary>Turns key events on and writes them to log and metrics, without an observer of the host.</summary>
    /// <remarks>
    /// Log events 60 to 62 and the metric <c>scalr.byok.key.events</c>. A denial is not logged again: log event 9 is written when it
    /// begins. Costs what <c>AddKeyObserver</c> costs. Calling it twice has no further effect.
    /// </remarks>
    /// <param name="builder">The builder.</param>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static IByokBuilder AddKeyEventLogging(this IByokBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        if (builder.Services.Any(service => service.ServiceType == typeof(KeyEvents)))
        {
            return builder;
        }

        builder.Services.TryAddSingleton<IEventFleet>(
            provider => provider.GetService<FleetSharing>() is { } fleet ? new SharedInstances(fleet) : new SeparateInstances());
        builder.Services.AddSingleton(provider => new KeyEvents(
            provider.GetRequiredService<IOptions<ByokOptions>>().Value,
            provider.GetServices<KeyObserverRegistration>().Select(
                registration => (Func<IByokKeyObserver>)(() => registration.Make(provider))),
            provider.GetRequiredService<IEventFleet>(),
            ByokServiceCollectionExtensions.Time(provider),
            ByokServiceCollectionExtensions.Logger<IByokKeyObserver>(provider)));
        return Add(builder, static provider => new KeyEventLog(ByokServiceCollectionExtensions.Logger<IByokKeyObserver>(provider)));
    }

    private static IByokBuilder Add(IByokBuilder builder, Func<IServiceProvider, IByokKeyObserver> make)
    {
        builder.Services.AddSingleton(new KeyObserverRegistration(make));
        return builder;
    }
}
