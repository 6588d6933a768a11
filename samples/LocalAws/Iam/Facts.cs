namespace LocalAws.Iam;

/// <summary>What is known about a request, under the names that policy conditions use. Names do not differ by case; values do.</summary>
internal sealed class Facts
{
    private readonly Dictionary<string, List<string>> _values = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>A second value of the same name joins the first: some condition keys have many.</summary>
    public Facts Add(string name, string? value)
    {
        if (value is not null)
        {
            if (!_values.TryGetValue(name, out var values))
            {
                _values[name] = values = [];
            }

            values.Add(value);
        }

        return this;
    }

    /// <summary>Empty when the name is absent from the request.</summary>
    public IReadOnlyList<string> this[string name] => _values.TryGetValue(name, out var values) ? values : [];
}
