namespace Scalr.Byok.Kms;

/// <summary>Receives one record for each request about a customer's key that the library sent to AWS.</summary>
/// <remarks>
/// <para>
/// <see cref="Record"/> is called once per request, retries included, on the thread on which the answer arrived, and before the answer is
/// used. It must be fast and must not use a key ring: the call that waits for AWS also waits for the sink. Several threads call it at the
/// same time. To send records over a network, put them into a queue of your own.
/// </para>
/// <para>
/// An exception of the sink is logged (event 71) and counted (metric <c>scalr.byok.audit.failures</c>). The call goes on, and the other
/// sinks get the record.
/// </para>
/// </remarks>
public interface IByokAuditSink
{
    /// <summary>Stores a record. If the method returns without an exception, the record counts as stored.</summary>
    /// <param name="record">The record. It holds no secret and no value of an encryption context.</param>
    void Record(ByokAuditRecord record);
}
