"""What each queued job waits for: a fixed number of queries, however many jobs."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from ctci.ledger import rows
from ctci.ledger.engine import Ledger
from ctci.ledger.tables import jobs, needs, runs
from ctci.model import Job, Run, Status, Wait

_holder = jobs.alias("holder")


def lock_is_free(of: Any) -> Any:
    """That no running job holds the lock of a row of `jobs`, if it has one: a look into the index of held locks."""
    held = exists().where(_holder.c.lock == of.c.lock, _holder.c.status == Status.RUNNING, _holder.c.lock.is_not(None))
    return or_(of.c.lock.is_(None), ~held)


_first = jobs.alias("first")
#: How many jobs may be claimed before this one.
_ahead = (
    select(func.count())
    .select_from(_first)
    .where(
        _first.c.status == Status.QUEUED,
        _first.c.waiting == 0,
        lock_is_free(_first),
        or_(
            _first.c.priority < jobs.c.priority,
            and_(_first.c.priority == jobs.c.priority, _first.c.turn < jobs.c.turn),
            and_(_first.c.priority == jobs.c.priority, _first.c.turn == jobs.c.turn, _first.c.id < jobs.c.id),
        ),
    )
    .correlate(jobs)
    .scalar_subquery()
)


def queue(db: Ledger, *, within: Collection[str] | None = None, limit: int = 500) -> tuple[tuple[Job, Run], ...]:
    """The queued jobs in the order in which they will be claimed; then those that wait for something before that.

    With `within` only of these projects.
    """
    query = (
        select(jobs)
        .where(jobs.c.status == Status.QUEUED, *_within(within))
        .order_by(jobs.c.waiting > 0, jobs.c.priority, jobs.c.turn, jobs.c.id)
        .limit(limit)
    )
    with db.read() as connection:
        found = filled(connection, [rows.job(row) for row in connection.execute(query)], count=False)
        ahead = 0
        for number, job in enumerate(found):
            if job.wait is not None and job.wait.kind == "slot":
                found[number] = replace(job, wait=replace(job.wait, ahead=ahead))
                ahead += 1
        return with_runs(connection, found)


def running(db: Ledger, *, within: Collection[str] | None = None, limit: int = 500) -> tuple[tuple[Job, Run], ...]:
    """The jobs that run, by their slots; with `within` only of these projects."""
    query = select(jobs).where(jobs.c.status == Status.RUNNING, *_within(within))
    with db.read() as connection:
        found = connection.execute(query.order_by(jobs.c.slot, jobs.c.id).limit(limit))
        return with_runs(connection, [rows.job(row) for row in found])


def _within(projects: Collection[str] | None) -> tuple[ColumnElement[bool], ...]:
    return () if projects is None else (jobs.c.project.in_(projects),)


def with_runs(connection: Connection, some: Sequence[Job]) -> tuple[tuple[Job, Run], ...]:
    """Each job with its run."""
    query = select(runs).where(runs.c.id.in_({job.run for job in some}))
    whole = {row.id: rows.run(row) for row in connection.execute(query)}
    return tuple((job, whole[job.run]) for job in some)


def filled(connection: Connection, some: Iterable[Job], *, count: bool = True) -> list[Job]:
    """The jobs, those that are queued with what they wait for; with `count` how many are before them."""
    given = list(some)
    ids = [job.id for job in given if job.status is Status.QUEUED]
    if not ids:
        return given
    columns = (
        jobs.c.id,
        jobs.c.waiting,
        jobs.c.lock,
        runs.c.prepared_at,
        runs.c.behind,
        *((_ahead.label("ahead"),) if count else ()),
    )
    query = select(*columns).join(runs, runs.c.id == jobs.c.run).where(jobs.c.id.in_(ids))
    found = connection.execute(query).all()
    unmet = _unmet(connection, [row.id for row in found if row.waiting])
    held = _held(connection, {row.lock for row in found if row.lock})
    waits = {row.id: _wait(row, unmet.get(row.id, ()), held.get(row.lock)) for row in found}
    return [replace(job, wait=waits.get(job.id)) if job.id in waits else job for job in given]


def _wait(row: Any, unmet: tuple[str, ...], holder: tuple[int, str] | None) -> Wait:
    if row.prepared_at is None:
        return Wait(kind="commit")
    if row.behind is not None:
        return Wait(kind="run", run=row.behind)
    if unmet:
        return Wait(kind="recipe", names=unmet)
    if holder is not None:
        return Wait(kind="lock", names=(row.lock,), run=holder[0], holder=holder[1])
    return Wait(kind="slot", ahead=row._mapping.get("ahead", 0))  # noqa: SLF001 - SQLAlchemy's public name for it


def _held(connection: Connection, locks: Collection[str]) -> dict[str | None, tuple[int, str]]:
    """Lock -> (run, name) of the running job that holds it."""
    if not locks:
        return {}
    query = select(jobs).where(jobs.c.status == Status.RUNNING, jobs.c.lock.in_(locks))
    return {row.lock: (row.run, rows.job(row).name) for row in connection.execute(query)}


def _unmet(connection: Connection, ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """Job -> the recipes that it needs and that have not ended."""
    if not ids:
        return {}
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
