using Scalr.Byok.Kms.Tests.Columns;
using WebHost.Accounts;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>The persisted state machine of an account.</summary>
internal sealed class AccountStoreTests
{
    private static readonly AccountPhase[] Phases = Enum.GetValues<AccountPhase>();

    [TestCase(ColumnsWorld.Sqlite)]
    [TestCase(ColumnsWorld.Postgres)]
    public async Task Of_concurrent_changes_one_wins_and_an_illegal_one_changes_nothing(string kind)
    {
        await using var world = await WebHostWorld.StartOnAsync(kind);
        var account = await world.Accounts.GetAsync("acme");

        var changes = await Task.WhenAll(Enumerable.Range(0, 8).Select(
            _ => Task.Run(() => world.Accounts.ChangeAsync("acme", account.Version, AccountAction.DeleteDataKey))));

        Assert.That(changes, Has.Exactly(1).EqualTo(AccountChange.Done));
        Assert.That(changes, Has.Exactly(7).EqualTo(AccountChange.Stale));
        Assert.That((await world.Accounts.GetAsync("acme")).Version, Is.EqualTo(account.Version + 1));

        var illegal = await world.Accounts.ChangeAsync("globex", account.Version, AccountAction.ReturnToPlatformKey);
        Assert.That(illegal, Is.EqualTo(AccountChange.Illegal));
        Assert.That((await world.Accounts.GetAsync("globex")).Version, Is.EqualTo(account.Version));
    }

    [Test]
    public void Only_the_end_of_a_move_leads_from_a_move_to_a_phase_without_one()
    {
        var ends = from phase in Phases
                   where phase.IsMove()
                   from action in Enum.GetValues<AccountAction>()
                   let next = AccountRules.Next(phase, action)
                   where next is { } settled && !settled.IsMove()
                   select action;

        Assert.That(ends.Distinct(), Is.EquivalentTo((AccountAction[])[AccountAction.FinishMove, AccountAction.DeleteDataKey]));
    }

    [Test]
    public void Each_phase_can_be_left_and_no_action_leads_to_a_customers_key_without_a_move()
    {
        var actions = Enum.GetValues<AccountAction>();

        Assert.That(
            Phases.Where(phase => !actions.Any(action => AccountRules.Next(phase, action) is { } next && next != phase)), Is.Empty);
        Assert.That(
            Phases.Where(phase => !phase.IsMove() && phase != AccountPhase.CustomerKey)
                .SelectMany(phase => actions.Select(action => AccountRules.Next(phase, action))),
            Has.None.EqualTo(AccountPhase.CustomerKey));
    }
}
