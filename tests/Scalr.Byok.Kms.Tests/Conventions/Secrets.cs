using System.Buffers;
using System.Text;

namespace Scalr.Byok.Kms.Tests.Conventions;

/// <summary>Looks for secrets in texts, as they are and in the forms that the wire gives them.</summary>
internal static class Secrets
{
    /// <summary>A secret access key may have letters only, like an error code of AWS.</summary>
    public const string OfLetters = "PWEEtkOlQegaFmXhixLyLXsucPUgFxIiKpUrQaGR";

    /// <summary>Every text that holds a secret, with the secret.</summary>
    public static IEnumerable<string> FindIn(IEnumerable<string> texts, IEnumerable<string> secrets)
    {
        var forms = secrets.Distinct().SelectMany(Forms).Distinct().ToArray();
        var any = SearchValues.Create(forms, StringComparison.OrdinalIgnoreCase); // one pass for all forms
        return texts.Where(text => text.AsSpan().ContainsAny(any)).SelectMany(
            text => forms.Where(form => text.Contains(form, StringComparison.OrdinalIgnoreCase)), (text, form) => $"'{form}' in: {text}");
    }

    /// <summary>Everything that an exception tells, with those inside it.</summary>
    public static IEnumerable<string> Texts(Exception exception)
    {
        yield return exception.ToString();
        for (var e = exception; e is not null; e = e.InnerException)
        {
            yield return e.Message;
            yield return string.Join("; ", e.Data.Keys.Cast<object>().Select(key => $"{key}={e.Data[key]}"));
            foreach (var property in e.GetType()
                .GetProperties()
                .Where(p => p.PropertyType == typeof(string) && p.GetIndexParameters().Length == 0))
            {
                yield return $"{property.Name}={property.GetValue(e)}";
            }
        }
    }

    private static IEnumerable<string> Forms(string secret)
    {
        var bytes = Encoding.UTF8.GetBytes(secret);
        yield return secret;
        yield return Uri.EscapeDataString(secret);
        yield return Convert.ToHexString(bytes);
        foreach (var form in Base64(bytes))
        {
            yield return form;
        }
    }

    /// <summary>
    /// The base64 of the bytes wherever they start in what is encoded: the first and last characters depend on the neighbours.
    /// </summary>
    private static IEnumerable<string> Base64(byte[] bytes)
    {
        for (var offset = 0; offset < 3; offset++)
        {
            var encoded = Convert.ToBase64String([.. new byte[offset], .. bytes]).TrimEnd('=');
            yield return encoded[(offset == 0 ? 0 : offset + 1)..^(encoded.Length % 4 == 0 ? 0 : 1)];
        }
    }
}
