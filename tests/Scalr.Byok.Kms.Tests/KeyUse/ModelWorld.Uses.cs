using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <content>The uses, and what the reference says of each.</content>
internal sealed partial class ModelWorld
{
    private void Encrypt(string context)
    {
        var use = new ModelUse(ModelUseKind.Write, Key: 0, context, _written.GetValueOrDefault(context));
        Use(use, use.Origin is not null, () =>
        {
            var message = End(_ring.EncryptAsync(Plaintext, ModelArchive.ContextOf(context)).AsTask());
            _messages.Add(message);
            return _written[context] = OriginOf(message);
        });
    }

    private void Decrypt(byte[] message)
    {
        var origin = OriginOf(message);
        Use(new ModelUse(ModelUseKind.Read, origin.Key, origin.Context, origin), IsCached(origin), () =>
        {
            Same(End(_ring.DecryptAsync(message).AsTask()));
            return origin;
        });
    }

    private void Open(int key, int context)
    {
        var encrypted = ModelArchive.Instance.DataKeys[key][context];
        var (origin, begun) = (OriginOf(encrypted), _aws.Log.Count);
        Use(new ModelUse(ModelUseKind.Read, key, origin.Context, origin), IsCached(origin), () =>
        {
            var dataKey = End(_ring.OpenDataKeyAsync(encrypted).AsTask());
            ModelUse values = new(ModelUseKind.ReadValue, key, origin.Context, origin, begun);
            _opened.Add(new Opened(dataKey, values, ModelArchive.Instance.Values[key][context]));
            return origin;
        });
    }

    private void UseValue(Opened opened, ModelUseKind kind) => Use(opened.Use with { Kind = kind }, !opened.IsClosed, () =>
    {
        try
        {
            Same(opened.DataKey.Decrypt(kind == ModelUseKind.ReadValue ? opened.Value : opened.DataKey.Encrypt(Plaintext)));
        }
        catch (ByokKeyUnavailableException)
        {
            opened.IsClosed = true;
            throw;
        }

        return opened.Use.Origin!;
    });

    /// <summary>One use, and the reference's two questions: might it be served, must it be served.</summary>
    private void Use(ModelUse use, bool isHeld, Func<ModelOrigin> action)
    {
        var promise = _promises.Find(use, isHeld);
        if (TryUse(use, isHeld, action) is not { } refusal || promise is null)
        {
            return;
        }

        var second = TryUse(use, isHeld, action); // what was missing has been obtained meanwhile
        if (second is ByokServiceException && use.IsValue)
        {
            // Values ask once per second in an outage, and an earlier one may just have done so.
            _clock.Advance(TimeSpan.FromSeconds(1));
            ModelQuiet.Wait();
            _rules.Learn();
            promise = _promises.Find(use, isHeld);
            second = TryUse(use, isHeld, action) is null || promise is null ? null : TryUse(use, isHeld, action);
        }

        Demand(second is null, $"{use} is refused twice although {promise}:\n  {refusal.Message}\n  {second?.Message}");
    }

    private ByokException? TryUse(ModelUse use, bool isHeld, Func<ModelOrigin> action)
    {
        var facts = _rules[use.Key];
        var (begun, denied, grace) = (_aws.Log.Count, facts.Denied?.Number ?? -1, _rules.Grace(facts));
        var primary = facts.PrimaryDenied?.Number ?? -1;
        var missing = _rules.FindMissing(use);
        try
        {
            use = use with { Origin = action() };
        }
        catch (ByokException e) when (e is ByokKeyUnavailableException or ByokServiceException)
        {
            ModelQuiet.Wait();
            _rules.Learn();
            return e;
        }

        ModelQuiet.Wait();
        _rules.Learn();
        if (!isHeld && !use.IsValue)
        {
            RememberFetch(use.Origin!, begun);
        }

        missing = missing is null ? null : _rules.FindMissing(use);
        var longest = grace > _rules.Grace(facts) ? grace : _rules.Grace(facts);
        var fault = missing ?? _rules.FindStanding(use, primary) ?? _rules.FindFault(use, begun, denied, longest);
        Demand(fault is null, $"{use} is served: {fault}");
        return null;
    }

    /// <summary>
    /// Whether the ring's cache has the plaintext key. A confirmation may keep it there for longer, but does not bring it back.
    /// </summary>
    private bool IsCached(ModelOrigin origin) =>
        _fetched.TryGetValue(origin.Id, out var sent) && _clock.HighestAge(sent) < _rules.MaxAge + _setup.Grace;

    private void RememberFetch(ModelOrigin origin, int begun)
    {
        var fetch = _aws.Log.Skip(begun).LastOrDefault(
            request => request is { Action: "Decrypt", Answer: ModelAnswer.Accepted } && request.Origin?.Id == origin.Id);
        if (fetch is not null)
        {
            _fetched[origin.Id] = fetch.Sent;
        }
    }
}
