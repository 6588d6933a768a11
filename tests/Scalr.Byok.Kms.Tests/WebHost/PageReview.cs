using System.Text.Json;
using Microsoft.Playwright;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.WebHost;

/// <summary>
/// Measures what a reviewer of a page would, wide and narrow, light and dark: contrast, width, buttons. Takes a screenshot of the wide page
/// in light colours and of the narrow one in dark colours.
/// </summary>
internal static class PageReview
{
    private const int Height = 900;

    private static readonly (int Width, ColorScheme Photographed)[] Widths = [(1280, ColorScheme.Light), (360, ColorScheme.Dark)];

    /// <summary>Widths that are measured without a screenshot: the largest one, and those where the layout changes.</summary>
    private static readonly int[] OtherWidths = [1600, 1024, 705, 641, 480];

    private static readonly string Folder = Repository.Path("artifacts/screenshots");

    /// <summary>
    /// WCAG 2.2: the contrast of a text with the nearest opaque background is (L1 + 0.05) / (L2 + 0.05), at least 4.5. Disabled buttons are
    /// exempt.
    /// </summary>
    private const string Script = """
        async () => {
            // An element is found before the style sheet has arrived. Asked of the page: Playwright can miss the event of a page.
            if (document.readyState !== "complete") await new Promise(resolve => addEventListener("load", resolve));
            const problems = [];
            const channels = color => color.match(/[\d.]+/g).map(Number);
            const luminance = ([r, g, b]) => [r, g, b].map(c => c / 255)
                .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
                .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
            const background = element => {
                for (let one = element; one; one = one.parentElement) {
                    const color = channels(getComputedStyle(one).backgroundColor);
                    if (color.length === 3 || color[3] === 1) return color;
                }
                return [255, 255, 255];
            };
            const check = (element, color, text) => {
                const [a, b] = [luminance(channels(color)), luminance(background(element))];
                const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
                if (contrast < 4.5) problems.push(`contrast ${contrast.toFixed(2)}: ${text.trim().slice(0, 40)}`);
            };
            const isShown = element => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0;
            let texts = 0;
            const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (walker.nextNode()) {
                const element = walker.currentNode.parentElement;
                if (!walker.currentNode.data.trim() || !isShown(element) || element.closest("button:disabled, noscript")) continue;
                texts++;
                const text = document.createRange();
                text.selectNodeContents(walker.currentNode);
                if ([...text.getClientRects()].some(rect => rect.left < 0 && rect.right > 0)) problems.push(`cut text: ${text}`);
                check(element, getComputedStyle(element).color, walker.currentNode.data);
            }
            for (const field of document.querySelectorAll("input, textarea")) {
                if (field.type === "hidden" || !isShown(field)) continue;
                check(field, getComputedStyle(field).color, field.value);
                if (field.placeholder) check(field, getComputedStyle(field, "::placeholder").color, field.placeholder);
            }
            if (texts < 5) problems.push("the page is empty");
            const width = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth > width) {
                const widest = [...document.body.querySelectorAll("*")].filter(one => one.getBoundingClientRect().right > width + 0.5);
                problems.push(`${document.documentElement.scrollWidth} pixels on ${width}: ${widest.at(-1)?.outerHTML.slice(0, 80)}`);
            }
            const buttons = [...document.querySelectorAll("button, .button")].filter(isShown);
            for (const button of buttons) {
                const range = document.createRange();
                range.selectNodeContents(button);
                const tops = new Set([...range.getClientRects()].map(rect => Math.round(rect.top)));
                if (tops.size > 1) problems.push(`wrapped button: ${button.textContent}`);
                const isCut = range.getBoundingClientRect().right > button.getBoundingClientRect().right;
                if (isCut) problems.push(`cut button: ${button.textContent}`);
            }
            for (const heading of [...document.querySelectorAll("th")].filter(isShown)) {
                const range = document.createRange();
                range.selectNodeContents(heading);
                if (range.getClientRects().length > 1) problems.push(`wrapped heading: ${heading.textContent}`);
            }
            const steps = buttons.filter(one => !one.matches(".quiet, .danger") && !one.closest(".choice"));
            if (steps.length > 1) problems.push(`more than one next step: ${steps.map(one => one.textContent.trim()).join(", ")}`);
            const prose = document.body.cloneNode(true);
            prose.querySelectorAll("pre, code, script, textarea").forEach(one => one.remove());
            const words = prose.textContent.replace(/arn:\S+/g, "");
            for (const [date] of words.matchAll(/\d{4}-\d{2}-\d{2}.{0,10}/g)) {
                if (!/^\d{4}-\d{2}-\d{2} \d{2}:\d{2} UTC/.test(date)) problems.push(`another format of a date: ${date}`);
            }
            for (const [number] of words.matchAll(/(?<![\d:\/,.-])(?!\d{12})\d{4,}(?![\d:\/-])/g)) {
                problems.push(`a number without a comma: ${number}`);
            }
            return problems;
        }
        """;

    /// <summary>Reviews the page as it is shown now. The browser context bypasses the content security policy, for the script.</summary>
    /// <returns>What is wrong, each with the page, the width and the colours.</returns>
    public static async Task<List<string>> OfAsync(IPage page, string name)
    {
        var problems = new List<string>();
        Directory.CreateDirectory(Folder);
        foreach (var (width, photographed) in Widths)
        {
            await page.SetViewportSizeAsync(width, Height);
            foreach (var scheme in (ColorScheme[])[ColorScheme.Light, ColorScheme.Dark])
            {
                await page.EmulateMediaAsync(new() { ColorScheme = scheme });
                var look = $"{name}-{width}-{scheme.ToString().ToLowerInvariant()}";
                problems.AddRange((await FindAsync(page)).Select(problem => $"{look}: {problem}"));
                if (scheme == photographed)
                {
                    var path = Path.Combine(Folder, $"{look}.jpeg");
                    await page.ScreenshotAsync(new() { Path = path, FullPage = true, Type = ScreenshotType.Jpeg });
                }
            }
        }

        foreach (var width in OtherWidths)
        {
            await page.SetViewportSizeAsync(width, Height);
            problems.AddRange((await FindAsync(page)).Select(problem => $"{name}-{width}: {problem}"));
        }

        return problems;
    }

    /// <summary>Asks the page what is wrong with it, and again if it reloads meanwhile, as pages do when something has changed.</summary>
    private static async Task<IEnumerable<string?>> FindAsync(IPage page)
    {
        for (var reloads = 0; ; reloads++)
        {
            try
            {
                var found = await page.EvaluateAsync<JsonElement>(Script);
                return found.EnumerateArray().Select(problem => problem.GetString());
            }
            catch (PlaywrightException e)
                when (reloads < 3 && e.Message.Contains("Execution context was destroyed", StringComparison.Ordinal))
            {
                // The page that comes is reviewed.
            }
        }
    }
}
