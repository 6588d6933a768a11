using System.Diagnostics;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.Columns;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>
/// What encryption costs the page of 500 variables. The time is reported, not asserted; <c>BYOK_WEBHOST_ROUNDS</c> is the number of
/// measured requests.
/// </summary>
internal sealed partial class PageCostTests
{
    private const int Variables = 500;
    private const int WarmUp = 30;

    private static readonly int Rounds = Measured.Number("BYOK_WEBHOST_ROUNDS", otherwise: 3);

    [TestCase(ColumnsWorld.Sqlite)]
    [TestCase(ColumnsWorld.Postgres)]
    public async Task A_page_of_500_variables_is_the_same_with_and_without_encryption(string kind)
    {
        var plain = new PlainVariables();
        await using var world = await WebHostWorld.StartOnAsync(
            kind,
            services => services.Configure<MvcOptions>(options => options.Filters.Add(plain)),
            "--Byok:DataKeyCache:MaxAge", "00:05:00");
        var customer = await Customer.SignInAsync(world);
        await customer.MoveAsync("Enable");
        await world.AddVariablesAsync("acme", Variables);
        await plain.CopyAsync(world.ConnectionString, "acme", await world.ReadVariablesAsync("acme"));
        var (encryptedPath, plainPath) = ($"/Variables?Size={Variables}", $"/Variables?Size={Variables}&{PlainVariables.Parameter}=1");

        var (encryptedPage, plainPage) = (await customer.Browser.GetAsync(encryptedPath), await customer.Browser.GetAsync(plainPath));
        var (encrypted, unencrypted) = (new List<double>(), new List<double>());
        for (var round = -Math.Min(WarmUp, Rounds); round < Rounds; round++)
        {
            var times = (await TimeAsync(customer.Browser, encryptedPath), await TimeAsync(customer.Browser, plainPath));
            if (round >= 0)
            {
                encrypted.Add(times.Item1);
                unencrypted.Add(times.Item2);
            }
        }

        await TestContext.Out.WriteLineAsync(
            $"{kind}: {Measured.Median(encrypted):0.00} ms encrypted, {Measured.Median(unencrypted):0.00} ms unencrypted, "
            + $"{Measured.Median(encrypted) / Measured.Median(unencrypted):0.00} times (medians of {Rounds})");
        Assert.That(plain.Pages, Is.EqualTo(1 + Rounds + Math.Min(WarmUp, Rounds)));
        Assert.That(Reveal().Count(encryptedPage.Text), Is.EqualTo(Variables));
        Assert.That(Token().Replace(plainPage.Text, ""), Is.EqualTo(Token().Replace(encryptedPage.Text, "")));
    }

    private static async Task<double> TimeAsync(Browser browser, string path)
    {
        var start = Stopwatch.GetTimestamp();
        await browser.GetAsync(path);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    [GeneratedRegex("aria-label=\"Reveal name-")]
    private static partial Regex Reveal();

    [GeneratedRegex("name=\"__RequestVerificationToken\"[^>]*>")]
    private static partial Regex Token();
}
