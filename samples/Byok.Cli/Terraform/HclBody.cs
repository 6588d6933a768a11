using System.Text;

namespace Byok.Cli.Terraform;

/// <summary>
/// The inside of a block or an object, laid out as terraform fmt does: two spaces for each level, and the equals signs of attributes that
/// follow each other on single lines in one column.
/// </summary>
internal sealed class HclBody
{
    private readonly List<(string Name, string Value)> _attributes = [];
    private readonly StringBuilder _text = new();

    /// <param name="name">The attribute, quoted if it is not an identifier.</param>
    /// <param name="value">An expression. Its lines after the first are already indented, relative to the attribute.</param>
    public HclBody Attribute(string name, string value)
    {
        if (value.Contains('\n', StringComparison.Ordinal))
        {
            Align();
            _text.Append(name).Append(" = ").Append(value).Append('\n');
        }
        else
        {
            _attributes.Add((name, value));
        }

        return this;
    }

    /// <summary>Adds a nested block, after an empty line.</summary>
    public HclBody Block(string header, HclBody body)
    {
        Align();
        if (_text.Length > 0)
        {
            _text.Append('\n');
        }

        _text.Append(header).Append(" {\n").Append(Indented(body.ToString())).Append("}\n");
        return this;
    }

    /// <summary>The lines, each with its end.</summary>
    public override string ToString()
    {
        Align();
        return _text.ToString();
    }

    /// <summary>Two spaces before each line that is not empty.</summary>
    public static string Indented(string lines)
    {
        var indented = new StringBuilder();
        foreach (var line in lines.Split('\n')[..^1])
        {
            indented.Append(line.Length == 0 ? "" : "  ").Append(line).Append('\n');
        }

        return indented.ToString();
    }

    private void Align()
    {
        var width = _attributes.Select(attribute => attribute.Name.Length).DefaultIfEmpty().Max();
        foreach (var (name, value) in _attributes)
        {
            _text.Append(name.PadRight(width)).Append(" = ").Append(value).Append('\n');
        }

        _attributes.Clear();
    }
}
