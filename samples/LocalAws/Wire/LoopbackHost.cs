using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace LocalAws.Wire;

/// <summary>
/// Kestrel on 127.0.0.1 and nothing around it: no configuration files, no environment variables, no logging, no signal handlers,
/// so that it can live inside a test process without changing how that process behaves.
/// </summary>
internal sealed class LoopbackHost : IAsyncDisposable
{
    /// <summary>Far above any KMS or STS request, and small enough to be read into memory.</summary>
    public const int MaxBodyLength = 1024 * 1024;

    private readonly WebApplication _app;
    private readonly CancellationTokenSource _stopping;
    private int _disposed;

    private LoopbackHost(WebApplication app, Connections connections, CancellationTokenSource stopping)
    {
        _app = app;
        _stopping = stopping;
        Connections = connections;
        var addresses = app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>();
        Address = new Uri(addresses.Addresses.Single());
    }

    public Uri Address { get; }

    public Connections Connections { get; }

    /// <summary><paramref name="answer"/> gets a token that is cancelled when the client disconnects or the host is disposed.</summary>
    public static async Task<LoopbackHost> StartAsync(
        int port, Func<HttpContext, CancellationToken, Task> answer, CancellationToken cancellationToken)
    {
        var stopping = new CancellationTokenSource();
        var connections = new Connections();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxBodyLength;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(IPAddress.Loopback, port, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                listen.Use(next => connection => connections.CountAsync(next, connection));
            });
        });

        var app = builder.Build();
        app.Run(async context =>
        {
            using var over = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping.Token);
            try
            {
                await answer(context, over.Token);
            }
            catch (OperationCanceledException) when (over.IsCancellationRequested)
            {
                context.Abort();
            }
        });
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch
        {
            await app.DisposeAsync();
            stopping.Dispose();
            throw;
        }

        return new LoopbackHost(app, connections, stopping);
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        // Requests that wait because of a fault end here. The others have a short time to finish, and are then aborted.
        await _stopping.CancelAsync();
        using (var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1)))
        {
            await _app.StopAsync(patience.Token);
        }

        await _app.DisposeAsync();
        _stopping.Dispose();
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
