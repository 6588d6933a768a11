using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Scalr.Byok.Kms.Settings;

/// <summary>
/// Builds the names of role sessions, which customers see in CloudTrail: <see cref="ByokOptions.RoleSessionName"/> with the tenant in it.
/// </summary>
/// <remarks>
/// AWS STS accepts 2 to 64 letters, digits and <c>_ + = , . @ -</c>. In a tenant's name with other characters, they are replaced, and a
/// comma and a hash of the whole name follow. A name with a comma is never used unchanged, so no two tenants have the same session name.
/// </remarks>
internal static class SessionNames
{
    private const string Placeholder = "{tenant}";
    private const int Shortest = 2;
    private const int Longest = 64;
    private const int HashDigits = 16;
    private const char HashMark = ',';

    /// <summary>One character of the tenant, the mark and the hash.</summary>
    private const int ShortestTenant = 1 + 1 + HashDigits;

    private static readonly SearchValues<char> Verbatim =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=.@-");

    /// <summary>What is wrong with the option; null if it is valid.</summary>
    public static string? Complain(string template)
    {
        var rest = template.Split(Placeholder);
        if (string.Concat(rest).AsSpan().IndexOfAny('{', '}') >= 0)
        {
            return $"has a brace that does not belong to {Placeholder}, which is the only placeholder.";
        }

        if (rest.Length > 2)
        {
            return $"has {Placeholder} more than once.";
        }

        var left = Math.Max(Longest - (template.Length - Placeholder.Length), 0);
        return rest.Length == 2 && left < ShortestTenant
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"leaves {left} of {Longest} characters for {Placeholder}, which needs {ShortestTenant}; make the rest shorter.")
            : null;
    }

    /// <summary>The session name of a ring.</summary>
    /// <param name="template">The option.</param>
    /// <param name="tenant">The tenant or the ring's name; null for the unnamed ring.</param>
    public static string For(string template, string? tenant)
    {
        if (template.Split(Placeholder) is not [var before, var after])
        {
            return Valid(template.AsSpan(0, Math.Min(template.Length, Longest))).PadRight(Shortest, '-');
        }

        var (start, end) = (Valid(before), Valid(after));
        var room = Longest - start.Length - end.Length;
        var name = tenant is null ? "" : TenantIn(room, start.Length + end.Length, tenant);
        return (start + name + end).PadRight(Shortest, HashMark);
    }

    private static string TenantIn(int room, int others, string tenant)
    {
        if (tenant.Length <= room && tenant.Length + others >= Shortest && !tenant.AsSpan().ContainsAnyExcept(Verbatim))
        {
            return tenant;
        }

        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(tenant)))[..HashDigits];
        return Valid(tenant.AsSpan(0, Math.Min(tenant.Length, room - HashDigits - 1))) + HashMark + hash;
    }

    /// <summary>Replaces characters that AWS STS does not accept by hyphens.</summary>
    private static string Valid(ReadOnlySpan<char> text)
    {
        var valid = text.ToArray();
        for (var i = 0; i < valid.Length; i++)
        {
            valid[i] = valid[i] == HashMark || Verbatim.Contains(valid[i]) ? valid[i] : '-';
        }

        return new string(valid);
    }
}
