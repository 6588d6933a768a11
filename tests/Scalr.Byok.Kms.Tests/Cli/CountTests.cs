using System.Text.Json;
using Byok.Cli;
using Byok.Cli.Files;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Scalr.Byok.Kms.Tests.Cli;

/// <summary>byok count, and files as a source of a re-encryption.</summary>
[Category("Slow")]
internal sealed class CountTests
{
    private CliWorld _world = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await CliWorld.StartAsync();
        await _world.WriteAsync("vault/a", [1, 2, 3]);
        await _world.WriteAsync("vault/sub/b", [4, 5, 6]);
        await _world.WriteAsync("vault/c", []);
        await _world.RunAsync("encrypt", _world.PathOf("vault/a"), "-s", _world.KeySettings);
        File.Delete(_world.PathOf("vault/a"));
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task It_counts_by_key_and_calls_AWS_never()
    {
        _world.Demo.Aws.Log.Clear();

        var text = await _world.RunAsync("count", _world.PathOf("vault"), "-s", _world.KeySettings);
        var json = await _world.RunAsync("count", _world.PathOf("vault"), "-s", _world.KeySettings, "--json");

        Assert.That((text.Code, text.Error), Is.EqualTo((ExitCode.Warnings, "")));
        Assert.That(
            text.Output.TrimEnd(),
            Is.EqualTo(
                $"2 of 3 items are not under key {_world.Demo.Key.Arn}; 2 under plaintext; 1 under {_world.Demo.Key.Arn}"));
        var numbers = JsonDocument.Parse(json.Output).RootElement;
        Assert.That(
            (numbers.GetProperty("total").GetInt64(), numbers.GetProperty("remaining").GetInt64()), Is.EqualTo((3, 2)));
        Assert.That(numbers.GetProperty("byKey").GetProperty("plaintext").GetInt64(), Is.EqualTo(2));
        Assert.That(_world.Demo.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task A_current_folder_ends_with_success() =>
        Assert.That((await _world.RunAsync("count", _world.PathOf("vault/a.byok"), "-s", _world.KeySettings)).Code, Is.Zero);

    [Test]
    public async Task A_folder_is_encrypted_and_decrypted_again_and_names_state_the_form()
    {
        var source = new FileSource([_world.PathOf("vault")]);
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(_world.Demo.Configuration).Build();
        var services = new ServiceCollection();
        services.AddScalrByok(configuration.GetSection("Byok")).AddKeyRing(configuration.GetSection("Acme"));
        await using var host = services.BuildServiceProvider();
        var ring = ReencryptionKey.Ring(host.GetRequiredService<IByokKeyRing>());

        var first = await RunAsync(source, ReencryptionKey.None, ring);
        var encrypted = _world.Files().ToList();
        var second = await RunAsync(source, ring, ReencryptionKey.None);

        Assert.That(encrypted, Is.EqualTo((string[])["vault/a.byok", "vault/c.byok", "vault/sub/b.byok"]));
        Assert.That((first.Moved, first.AlreadyCurrent, first.Count!.Remaining), Is.EqualTo((2, 1, 0)));
        Assert.That(_world.Files(), Is.EqualTo((string[])["vault/a", "vault/c", "vault/sub/b"]));
        Assert.That((second.Moved, second.Count!.Remaining), Is.EqualTo((3, 0)));
        Assert.That(await File.ReadAllBytesAsync(_world.PathOf("vault/sub/b")), Is.EqualTo((byte[])[4, 5, 6]));
        Assert.That(await File.ReadAllBytesAsync(_world.PathOf("vault/c")), Is.Empty);
    }

    [Test]
    public async Task A_file_that_was_written_meanwhile_is_kept()
    {
        var source = new FileSource([_world.PathOf("vault")]);
        var items = await source.ReadPageAsync(new() { MaxItems = 10 }, default);
        await _world.WriteAsync("vault/sub/b", [7]);

        var replaced = await source.ReplaceAsync(
            [.. items.Select(item => new ReencryptionReplacement<string>(item, ReencryptionForm.Message, [9, 9]))], default);

        Assert.That(replaced, Is.EqualTo(2));
        Assert.That(_world.Files(), Is.EqualTo((string[])["vault/a.byok", "vault/c.byok", "vault/sub/b"]));
        Assert.That(await File.ReadAllBytesAsync(_world.PathOf("vault/sub/b")), Is.EqualTo((byte[])[7]));
        Assert.That(await source.CountItemsAsync(items[0].Key, default), Is.EqualTo(2));
    }

    private static async Task<ReencryptionProgress> RunAsync(FileSource source, ReencryptionKey from, ReencryptionKey to)
    {
        ReencryptionProgress? last = null;
        await foreach (var progress in ByokReencryption.RunAsync(source, from, to, new() { BatchSize = 1 }))
        {
            last = progress;
        }

        return last!;
    }
}
