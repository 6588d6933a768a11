using System.Linq.Expressions;
using System.Reflection;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace Columns.Encryption;

/// <summary>
/// Refuses <c>Distinct</c> over encrypted texts. EF Core decrypts the texts of a projection after the database has answered, so the
/// database would compare whole rows, and equal texts would be returned once for each row. All other comparisons of encrypted texts do not
/// translate anyway.
/// </summary>
public sealed class DistinctGuard : IQueryExpressionInterceptor
{
    private DistinctGuard()
    {
    }

    /// <summary>The instance. EF Core builds its services again for each different instance.</summary>
    public static DistinctGuard Instance { get; } = new();

    /// <inheritdoc/>
    public Expression QueryCompilationStarting(Expression queryExpression, QueryExpressionEventData eventData)
    {
        new DistinctCalls().Visit(queryExpression);
        return queryExpression;
    }

    /// <summary>Finds calls of Distinct, in subqueries and groups, too.</summary>
    private sealed class DistinctCalls : ExpressionVisitor
    {
        protected override Expression VisitMethodCall(MethodCallExpression node)
        {
            if (IsQuery(node.Method) && node.Method.Name is nameof(Queryable.Distinct))
            {
                new EncryptedReads().Visit(node.Arguments[0]);
            }

            return base.VisitMethodCall(node);
        }
    }

    /// <summary>Throws where a text is read, or where a row is given to code that could read one.</summary>
    private sealed class EncryptedReads : ExpressionVisitor
    {
        protected override Expression VisitMember(MemberExpression node) =>
            IsRow(node.Expression) && EncryptedColumn.Of(TypeOf(node.Expression)).Any(column => column.Text == node.Member.Name)
                ? throw Refusal()
                : base.VisitMember(node);

        protected override Expression VisitMethodCall(MethodCallExpression node) =>
            IsQuery(node.Method) || node.Method.DeclaringType == typeof(EF) || !node.Arguments.Prepend(node.Object).Any(IsRow)
                ? base.VisitMethodCall(node)
                : throw Refusal();

        protected override Expression VisitInvocation(InvocationExpression node) =>
            node.Arguments.Any(IsRow) ? throw Refusal() : base.VisitInvocation(node);

        // With members it is an anonymous type, whose members EF Core follows.
        protected override Expression VisitNew(NewExpression node) =>
            node.Members is null && node.Arguments.Any(IsRow) ? throw Refusal() : base.VisitNew(node);

        private static bool IsRow(Expression? node) => typeof(TenantRow).IsAssignableFrom(TypeOf(node));

        private static InvalidOperationException Refusal() => new(
            "Distinct over encrypted texts could not be translated: the database cannot compare them. "
            + "Read the texts and compare them in memory: add AsEnumerable() before Distinct().");
    }

    private static bool IsQuery(MethodInfo method) =>
        method.DeclaringType == typeof(Queryable) || method.DeclaringType == typeof(Enumerable);

    /// <summary>The type of an expression before it is converted to a base class or an interface.</summary>
    private static Type TypeOf(Expression? node) =>
        node is UnaryExpression { NodeType: ExpressionType.Convert or ExpressionType.TypeAs } convert
            ? TypeOf(convert.Operand)
            : node?.Type ?? typeof(void);
}
