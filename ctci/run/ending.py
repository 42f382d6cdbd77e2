"""An attempt's end, as the ledger is told it: settled, or another attempt where the recipe allows one."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import TypedDict

from ctci import ledger
from ctci.formats import novel
from ctci.layout import Layout
from ctci.model import RED, Exit, Finding, Job, Lines, Reading, Status
from ctci.run import outcome, reports
from ctci.run.reports import Read

log = logging.getLogger(__name__)


class _Facts(TypedDict):
    job: int
    attempt: int
    host: int
    status: Status
    exit: Exit
    reading: Reading | None
    findings: tuple[Finding, ...]
    facts: Mapping[str, str]


def read(db: ledger.Ledger, layout: Layout, job: Job, ended: Exit, *, most: int) -> Read | None:
    """What the log and the reports of an attempt say, while its slot is still as it left it; None: nothing to read.

    Of what was ended by a wish, or was lost, half a report would say what is not true.
    """
    if ended.how not in ("exit", "timeout") or job.slot is None or reports.silent(layout, job):
        return None
    try:
        return reports.read(layout, job, job.slot, most=most, known=_known(db, job))
    except Exception:  # around one job: it has ended, and that is to be told whatever was in its reports
        log.exception("what %s of #%s printed could not be read", job.name, job.run)
        return None


def _known(db: ledger.Ledger, job: Job) -> Lines | None:
    """The lines of green logs of its place, if the ledger can be read: the rest is worth reading without them."""
    try:
        return ledger.learnt(db, job.order)
    except ledger.Away as error:
        log.warning("what is new in the log of %s of #%s is not told: %s", job.name, job.run, error)
        return None


def conclude(
    db: ledger.Ledger,
    job: Job,
    ended: Exit,
    *,
    host: int,
    found: Read | None = None,
    tools: Mapping[str, str] | None = None,
    remark: str | None = None,
) -> Status:
    """Tell the ledger how an attempt ended; the status that it ended with.

    `tools`: what they said of their versions. `remark` goes before the reason of an error. Raises ledger.Fenced and
    ledger.Away.
    """
    reading = None if found is None else found.reading
    told = None if found is None else outcome.reported(found.reading.tests, found.sarif_errors)
    earlier = [each for each in ledger.attempts_of(db, job.id) if each.number < job.attempt]
    for may_retry in (True, False):
        now = ledger.job(db, job.id)
        wish = now.cancel_as if now else None
        status, reason = outcome.judge(ended, wish, now.cancel_reason if now else None, told)
        if remark is not None and status is Status.ERRORED:
            reason = f"{remark}; {reason}"
        facts = _Facts(
            job=job.id,
            attempt=job.attempt,
            host=host,
            status=status,
            exit=ended,
            # In a log that is green nothing is amiss, however new.
            reading=reading if reading is None or status in RED else replace(reading, novel=None),
            findings=found.findings if found is not None else (),
            facts=tools or {},
        )
        if may_retry and wish is None and outcome.another(job.order.recipe, status, ended, earlier):
            try:
                ledger.retry(db, **facts, reason=f"attempt {job.attempt}: {reason}; trying again")
            except ledger.Fenced:
                # A wish came meanwhile, or it is not ours: settle tells which.
                continue
            log.info("%s of #%s: attempt %s %s, trying again", job.name, job.run, job.attempt, status)
            return status
        lines = _lines(ended, found)
        ledger.settle(db, **facts, reason=reason or outcome.at_last(status, earlier), lines=lines)
        log.info("%s of #%s: %s%s", job.name, job.run, status, f", {reason}" if reason else "")
        break
    return status


def _lines(ended: Exit, found: Read | None) -> Lines | None:
    """The lines of its log; None where they could not be read."""
    if ended.log_dropped:
        # What was cut out of it may be in the next log, and would be taken for new.
        return novel.VARIOUS
    if not ended.log_bytes:
        return novel.NONE
    return found.lines if found is not None else None
