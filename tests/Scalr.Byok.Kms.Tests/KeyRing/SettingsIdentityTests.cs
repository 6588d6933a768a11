using System.Collections;
using System.Reflection;
using Scalr.Byok.Kms.KeyRing;
using Scalr.Byok.Kms.Tests.Settings;
using static Scalr.Byok.Kms.Tests.Keys.KeyArnSamples;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>Settings are equal if all their fields are.</summary>
internal sealed class SettingsIdentityTests
{
    /// <summary>Every text in the settings, by its path: a new one is found here by itself.</summary>
    private static IEnumerable<string> Texts() => Walk(Full(), "").Select(text => text.Path);

    [TestCaseSource(nameof(Texts))]
    public void Each_text_makes_a_difference(string path)
    {
        var changed = Full();
        var (_, set) = Walk(changed, "").Single(text => text.Path == path);
        set("another");

        Assert.That(SettingsIdentity.Of(changed), Is.Not.EqualTo(SettingsIdentity.Of(Full())));
        set(null);
        Assert.That(SettingsIdentity.Of(changed), Is.Not.EqualTo(SettingsIdentity.Of(Full())));
    }

    [Test]
    public void Equal_settings_are_equal()
    {
        var (one, other) = (Full(), Full());

        Assert.That(SettingsIdentity.Of(one), Is.EqualTo(SettingsIdentity.Of(other)));
        Assert.That(Texts().Count(), Is.EqualTo(15), "the walk finds the texts");
    }

    [Test]
    public void Hash_codes_are_of_the_content()
    {
        var (one, equal, other) = (Full(), Full(), Full());
        other.Credentials.ExternalId = "another";

        Assert.That(SettingsIdentity.Of(one).GetHashCode(), Is.EqualTo(SettingsIdentity.Of(equal).GetHashCode()));
        Assert.That(SettingsIdentity.Of(one).GetHashCode(), Is.Not.EqualTo(SettingsIdentity.Of(other).GetHashCode()));
        Assert.That(default(SettingsIdentity).GetHashCode(), Is.Zero);
    }

    [Test]
    public void The_order_of_keys_makes_a_difference_and_an_empty_list_is_none()
    {
        var (turned, empty, none) = (Full(), Full(), Full());
        turned.ReplicaRegions = [.. turned.ReplicaRegions.Reverse()];
        (empty.PreviousKeys, none.PreviousKeys) = ([], null!);

        Assert.That(SettingsIdentity.Of(turned), Is.Not.EqualTo(SettingsIdentity.Of(Full())));
        Assert.That(SettingsIdentity.Of(empty), Is.EqualTo(SettingsIdentity.Of(none)));
    }

    [Test]
    public void A_secret_may_look_like_anything([Values("0", "deadbeef", "00000000", "\\u2800")] string secret)
    {
        var settings = Full();
        settings.Credentials.ExternalId = secret;

        Assert.That(() => SettingsIdentity.Of(settings), Throws.Nothing);
    }

    private static ByokKeySettings Full() => new()
    {
        KeyArn = MultiRegion,
        Credentials = Credentials(),
        ReplicaRegions = ["us-east-2", "us-west-2"],
        PreviousKeys = [new ByokPreviousKeySettings { KeyArn = SingleRegion, Credentials = Credentials() }],
    };

    private static ByokCredentialSettings Credentials() => new()
    {
        Type = "AccessKeys",
        AccessKeyId = Validated.AccessKeyId,
        SecretAccessKey = Validated.Secret,
        RoleArn = Validated.RoleArn,
        ExternalId = Validated.ExternalId,
        Audience = "scalr_kms",
    };

    private static IEnumerable<(string Path, Action<string?> Set)> Walk(object settings, string path)
    {
        foreach (var property in settings.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            var name = $"{path}{property.Name}";
            switch (property.GetValue(settings))
            {
                case string:
                    yield return (name, value => property.SetValue(settings, value));
                    break;
                case IList<string> texts:
                    yield return ($"{name}:0", value => texts[0] = value!);
                    break;
                case IList list:
                    foreach (var text in Walk(list[0]!, $"{name}:0:"))
                    {
                        yield return text;
                    }

                    break;
                case { } part:
                    foreach (var text in Walk(part, $"{name}:"))
                    {
                        yield return text;
                    }

                    break;
            }
        }
    }
}
