using System.Reflection;

namespace Scalr.Byok.Kms.Tests.Conventions;

/// <summary>
/// Everything that an object keeps: through fields of every type, elements of arrays and what delegates capture. It ends at the test's own
/// side.
/// </summary>
internal static class ObjectGraph
{
    private static readonly string[] TestSide =
        [
            "Scalr.Byok.Kms.Tests",
            "LocalAws",
            "nunit",
            "Microsoft.AspNetCore",
            "Microsoft.TestPlatform",
            "Microsoft.Extensions.TimeProvider",
        ];

    /// <summary>The objects, the owner included, each once; values of structs as often as they are kept.</summary>
    public static IReadOnlyList<object> Of(object owner)
    {
        List<object> found = [];
        HashSet<object> seen = new(ReferenceEqualityComparer.Instance);
        Dictionary<Type, FieldInfo[]> fields = [];
        Stack<object> open = new([owner]);
        while (open.TryPop(out var next))
        {
            var type = next.GetType();
            if (!IsEntered(next, type) || !(type.IsValueType || seen.Add(next)))
            {
                continue;
            }

            found.Add(next);
            if (!fields.TryGetValue(type, out var kept))
            {
                fields[type] = kept = FieldsOf(type);
            }

            foreach (var value in next is Array array ? array.Cast<object?>() : kept.Select(field => field.GetValue(next)))
            {
                if (value is not null)
                {
                    open.Push(value);
                }
            }
        }

        return found;
    }

    private static bool IsEntered(object value, Type type) =>
        value is not (string or Type or MemberInfo or Assembly or Module or Thread or Pointer)
        && IsEntered(type)
        && !TestSide.Any(name => type.Assembly.GetName().Name!.StartsWith(name, StringComparison.OrdinalIgnoreCase));

    private static bool IsEntered(Type type) =>
        !(type.IsPrimitive || type.IsEnum || type.IsPointer || type.IsFunctionPointer || type.IsByRefLike)
        && !(type.IsArray && (type.GetElementType() == typeof(string) || !IsEntered(type.GetElementType()!)));

    private static FieldInfo[] FieldsOf(Type type)
    {
        List<FieldInfo> fields = [];
        for (var declaring = type; declaring is not null; declaring = declaring.BaseType)
        {
            fields.AddRange(
                declaring.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
                    .Where(field => field.FieldType != typeof(string) && IsEntered(field.FieldType)));
        }

        return [.. fields];
    }
}
