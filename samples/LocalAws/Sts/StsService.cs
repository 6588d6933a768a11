using System.Text;
using System.Xml.Linq;
using LocalAws.Iam;
using LocalAws.Wire;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;

namespace LocalAws.Sts;

/// <summary>STS over its own protocol: a form in, XML out.</summary>
internal sealed class StsService : IService
{
    private const string ContentType = "text/xml";

    private static readonly XNamespace Namespace = "https://sts.amazonaws.com/doc/2011-06-15/";

    private readonly Dictionary<string, StsOperation> _operations;

    public StsService(Cloud cloud)
    {
        var roles = new RoleSessions(cloud);
        var webIdentity = new WebIdentity(cloud, roles);
        _operations = new Dictionary<string, StsOperation>(StringComparer.Ordinal)
        {
            ["GetCallerIdentity"] = new(IsSigned: true, (request, _) => Task.FromResult(CallerIdentity(request.SignedBy))),
            ["AssumeRole"] = new(IsSigned: true, (request, _) => Task.FromResult(roles.AssumeRole(request))),
            ["AssumeRoleWithWebIdentity"] = new(IsSigned: false, webIdentity.AssumeRoleAsync),
        };
    }

    public string Name => "sts";

    public Call Open(WireRequest request)
    {
        var form = QueryHelpers.ParseQuery(request.Method == HttpMethods.Get ? request.Query : Encoding.UTF8.GetString(request.Body));
        var operation = form.TryGetValue("Action", out var action) ? action.ToString() : string.Empty;
        return new StsCall(operation, _operations.GetValueOrDefault(operation), new StsParameters(form), request.Region);
    }

    public Answer Refuse(AwsException error)
    {
        var requestId = Guid.NewGuid().ToString();
        var body = new XElement(
            Namespace + "ErrorResponse",
            new XElement(
                Namespace + "Error",
                new XElement(Namespace + "Type", error.Status < StatusCodes.Status500InternalServerError ? "Sender" : "Receiver"),
                new XElement(Namespace + "Code", error.Code),
                new XElement(Namespace + "Message", error.Text)),
            new XElement(Namespace + "RequestId", requestId));
        return new Answer(error.Status, ContentType, Bytes(body))
        {
            ErrorCode = error.Code,
            RetryAfter = error.RetryAfter,
            RequestId = requestId,
        };
    }

    public AwsException Refusal(NotAuthenticatedException reason) => new(
        reason.Reason switch
        {
            NotAuthenticated.Unsigned => "MissingAuthenticationToken",
            NotAuthenticated.Incomplete => "IncompleteSignature",
            NotAuthenticated.UnknownCredentials => "InvalidClientTokenId",
            NotAuthenticated.Expired => "ExpiredToken",
            _ => "SignatureDoesNotMatch",
        },
        reason.Message,
        reason.Reason == NotAuthenticated.Incomplete ? StatusCodes.Status400BadRequest : StatusCodes.Status403Forbidden);

    /// <param name="operation">Names the two outer elements.</param>
    /// <param name="members">The result's members: a text, or a list of members in turn.</param>
    internal static Answer Success(string operation, params IEnumerable<(string Name, object Value)> members)
    {
        var requestId = Guid.NewGuid().ToString();
        var body = new XElement(
            Namespace + (operation + "Response"),
            new XElement(Namespace + (operation + "Result"), Elements(members)),
            new XElement(Namespace + "ResponseMetadata", new XElement(Namespace + "RequestId", requestId)));
        return new Answer(StatusCodes.Status200OK, ContentType, Bytes(body)) { RequestId = requestId };
    }

    private static Answer CallerIdentity(Caller caller) =>
        Success("GetCallerIdentity", ("Arn", caller.Arn), ("UserId", caller.UserId), ("Account", caller.AccountId));

    private static IEnumerable<XElement> Elements(IEnumerable<(string Name, object Value)> members) =>
        members.Select(member => new XElement(
            Namespace + member.Name,
            member.Value is IEnumerable<(string, object)> inner ? Elements(inner) : member.Value));

    private static byte[] Bytes(XElement body) => Encoding.UTF8.GetBytes(body.ToString(SaveOptions.DisableFormatting));
}
