using CsCheck;

namespace Scalr.Byok.Kms.Tests.KeyUse;

internal enum ModelOp
{
    Encrypt,
    Decrypt,
    DecryptPrevious,
    OpenDataKey,
    EncryptValue,
    DecryptValue,
    CloseDataKey,
    Probe,
    Advance,
    StopProcess,
    Suspend,
    SetClock,
    SetKms,
    SetSts,
    DenyContext,
    RevokeSessions,
    SwitchAccessKey,
    RestoreAws,
    RestoreAndWait,
}

/// <summary>One step of a sequence; what the numbers choose depends on the operation.</summary>
internal readonly record struct ModelStep(ModelOp Op, int First, int Second)
{
    /// <summary>Uses and time steps mostly; AWS changes every few steps.</summary>
    public static readonly Gen<ModelStep> Gen = CsCheck.Gen.Select(
        CsCheck.Gen.Frequency(
            (12, CsCheck.Gen.Const(ModelOp.Encrypt)),
            (12, CsCheck.Gen.Const(ModelOp.Decrypt)),
            (3, CsCheck.Gen.Const(ModelOp.DecryptPrevious)),
            (7, CsCheck.Gen.Const(ModelOp.OpenDataKey)),
            (8, CsCheck.Gen.Const(ModelOp.EncryptValue)),
            (10, CsCheck.Gen.Const(ModelOp.DecryptValue)),
            (2, CsCheck.Gen.Const(ModelOp.CloseDataKey)),
            (2, CsCheck.Gen.Const(ModelOp.Probe)),
            (16, CsCheck.Gen.Const(ModelOp.Advance)),
            (3, CsCheck.Gen.Const(ModelOp.StopProcess)),
            (3, CsCheck.Gen.Const(ModelOp.Suspend)),
            (2, CsCheck.Gen.Const(ModelOp.SetClock)),
            (9, CsCheck.Gen.Const(ModelOp.SetKms)),
            (4, CsCheck.Gen.Const(ModelOp.SetSts)),
            (2, CsCheck.Gen.Const(ModelOp.DenyContext)),
            (2, CsCheck.Gen.Const(ModelOp.RevokeSessions)),
            (1, CsCheck.Gen.Const(ModelOp.SwitchAccessKey)),
            (5, CsCheck.Gen.Const(ModelOp.RestoreAws)),
            (2, CsCheck.Gen.Const(ModelOp.RestoreAndWait))),
        CsCheck.Gen.Int[0, 23],
        CsCheck.Gen.Int[0, 23],
        static (op, first, second) => new ModelStep(op, first, second));

    /// <summary>Time steps: small ones, the edges of every interval, and large ones.</summary>
    public TimeSpan Time(ModelSetup setup)
    {
        TimeSpan[] edges = [setup.Interval, setup.RoleCheckInterval, setup.MaxAge, setup.MaxAge + setup.Grace];
        return (First % 8) switch
        {
            0 => TimeSpan.FromSeconds(1),
            1 => TimeSpan.FromSeconds(5),
            2 => edges[Second % 4] * 0.55,
            3 => edges[Second % 4] * 0.85,
            4 => edges[Second % 4],
            5 => edges[Second % 4] + TimeSpan.FromSeconds(1),
            6 => edges[Second % 4] * 2,
            _ => TimeSpan.FromMinutes(1 + Second),
        };
    }

    public override string ToString() => $"{Op}({First}, {Second})";
}
