using Scalr.Byok.Kms.Tests.Columns;
using WebHost;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>Several instances of the sample's host start at the same moment, without a database and without keys for cookies.</summary>
internal sealed class WebHostStartTests
{
    [TestCase(ColumnsWorld.Sqlite)]
    [TestCase(ColumnsWorld.Postgres)]
    public async Task Instances_that_start_at_the_same_moment_have_one_database_and_accept_each_others_cookies(string kind)
    {
        await using var world = await WebHostWorld.StartWithoutHostAsync(kind);
        var starts = Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            var host = await WebHostApplication.CreateAsync([.. world.Arguments], world.Cloud);
            await host.StartAsync();
            return host;
        })).ToList();
        var values = new List<string?>();
        try
        {
            var hosts = await Task.WhenAll(starts);
            var browser = await world.SignInAsync("acme", [.. hosts.Select(host => new Uri(host.Urls.Single()))]);
            await browser.AddVariableAsync("name", "value");
            for (var request = 1; request <= hosts.Length; request++) // each goes to the next host
            {
                values.Add((string?)(await browser.GetAsync("/api/variables")).Json.AsArray().Single()!["value"]);
            }
        }
        finally
        {
            foreach (var start in starts.Where(start => start.IsCompletedSuccessfully))
            {
                var host = await start;
                await host.StopAsync();
                await host.DisposeAsync();
            }
        }

        Assert.That(values, Is.EqualTo((string[])["value", "value", "value"]));
    }
}
