using System.Net.ServerSentEvents;
using System.Threading.Channels;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms;
using WebHost.Accounts;
using WebHost.Credentials;

namespace WebHost.Pages.Encryption;

/// <summary>Enable, change key and change credentials: instructions for AWS, the fields, "Test connection", and the decision.</summary>
/// <param name="accounts">The accounts.</param>
/// <param name="verifier">Tries settings before they are used.</param>
/// <param name="issuer">The host's issuer, for OIDC.</param>
/// <param name="host">The host's AWS account.</param>
/// <param name="options">The Regions that keys may be in.</param>
[Authorize(SignedInAccount.Policy)]
[ResponseCache(NoStore = true, Location = ResponseCacheLocation.None)]
public sealed class SetupModel(
    AccountStore accounts, IByokVerifier verifier, HostIssuer issuer, HostSettings host, IOptions<ByokOptions> options) : PageModel
{
    private static readonly TimeSpan Propagation = TimeSpan.FromMinutes(2);

    /// <summary>What the settings are for.</summary>
    [BindProperty(SupportsGet = true)]
    public AccountAction Purpose { get; set; } = AccountAction.Enable;

    /// <summary>The credentials type.</summary>
    [BindProperty(SupportsGet = true)]
    public string Type { get; set; } = ByokCredentialSettings.AccessKeysType;

    /// <summary>The KMS key ARN, for the policies and the settings.</summary>
    [BindProperty(SupportsGet = true)]
    public string? KeyArn { get; set; }

    /// <summary>The audience of OIDC tokens.</summary>
    [BindProperty(SupportsGet = true)]
    public string? Audience { get; set; }

    /// <summary>The access key ID.</summary>
    [BindProperty]
    public string? AccessKeyId { get; set; }

    /// <summary>The secret access key. The page never shows it again.</summary>
    [BindProperty]
    public string? SecretAccessKey { get; set; }

    /// <summary>The role ARN.</summary>
    [BindProperty]
    public string? RoleArn { get; set; }

    /// <summary>Whether to wait until IAM has applied a change.</summary>
    [BindProperty]
    public bool Wait { get; set; }

    /// <summary>The version of the account that the page shows.</summary>
    [BindProperty]
    public long Version { get; set; }

    /// <summary>The account.</summary>
    public Account Account { get; private set; } = null!;

    /// <summary>What the customer does in AWS; null until the key ARN is known.</summary>
    public AwsInstructions? Instructions { get; private set; }

    /// <summary>What is wrong with the key ARN; null if nothing is.</summary>
    public string? KeyArnError { get; private set; }

    /// <summary>The steps of a test without script.</summary>
    public IReadOnlyList<ByokVerificationStep> Steps { get; private set; } = [];

    /// <summary>The settings that passed the test; null without any.</summary>
    public Guid? Draft { get; private set; }

    /// <summary>The Regions that keys may be in.</summary>
    public IEnumerable<string> Regions => options.Value.AllowedRegions;

    /// <summary>The provider URL for OIDC.</summary>
    public string IssuerUrl => issuer.Issuer.ToString().TrimEnd('/');

    /// <summary>The title of the page.</summary>
    public string Title => Purpose switch
    {
        AccountAction.ChangeKey => "Change key",
        AccountAction.ChangeCredentials => "Change credentials",
        _ => "Enable encryption with your own key",
    };

    /// <summary>Shows instructions and fields.</summary>
    public async Task<IActionResult> OnGetAsync(CancellationToken stop) =>
        await LoadAsync(stop) ? Page() : IndexModel.To(AccountChange.Illegal);

    /// <summary>A file for the tools of AWS or HashiCorp.</summary>
    public async Task<IActionResult> OnGetDownloadAsync(string format, CancellationToken stop)
    {
        if (!await LoadAsync(stop) || Instructions is null)
        {
            return BadRequest();
        }

        return format == "terraform"
            ? File(System.Text.Encoding.UTF8.GetBytes(Instructions.Terraform()), "text/plain", "byok.tf")
            : File(System.Text.Encoding.UTF8.GetBytes(Instructions.CloudFormation()), "application/json", "byok.json");
    }

    /// <summary>Tests the connection. With the script of the page, steps are sent as they end.</summary>
    public async Task<IActionResult> OnPostTestAsync(CancellationToken stop)
    {
        if (!await LoadAsync(stop))
        {
            return IndexModel.To(AccountChange.Illegal);
        }

        var live = Request.Headers.Accept.Contains("text/event-stream");
        if (SettingsError() is { } error)
        {
            ModelState.AddModelError("", error);
            return live ? BadRequest(error) : Page();
        }

        if (!live)
        {
            (Steps, Draft) = await TestAsync(progress: null, stop);
            return Page();
        }

        var steps = Channel.CreateUnbounded<SseItem<object>>();
        var test = SendAsync(steps.Writer, stop);
        await TypedResults.ServerSentEvents(steps.Reader.ReadAllAsync(stop)).ExecuteAsync(HttpContext);
        await test;
        return new EmptyResult();
    }

    /// <summary>Uses the tested settings: the data begins to move.</summary>
    public async Task<IActionResult> OnPostActivateAsync(Guid draft, CancellationToken stop) =>
        IndexModel.To(await accounts.ActivateAsync(User.Tenant(), Version, draft, stop));

    private async Task SendAsync(ChannelWriter<SseItem<object>> steps, CancellationToken stop)
    {
        try
        {
            var progress = new StepProgress(one => steps.TryWrite(new(
                new
                {
                    check = one.Step.Check.ToString(),
                    title = Texts.Of(one.Step.Check) + ": "
                        + (one.RetryIn is null ? Texts.Of(one.Step.Outcome) : $"waiting for AWS, attempt {one.Attempt}") + ".",
                    outcome = one.RetryIn is null ? one.Step.Outcome.ToString() : "Waiting",
                    message = one.Step.Message,
                    remedy = one.Step.Remedy,
                    policy = one.Step.Policy,
                },
                "step")));
            var (_, draft) = await TestAsync(progress, stop);
            steps.TryWrite(new(new { draft }, "done"));
            steps.Complete();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            steps.Complete(e);
            throw;
        }
        catch (OperationCanceledException)
        {
            steps.Complete(); // the page was closed
        }
    }

    private async Task<(IReadOnlyList<ByokVerificationStep> Steps, Guid? Draft)> TestAsync(StepProgress? progress, CancellationToken stop)
    {
        var tenant = User.Tenant();
        var settings = Typed();
        var tested = Typed();
        if (Purpose == AccountAction.ChangeKey)
        {
            tested.PreviousKeys.Add(AccountKeyStore.PreviousOf(accounts.SettingsOf(Account)!));
        }

        var verification = await verifier.VerifyAsync(
            tested,
            tenant,
            new() { ForDataKeys = true, WaitForPropagation = Wait ? Propagation : TimeSpan.Zero, Progress = progress },
            stop);
        var draft = verification.Succeeded ? await accounts.SaveDraftAsync(tenant, Version, Purpose, settings, stop) : null;
        return (verification.Steps, draft);
    }

    /// <summary>The settings that the customer typed. The external ID is the host's.</summary>
    private ByokKeySettings Typed() => new()
    {
        KeyArn = KeyArn?.Trim(),
        Credentials = Type switch
        {
            ByokCredentialSettings.AssumeRoleType => ByokCredentialSettings.AssumeRole(RoleArn?.Trim() ?? "", Account.ExternalId),
            ByokCredentialSettings.OidcType => ByokCredentialSettings.Oidc(RoleArn?.Trim() ?? "", Audience?.Trim() ?? ""),
            _ => ByokCredentialSettings.AccessKeys(AccessKeyId?.Trim() ?? "", SecretAccessKey?.Trim() ?? ""),
        },
    };

    private string? SettingsError()
    {
        var current = accounts.SettingsOf(Account)?.KeyArn;
        return Account.Version != Version ? "The settings were changed in another tab. Load the page again."
            : Purpose == AccountAction.ChangeKey && current == KeyArn?.Trim() ? "This is the current key. Choose another one."
            : Purpose == AccountAction.ChangeCredentials && current != KeyArn?.Trim() ? "To use another key, choose Change key."
            : null;
    }

    /// <summary>False if the purpose is not legal now.</summary>
    private async Task<bool> LoadAsync(CancellationToken stop)
    {
        Account = await accounts.GetAsync(User.Tenant(), stop);
        var isTyped = Purpose is AccountAction.Enable or AccountAction.ChangeKey or AccountAction.ChangeCredentials;
        if (!isTyped || !Account.Phase.Allows(Purpose) || !CredentialsTypes.All.ContainsKey(Type))
        {
            return false;
        }

        Audience = string.IsNullOrWhiteSpace(Audience) ? "webhost" : Audience.Trim();
        if (Purpose == AccountAction.ChangeCredentials)
        {
            KeyArn ??= accounts.SettingsOf(Account)!.KeyArn;
        }

        if (!string.IsNullOrWhiteSpace(KeyArn))
        {
            Instructions = KmsKeyArn.TryParse(KeyArn.Trim(), out var key, out var error)
                ? new AwsInstructions(key, Type, Account, host.HostAccountId, issuer.ProviderHost, Audience)
                : null;
            KeyArnError = error;
        }

        if (!HttpMethods.IsPost(Request.Method))
        {
            Version = Account.Version;
        }

        return true;
    }

    private sealed class StepProgress(Action<ByokVerificationProgress> report) : IProgress<ByokVerificationProgress>
    {
        public void Report(ByokVerificationProgress value) => report(value);
    }
}
