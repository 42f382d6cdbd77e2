"""What each queued job waits for: never one query per job."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, select

from ctci.ledger import rows
from ctci.ledger.engine import Ledger
from ctci.ledger.tables import jobs, needs, runs
from ctci.model import Job, Run, Status, Wait

_order = (jobs.c.priority, jobs.c.turn, jobs.c.id)


def queue(db: Ledger, *, limit: int = 500) -> tuple[tuple[Job, Run], ...]:
    """The queued jobs in the order in which they will be claimed, and those that wait for something after them."""
    query = select(jobs).where(jobs.c.status == Status.QUEUED).order_by(jobs.c.waiting > 0, *_order).limit(limit)
    with db.read() as connection:
        found = connection.execute(query).all()
        numbers = {row.run for row in found}
        whole = {row.id: rows.run(row) for row in connection.execute(select(runs).where(runs.c.id.in_(numbers)))}
    return tuple((rows.job(row), whole[row.run]) for row in found)


def waits(db: Ledger, of: Collection[int] | None = None) -> Mapping[int, Wait]:
    """For each queued job (of these, or all) what it waits for first."""
    query = (
        select(
            jobs.c.id,
            jobs.c.run,
            jobs.c.waiting,
            jobs.c.lock,
            runs.c.prepared_at,
            runs.c.behind,
            runs.c.reason.label("why"),
        )
        .join(runs, runs.c.id == jobs.c.run)
        .where(jobs.c.status == Status.QUEUED)
        .order_by(*_order)
    )
    with db.read() as connection:
        queued = connection.execute(query).all()
        wanted = {row.id for row in queued} if of is None else {*of}
        held = _held(connection)
        unmet = _unmet(connection, [row.id for row in queued if row.waiting and row.id in wanted])
    found: dict[int, Wait] = {}
    ahead = 0
    for row in queued:
        holder = held.get(row.lock) if row.lock else None
        if row.id in wanted:
            found[row.id] = _wait(row, unmet.get(row.id, ()), holder, ahead)
        if row.waiting == 0 and holder is None:
            ahead += 1
    return found


def _wait(row: Any, unmet: tuple[str, ...], holder: tuple[int, str] | None, ahead: int) -> Wait:
    if row.prepared_at is None:
        return Wait(job=row.id, kind="commit", reason=row.why)
    if row.behind is not None:
        return Wait(job=row.id, kind="run", run=row.behind)
    if unmet:
        return Wait(job=row.id, kind="recipe", names=unmet)
    if holder is not None:
        return Wait(job=row.id, kind="lock", names=(row.lock,), run=holder[0], holder=holder[1])
    return Wait(job=row.id, kind="slot", ahead=ahead)


def _held(connection: Connection) -> dict[str, tuple[int, str]]:
    """Lock -> (run, place) of the job that holds it."""
    query = select(jobs.c.lock, jobs.c.run, jobs.c.project, jobs.c.subproject, jobs.c.recipe).where(
        jobs.c.status == Status.RUNNING, jobs.c.lock.is_not(None)
    )
    return {
        row.lock: (row.run, f"{row.project}{'/' + row.subproject if row.subproject else ''}:{row.recipe}")
        for row in connection.execute(query)
    }


def _unmet(connection: Connection, ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """Job -> the recipes that it needs and that have not ended."""
    query = (
        select(needs.c.job, jobs.c.recipe)
        .join(jobs, jobs.c.id == needs.c.needs)
        .where(needs.c.job.in_(ids), jobs.c.status.in_((Status.QUEUED, Status.RUNNING)))
        .order_by(needs.c.job, jobs.c.id)
    )
    found: dict[int, tuple[str, ...]] = {}
    for row in connection.execute(query):
        found[row.job] = (*found.get(row.job, ()), row.recipe)
    return found
