using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>What all entries of a cache have in common.</summary>
/// <param name="Limits">How long, and for how much, a key serves.</param>
/// <param name="Time">The clock.</param>
/// <param name="Meter">Told of keys that come and go.</param>
internal sealed record CacheTerms(ByokDataKeyCacheOptions Limits, TimeProvider Time, CacheMeter Meter);
