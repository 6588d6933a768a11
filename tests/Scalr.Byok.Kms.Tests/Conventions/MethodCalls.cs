using System.Reflection;
using System.Runtime.CompilerServices;

namespace Scalr.Byok.Kms.Tests.Conventions;

/// <summary>Which methods a method names in its IL: those that it calls, creates or passes on as a delegate.</summary>
internal static class MethodCalls
{
    private const BindingFlags All =
        BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    /// <summary>All methods and constructors of the types, those that the compiler generates included.</summary>
    public static IEnumerable<MethodBase> MethodsOf(IEnumerable<Type> types) =>
        types.SelectMany(type => type.GetMethods(All).Concat<MethodBase>(type.GetConstructors(All)));

    public static IEnumerable<MethodBase> From(MethodBase method)
    {
        if (method.GetMethodBody()?.GetILAsByteArray() is not { } code)
        {
            return [];
        }

        var ofType = method.DeclaringType is { IsGenericType: true } type ? type.GetGenericArguments() : null;
        var ofMethod = method is MethodInfo { IsGenericMethod: true } ? method.GetGenericArguments() : null;
        return MethodCode.Tokens(code).Select(token => method.Module.ResolveMember(token, ofType, ofMethod)).OfType<MethodBase>();
    }

    /// <summary>
    /// All methods of the assembly that a method reaches, itself included. Calls of interfaces and virtual methods are not followed to what
    /// implements them.
    /// </summary>
    public static IReadOnlyCollection<MethodBase> ReachedFrom(MethodBase start, Func<MethodBase, IReadOnlyList<MethodBase>> calls)
    {
        HashSet<MethodBase> reached = [start];
        Stack<MethodBase> open = new(reached);
        while (open.TryPop(out var next))
        {
            foreach (var definition in calls(next).Concat(Body(next)).Select(DefinitionOf))
            {
                if (reached.Add(definition) && definition.Module == start.Module)
                {
                    open.Push(definition);
                }
            }
        }

        return reached;
    }

    /// <summary>Where the compiler puts the code of an async method or an iterator.</summary>
    private static IEnumerable<MethodBase> Body(MethodBase method) => method.GetCustomAttributes<StateMachineAttribute>()
        .SelectMany(attribute => attribute.StateMachineType.GetMethods(All));

    /// <summary>The method as its generic type declares it.</summary>
    private static MethodBase DefinitionOf(MethodBase method) =>
        method.DeclaringType is { IsArray: false } ? method.Module.ResolveMethod(method.MetadataToken) ?? method : method;
}
