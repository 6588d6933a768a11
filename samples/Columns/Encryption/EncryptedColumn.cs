using System.Collections.Concurrent;
using System.Reflection;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Scalr.Byok.Kms;

namespace Columns.Encryption;

/// <summary>
/// One encrypted column: the entity's text, which EF Core does not map, and the mapped shadow property of bytes that stands for it. An
/// entity with rows that are not sensitive (<see cref="IOptionallySensitive"/>) has a second shadow property, for the text as it is.
/// </summary>
public sealed class EncryptedColumn
{
    private static readonly ConcurrentDictionary<Type, EncryptedColumn[]> Known = new();

    private readonly PropertyInfo _text;
    private readonly EncryptedAttribute _place;

    private EncryptedColumn(PropertyInfo text, EncryptedAttribute place)
    {
        _text = text;
        _place = place;
        Stored = text.Name + "Encrypted";
        Plain = typeof(IOptionallySensitive).IsAssignableFrom(text.DeclaringType) ? text.Name + "Plain" : null;
    }

    /// <summary>The name of the entity's text.</summary>
    public string Text => _text.Name;

    /// <summary>Table and column, such as <c>variables.value</c>.</summary>
    public string Name => $"{_place.Table}.{_place.Column}";

    /// <summary>The shadow property's name, for <c>EF.Property&lt;byte[]&gt;(row, …)</c>.</summary>
    public string Stored { get; }

    /// <summary>
    /// The name of the shadow property for the text of a row that is not sensitive, for <c>EF.Property&lt;string&gt;(row, …)</c>; null if
    /// all rows are sensitive.
    /// </summary>
    public string? Plain { get; }

    /// <summary>The encrypted columns of an entity's type; none is an empty list.</summary>
    public static IReadOnlyList<EncryptedColumn> Of(Type entity) => Known.GetOrAdd(entity, static type =>
    [
        .. from property in type.GetProperties()
           let place = property.GetCustomAttribute<EncryptedAttribute>()
           where place is not null
           select new EncryptedColumn(property, place),
    ]);

    /// <summary>
    /// Maps the shadow properties. The last line of <see cref="DbContext.OnModelCreating"/>. The database rejects a row that is sensitive
    /// and has plain text, or is not sensitive and has encrypted bytes.
    /// </summary>
    public static void Map(ModelBuilder model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var nullability = new NullabilityInfoContext();
        foreach (var entity in model.Model.GetEntityTypes().Select(type => type.ClrType).ToList())
        {
            foreach (var column in Of(entity))
            {
                var isRequired = nullability.Create(column._text).ReadState == NullabilityState.NotNull;
                model.Entity(entity).Property<byte[]>(column.Stored).HasColumnName(column._place.Column)
                    .IsRequired(isRequired && column.Plain is null);
                if (column.Plain is not null)
                {
                    column.MapPlain(model.Entity(entity), isRequired);
                }
            }
        }
    }

    /// <summary>Whether the texts of a row are stored as they are.</summary>
    public static bool IsPlain(TenantRow row) => row is IOptionallySensitive { IsSensitive: false };

    /// <summary>The entity's text, unencrypted.</summary>
    public string? Read(TenantRow row) => (string?)_text.GetValue(row);

    /// <summary>Gives the entity its text.</summary>
    public void Write(TenantRow row, string? text) => _text.SetValue(row, text);

    /// <summary>Where the value lives: table, column, row. The tenant is bound by the data key.</summary>
    public ByokAssociatedData Place(Guid row) => ByokAssociatedData.For(_place.Table, _place.Column, row);

    private void MapPlain(EntityTypeBuilder entity, bool isRequired)
    {
        var (encrypted, plain) = (_place.Column, $"plain_{_place.Column}");
        entity.Property<string>(Plain!).HasColumnName(plain).IsRequired(false);

        // Two requests that change the flag and the text at once must not store a mixture.
        entity.Property<bool>(nameof(IOptionallySensitive.IsSensitive)).HasColumnName("is_sensitive").IsConcurrencyToken();
        var (hasEncrypted, hasPlain) = isRequired ? ($" AND {encrypted} IS NOT NULL", $" AND {plain} IS NOT NULL") : ("", "");
        entity.ToTable(table => table.HasCheckConstraint(
            $"one_form_of_{_place.Table}_{encrypted}",
            $"(is_sensitive AND {plain} IS NULL{hasEncrypted}) OR (NOT is_sensitive AND {encrypted} IS NULL{hasPlain})"));
    }
}
