"""An attempt's end, as the ledger is told it: settled, or another attempt where the recipe allows one."""

from typing import TypedDict

from ctci import ledger
from ctci.model import Exit, Job, Status
from ctci.run import outcome


class _Facts(TypedDict):
    job: int
    attempt: int
    host: int
    status: Status
    exit: Exit


def conclude(db: ledger.Ledger, job: Job, ended: Exit, *, host: int, remark: str | None = None) -> Status:
    """Tell the ledger how an attempt ended; the status that it ended with. `remark` goes before the reason of an error.

    Raises ledger.Fenced and ledger.Away.
    """
    earlier = [each for each in ledger.attempts_of(db, job.id) if each.number < job.attempt]
    for may_retry in (True, False):
        now = ledger.job(db, job.id)
        wish = now.cancel_as if now else None
        status, reason = outcome.judge(ended, wish, now.cancel_reason if now else None)
        if remark is not None and status is Status.ERRORED:
            reason = f"{remark}; {reason}"
        facts = _Facts(job=job.id, attempt=job.attempt, host=host, status=status, exit=ended)
        if may_retry and wish is None and outcome.another(job.order.recipe, status, ended, earlier):
            try:
                ledger.retry(db, **facts, reason=f"attempt {job.attempt}: {reason}; trying again")
            except ledger.Fenced:
                # A wish came meanwhile, or it is not ours: settle tells which.
                continue
            return status
        ledger.settle(db, **facts, reason=reason or outcome.at_last(status, earlier))
        break
    return status
