"""What the last life of this data folder left running: found alive and taken over, or settled by what it left.

A keeper outlives its server. It is known by the lock in its folder, whose holder the kernel names; never by a number
in a file. What began and left neither keeper nor result is lost: nothing of it runs when the ledger is told so.
"""

import logging
import os
import socket
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ctci import clock, ledger, trail
from ctci.layout import Layout
from ctci.ledger import restored
from ctci.model import Job, Run, Status
from ctci.run import ending, keeping, machine, workspace

log = logging.getLogger(__name__)

#: Kept of one that ended while no server was there to know its configuration.
FINDINGS = 1000


@dataclass(frozen=True, kw_only=True)
class Adopted:
    """A job that runs on, and its keeper."""

    job: Job
    run: Run
    kept: keeping.Kept


def take_over(db: ledger.Ledger, layout: Layout, *, host: int, boot_id: str) -> tuple[Adopted, ...]:
    """Adopt, settle or put back each running job of this host; those that run on.

    What never began goes back to the queue. What began and was lost is errored, or tried again if its recipe says so.
    """
    found = []
    for job in ledger.in_state(db, Status.RUNNING, host=host):
        with trail.about(run=job.run, job=job.id):
            try:
                kept = _kept(db, layout, job, host=host, boot_id=boot_id)
            except ledger.Fenced as error:
                log.warning("%s of #%s: %s", job.name, job.run, error)
                continue
            except OSError:
                # One job must not keep the server from its start; the next one looks again.
                log.exception("%s of #%s cannot be taken over", job.name, job.run)
                continue
            run = ledger.run(db, job.run)
            if kept is not None and run is not None:
                log.info("%s of #%s runs on: adopted", job.name, job.run)
                found.append(Adopted(job=job, run=run, kept=kept))
    return tuple(found)


def end_all(db: ledger.Ledger, layout: Layout) -> None:
    """End what the last life left running on this machine, without a server; each has been asked to end before."""
    host = ledger.host(db, socket.gethostname())
    adopted = take_over(db, layout, host=host, boot_id=boot())
    for each in adopted:
        # All of them first, so that their times of grace run together.
        each.kept.cancel()
    for each in adopted:
        ended = keeping.wait(each.kept, wishes=lambda: True)
        if ended is not None:
            found = ending.read(db, layout, each.job, ended, most=FINDINGS)
            tools = machine.tools(layout, each.job)
            ending.conclude(db, each.job, ended, host=host, found=found, tools=tools)
        if each.job.slot is not None:
            workspace.clean(layout, each.job.slot)


def number_on(db: ledger.Ledger, layout: Layout) -> None:
    """Give no job the number of a folder that is there: it is of another ledger, which was lost or moved away."""
    last = max(_numbers(layout.jobs), default=0)
    if last > restored.numbers(db).get("jobs", 0):
        restored.number_above(db, {"jobs": last})
        log.warning("there are folders of jobs that the ledger has not given out: the next job is %s", last + 1)


def living(layout: Layout) -> tuple[tuple[int, int], ...]:
    """(job, attempt) of each keeper that lives in this data folder, whatever the ledger knows of it."""
    return tuple(
        (job, attempt)
        for job in _numbers(layout.jobs)
        for attempt in _numbers(layout.job(job))
        if not (layout.attempt(job, attempt) / "result.json").exists()
        and keeping.holder(layout.attempt(job, attempt)) is not None
    )


def end_strangers(layout: Layout, attempts: Collection[tuple[int, int]]) -> None:
    """End jobs whose keepers live, of which no ledger need know."""
    kept = [keeping.adopt(layout.attempt(*each), timeout_s=0.0) for each in attempts]
    for each in kept:
        # All of them first, so that their times of grace run together.
        if each is not None:
            each.cancel()
    for each in kept:
        if each is not None:
            keeping.wait(each, wishes=lambda: True)


def set_aside(db: ledger.Ledger, layout: Layout) -> tuple[Path, ...]:
    """Rename the folders of attempts that an unfinished job has yet to make; their names now.

    They are of another life of this ledger: where it was put back, what happened since is there still.
    """
    moved = []
    for job in (*ledger.in_state(db, Status.RUNNING), *ledger.in_state(db, Status.QUEUED, limit=1_000_000)):
        # One that never began goes back to the queue: its folder was not made by this life either.
        last = job.attempt - (job.status is Status.RUNNING and job.began_at is None)
        for attempt in _numbers(layout.job(job.id)):
            if attempt > last:
                folder = layout.attempt(job.id, attempt)
                moved.append(folder.rename(folder.with_name(f"{attempt}.of-another-life-{clock.new_key()}")))
    return tuple(moved)


def _numbers(folder: Path) -> list[int]:
    """What in a folder has a number for a name."""
    try:
        return sorted(int(name) for name in os.listdir(folder) if name.isdecimal())
    except (FileNotFoundError, NotADirectoryError):
        return []


def boot() -> str:
    """Names this boot of the machine: nothing of another one can be alive."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _kept(db: ledger.Ledger, layout: Layout, job: Job, *, host: int, boot_id: str) -> keeping.Kept | None:
    """The job's living keeper; without one the job is dealt with."""
    if job.began_at is None:
        ledger.put_back(db, job=job.id, attempt=job.attempt, host=host, reason="put back: the server was restarted")
        return None
    folder = layout.attempt(job.id, job.attempt)
    timeout_s = job.order.recipe.timeout_s
    remark = "the server was restarted while it ran"
    if job.boot_id == boot_id:
        kept = keeping.adopt(folder, timeout_s=timeout_s)
        while kept is None and not keeping.fence(folder):
            # One that was just being started when its server died, and came after all.
            kept = keeping.adopt(folder, timeout_s=timeout_s)
        if kept is not None:
            ledger.adopt(db, job=job.id, attempt=job.attempt, host=host)
            return kept
    else:
        remark = "the machine was restarted while it ran"
    # Fences and sweeps before anything is written down.
    ended = keeping.end(folder)
    found = ending.read(db, layout, job, ended, most=FINDINGS)
    tools = machine.tools(layout, job)
    status = ending.conclude(db, job, ended, host=host, found=found, tools=tools, remark=remark)
    log.warning("%s of #%s was left running by the last server: %s", job.name, job.run, status)
    return None
