using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using System.Text;

namespace Scalr.Byok.Kms.Tests.Conventions;

/// <summary>
/// Which types of an assembly refer to which, read from its metadata and IL. What a constant or <c>nameof</c> names leaves no trace there.
/// </summary>
internal sealed class TypeReferences
{
    private readonly PEReader _image;
    private readonly MetadataReader _reader;
    private readonly Dictionary<string, TypeDefinitionHandle> _byName = [];
    private readonly HashSet<(TypeDefinitionHandle From, TypeDefinitionHandle To)> _found = [];
    private readonly TypeSignatures _signatures;
    private TypeDefinitionHandle _from;

    private TypeReferences(PEReader image)
    {
        _image = image;
        _reader = image.GetMetadataReader();
        _signatures = new TypeSignatures(Add);
        foreach (var handle in _reader.TypeDefinitions)
        {
            _byName[NameOf(handle)] = handle;
        }
    }

    /// <summary>All pairs of outermost types; the first refers to the second, itself or in a nested or compiler-generated type.</summary>
    public static IReadOnlyCollection<(Name From, Name To)> Of(Assembly assembly)
    {
        using PEReader image = new(File.OpenRead(assembly.Location));
        TypeReferences references = new(image);
        foreach (var handle in references._reader.TypeDefinitions)
        {
            references.Read(handle);
        }

        return [.. references._found.Select(pair => (references.Describe(pair.From), references.Describe(pair.To)))];
    }

    private void Read(TypeDefinitionHandle handle)
    {
        var type = _reader.GetTypeDefinition(handle);
        _from = Outermost(handle);
        AddEntity(type.BaseType);
        foreach (var implemented in type.GetInterfaceImplementations())
        {
            AddEntity(_reader.GetInterfaceImplementation(implemented).Interface);
        }

        AddGenerics(type.GetGenericParameters());
        AddAttributes(type.GetCustomAttributes());
        foreach (var field in type.GetFields())
        {
            _reader.GetFieldDefinition(field).DecodeSignature(_signatures, null);
            AddAttributes(_reader.GetFieldDefinition(field).GetCustomAttributes());
        }

        foreach (var property in type.GetProperties())
        {
            AddAttributes(_reader.GetPropertyDefinition(property).GetCustomAttributes());
        }

        foreach (var method in type.GetMethods())
        {
            Read(_reader.GetMethodDefinition(method));
        }
    }

    private void Read(MethodDefinition method)
    {
        method.DecodeSignature(_signatures, null);
        AddGenerics(method.GetGenericParameters());
        AddAttributes(method.GetCustomAttributes());
        if (method.RelativeVirtualAddress == 0)
        {
            return;
        }

        var body = _image.GetMethodBody(method.RelativeVirtualAddress);
        if (!body.LocalSignature.IsNil)
        {
            _reader.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(_signatures, null);
        }

        foreach (var region in body.ExceptionRegions)
        {
            AddEntity(region.CatchType);
        }

        foreach (var token in MethodCode.Tokens(body.GetILBytes() ?? []))
        {
            AddEntity(MetadataTokens.EntityHandle(token));
        }
    }

    private void AddEntity(EntityHandle entity)
    {
        if (entity.IsNil)
        {
            return;
        }

        switch (entity.Kind)
        {
            case HandleKind.TypeDefinition:
                Add((TypeDefinitionHandle)entity);
                break;
            case HandleKind.TypeSpecification:
                _reader.GetTypeSpecification((TypeSpecificationHandle)entity).DecodeSignature(_signatures, null);
                break;
            case HandleKind.FieldDefinition:
                Add(_reader.GetFieldDefinition((FieldDefinitionHandle)entity).GetDeclaringType());
                break;
            case HandleKind.MethodDefinition:
                Add(_reader.GetMethodDefinition((MethodDefinitionHandle)entity).GetDeclaringType());
                break;
            case HandleKind.MemberReference:
                AddEntity(_reader.GetMemberReference((MemberReferenceHandle)entity).Parent);
                break;
            case HandleKind.MethodSpecification:
                var method = _reader.GetMethodSpecification((MethodSpecificationHandle)entity);
                AddEntity(method.Method);
                method.DecodeSignature(_signatures, null);
                break;
        }
    }

    private void AddGenerics(GenericParameterHandleCollection parameters)
    {
        foreach (var constraint in parameters.SelectMany(parameter => _reader.GetGenericParameter(parameter).GetConstraints()))
        {
            AddEntity(_reader.GetGenericParameterConstraint(constraint).Type);
        }
    }

    /// <summary>The attributes' types, and the types that their arguments name.</summary>
    private void AddAttributes(CustomAttributeHandleCollection attributes)
    {
        foreach (var attribute in attributes.Select(_reader.GetCustomAttribute))
        {
            AddEntity(attribute.Constructor);
            var text = Encoding.Latin1.GetString(_reader.GetBlobBytes(attribute.Value));
            foreach (var type in _byName.Where(type => text.Contains(type.Key, StringComparison.Ordinal) && IsWhole(text, type.Key)))
            {
                Add(type.Value);
            }
        }
    }

    private static bool IsWhole(string text, string name) =>
        text.IndexOf(name, StringComparison.Ordinal) + name.Length is var end
        && (end == text.Length || !(char.IsLetterOrDigit(text[end]) || text[end] is '.' or '+'));

    private void Add(TypeDefinitionHandle to)
    {
        if (Outermost(to) is var outermost && outermost != _from)
        {
            _found.Add((_from, outermost));
        }
    }

    private TypeDefinitionHandle Outermost(TypeDefinitionHandle handle)
    {
        for (var outer = _reader.GetTypeDefinition(handle)
            .GetDeclaringType(); !outer.IsNil; outer = _reader.GetTypeDefinition(handle).GetDeclaringType())
        {
            handle = outer;
        }

        return handle;
    }

    private string NameOf(TypeDefinitionHandle handle) =>
        Describe(handle) is var name && _reader.GetTypeDefinition(handle).GetDeclaringType().IsNil
            ? $"{name.Namespace}.{name.Simple}"
            : $"{NameOf(_reader.GetTypeDefinition(handle).GetDeclaringType())}+{name.Simple}";

    private Name Describe(TypeDefinitionHandle handle)
    {
        var type = _reader.GetTypeDefinition(handle);
        var isPublic = (type.Attributes & TypeAttributes.VisibilityMask) == TypeAttributes.Public;
        return new Name(_reader.GetString(type.Namespace), _reader.GetString(type.Name).Split('`')[0], isPublic);
    }

    /// <summary>A type's name without its number of generic parameters.</summary>
    internal readonly record struct Name(string Namespace, string Simple, bool IsPublic);
}
