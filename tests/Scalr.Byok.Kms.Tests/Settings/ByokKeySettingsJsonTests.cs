using System.Collections;
using System.Reflection;
using System.Text.Json;
using Microsoft.AspNetCore.DataProtection;
using static Scalr.Byok.Kms.Tests.Keys.KeyArnSamples;

namespace Scalr.Byok.Kms.Tests.Settings;

/// <summary>Settings are stored with protected secrets, or not at all.</summary>
internal sealed class ByokKeySettingsJsonTests
{
    private const string Secret = "S3cret+key/of-the+customer";
    private const string Id = "S3cret-id";

    private static readonly IDataProtector Protector = new EphemeralDataProtectionProvider().CreateProtector("byok", "acme");

    [Test]
    public void Every_setting_comes_back()
    {
        var settings = new ByokKeySettings();
        var number = 0;
        Fill(settings, ref number);
        Assert.That(number, Is.GreaterThanOrEqualTo(14), "all texts are filled in");

        var read = ByokKeySettingsJson.Deserialize(ByokKeySettingsJson.Serialize(settings, Protector.Protect), Protector.Unprotect);

        Assert.That(Texts(read), Is.EqualTo(Texts(settings)));
    }

    [Test]
    public void No_secret_is_written_in_clear()
    {
        var json = ByokKeySettingsJson.Serialize(Settings(), Protector.Protect);

        Assert.That(json, Does.Not.Contain("S3cret").And.Contain(MultiRegion).And.Contain(Validated.RoleArn));
        Assert.That(json, Does.Contain("\"ProtectedSecretAccessKey\"").And.Contain(
            "\"ProtectedExternalId\"").And.Not.Contain("\"SecretAccessKey\"").And.Not.Contain("\"ExternalId\""));
    }

    [Test]
    public void Plain_JSON_takes_no_protected_text_for_a_secret()
    {
        var json = ByokKeySettingsJson.Serialize(Settings(), Protector.Protect);

        var read = JsonSerializer.Deserialize(json, SettingsJson.Default.ByokKeySettings)!;

        Assert.That((read.Credentials.SecretAccessKey, read.Credentials.ExternalId), Is.EqualTo((default(string), default(string))));
    }

    [Test]
    public void Empty_texts_of_a_form_are_no_secrets()
    {
        var settings = new ByokKeySettings { KeyArn = MultiRegion, Credentials = ByokCredentialSettings.AssumeRole(Validated.RoleArn, Id) };
        settings.Credentials.SecretAccessKey = "";

        var json = ByokKeySettingsJson.Serialize(settings, Protector.Protect);
        var stored = json.Replace("\"RoleArn\"", "\"ProtectedSecretAccessKey\":\"\",\"RoleArn\"", StringComparison.Ordinal);

        Assert.That(json, Does.Not.Contain("ProtectedSecretAccessKey"));
        foreach (var read in new[] { json, stored }.Select(one => ByokKeySettingsJson.Deserialize(one, Protector.Unprotect).Credentials))
        {
            Assert.That((read.SecretAccessKey, read.ExternalId), Is.EqualTo((default(string), Id)));
        }
    }

    [Test]
    public void A_protector_that_returns_nothing_loses_no_secret_without_notice([Values(null, "")] string? returned)
    {
        var json = ByokKeySettingsJson.Serialize(Settings(), Protector.Protect);

        Assert.That(() => ByokKeySettingsJson.Deserialize(json, _ => returned!), Throws.InvalidOperationException.With.Message.EqualTo(
            "The protector returned nothing for a secret that is stored encrypted."));
    }

    public static IEnumerable<TestCaseData> NoProtectors()
    {
        yield return new TestCaseData((Func<string, string>)(text => text)).SetArgDisplayNames("nothing done");
        yield return new TestCaseData((Func<string, string>)(text => $"v1:{text}")).SetArgDisplayNames("a prefix");
        yield return new TestCaseData((Func<string, string>)(_ => "")).SetArgDisplayNames("nothing returned");
        yield return new TestCaseData((Func<string, string>)(_ => null!)).SetArgDisplayNames("null returned");
    }

    [TestCaseSource(nameof(NoProtectors))]
    public void What_does_not_protect_is_refused(Func<string, string> protect) =>
        Assert.That(() => ByokKeySettingsJson.Serialize(Settings(), protect), Throws.InvalidOperationException.With.Message.EqualTo(
            "The protector did not encrypt a secret: it returned nothing, or a text that contains the secret. Nothing was written."));

    [Test]
    public void A_short_secret_may_be_part_of_its_protected_text_by_chance()
    {
        var settings = new ByokKeySettings { Credentials = ByokCredentialSettings.AssumeRole(Validated.RoleArn, "ab") };

        var json = ByokKeySettingsJson.Serialize(settings, _ => "xxabxx");

        Assert.That(ByokKeySettingsJson.Deserialize(json, _ => "ab").Credentials.ExternalId, Is.EqualTo("ab"));
    }

    [TestCase("""{ "Credentials": { "SecretAccessKey": "S3cret" } }""", "SecretAccessKey")]
    [TestCase("""{ "PreviousKeys": [ { "credentials": { "externalId": "S3cret" } } ] }""", "ExternalId")]
    public void A_secret_in_clear_is_refused(string json, string name) =>
        Assert.That(() => ByokKeySettingsJson.Deserialize(json, text => text), Throws.TypeOf<JsonException>().With.Message.EqualTo(
            $"The JSON has {name} unencrypted. Read it once with JsonSerializer.Deserialize<ByokKeySettings>, and store it with "
            + "ByokKeySettingsJson.Serialize."));

    [Test]
    public void Previous_keys_that_are_null_are_written_and_read()
    {
        var json = ByokKeySettingsJson.Serialize(new ByokKeySettings { PreviousKeys = [null!] }, Protector.Protect);

        foreach (var stored in (string[])[json, """{ "PreviousKeys": [ null ] }"""])
        {
            var previous = ByokKeySettingsJson.Deserialize(stored, Protector.Unprotect).PreviousKeys.Single();
            Assert.That((previous.KeyArn, previous.Credentials.Type), Is.EqualTo((default(string), default(string))));
        }
    }

    [TestCase("null")]
    [TestCase("")]
    [TestCase("[]")]
    [TestCase("{")]
    public void What_is_no_JSON_of_settings_is_refused(string json) =>
        Assert.That(() => ByokKeySettingsJson.Deserialize(json, text => text), Throws.TypeOf<JsonException>());

    [Test]
    public void Members_of_a_newer_version_are_ignored() =>
        Assert.That(
            ByokKeySettingsJson.Deserialize($$"""{ "KeyArn": "{{MultiRegion}}", "New": 1 }""", text => text).KeyArn,
            Is.EqualTo(MultiRegion));

    [Test]
    public void Another_tenants_protector_does_not_open_it()
    {
        var json = ByokKeySettingsJson.Serialize(Settings(), Protector.Protect);
        var other = new EphemeralDataProtectionProvider().CreateProtector("byok", "globex");

        Assert.That(
            () => ByokKeySettingsJson.Deserialize(json, other.Unprotect),
            Throws.InstanceOf<System.Security.Cryptography.CryptographicException>());
    }

    [Test]
    public void Null_arguments_are_named()
    {
        Assert.That(
            () => ByokKeySettingsJson.Serialize(null!, text => text),
            Throws.ArgumentNullException.With.Property("ParamName").EqualTo("settings"));
        Assert.That(
            () => ByokKeySettingsJson.Serialize(Settings(), null!),
            Throws.ArgumentNullException.With.Property("ParamName").EqualTo("protect"));
        Assert.That(
            () => ByokKeySettingsJson.Deserialize(null!, text => text),
            Throws.ArgumentNullException.With.Property("ParamName").EqualTo("json"));
        Assert.That(
            () => ByokKeySettingsJson.Deserialize("{}", null!),
            Throws.ArgumentNullException.With.Property("ParamName").EqualTo("unprotect"));
    }

    private static ByokKeySettings Settings() => new()
    {
        KeyArn = MultiRegion,
        Credentials = ByokCredentialSettings.AssumeRole(Validated.RoleArn, Id),
        PreviousKeys = [new() { KeyArn = SingleRegion, Credentials = ByokCredentialSettings.AccessKeys(Validated.AccessKeyId, Secret) }],
    };

    private static void Fill(object settings, ref int number)
    {
        foreach (var property in settings.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            if (property.PropertyType == typeof(string))
            {
                property.SetValue(settings, $"text-{++number}");
            }
            else if (property.GetValue(settings) is IList<string> texts)
            {
                texts.Add($"text-{++number}");
            }
            else if (property.GetValue(settings) is IList<ByokPreviousKeySettings> keys)
            {
                keys.Add(new ByokPreviousKeySettings());
                Fill(keys[0], ref number);
            }
            else
            {
                Fill(property.GetValue(settings)!, ref number);
            }
        }
    }

    private static IEnumerable<string?> Texts(object? settings) =>
        settings is null or string ? [(string?)settings]
        : settings is IEnumerable list ? list.Cast<object?>().SelectMany(Texts)
        : settings.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .SelectMany(property => Texts(property.GetValue(settings)));
}
