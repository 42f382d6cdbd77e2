"""What can be asked of the ledger. A read answers nouns or None, never rows, and never one query per row."""

from collections.abc import Collection, Mapping

from sqlalchemy import func, literal, or_, select

from ctci.ledger import rows, waits
from ctci.ledger.engine import Ledger, fault, now_ms
from ctci.ledger.tables import (
    attempts,
    changes,
    commits,
    cursors,
    deliveries,
    jobs,
    projects,
    runs,
)
from ctci.model import Attempt, Change, Commit, Delivery, Job, Run, Status

#: What a call of a hook has just made is among so many of the newest runs.
RECENT = 5000


def run(db: Ledger, id_: int) -> Run | None:
    """The run with this number."""
    with db.read() as connection:
        row = connection.execute(select(runs).where(runs.c.id == id_)).one_or_none()
    return rows.run(row) if row else None


def runs_(
    db: Ledger,
    *,
    project: str | None = None,
    ref: str | None = None,
    status: str | None = None,
    statuses: Collection[str] | None = None,
    ids: Collection[int] | None = None,
    before: int | None = None,
    after: int | None = None,
    within: Collection[str] | None = None,
    limit: int = 50,
) -> tuple[Run, ...]:
    """Runs, newest first; `before` and `after` are run numbers, for paging; with `ids` only those of these.

    With `within` only those of these projects, with `statuses` only those that have one of these.
    """
    query = select(runs).order_by(runs.c.id.desc()).limit(limit)
    for column, wanted in ((runs.c.project, project), (runs.c.ref, ref), (runs.c.status, status)):
        if wanted is not None:
            query = query.where(column == wanted)
    if statuses is not None:
        query = query.where(runs.c.status.in_(statuses))
    if ids is not None:
        query = query.where(runs.c.id.in_(ids))
    if within is not None:
        query = query.where(runs.c.project.in_(within))
    if before is not None:
        query = query.where(runs.c.id < before)
    if after is not None:
        query = query.where(runs.c.id > after)
    with db.read() as connection:
        return tuple(rows.run(row) for row in connection.execute(query))


def runs_of_call(db: Ledger, call_key: str) -> tuple[int, ...]:
    """The numbers of the runs that one call of a hook has just made: those whose keys begin so."""
    # Among the newest ones, by their own index: no index of keys serves a beginning in every database alike.
    recent = select(func.max(runs.c.id) - RECENT).scalar_subquery()
    begins = func.substr(runs.c.key, 1, len(call_key)) == call_key
    with db.read() as connection:
        found = connection.execute(select(runs.c.id).where(runs.c.id > recent, begins).order_by(runs.c.id))
        return tuple(found.scalars())


def unprepared(db: Ledger) -> tuple[Run, ...]:
    """For each project its oldest run that waits for its prepare, if its next try is due.

    A schedule's run that has failed to be fetched comes after all others: it may be tried for days.
    """
    # By the index of those that wait, and grouped here: the database would walk all runs of every project.
    waiting = select(runs.c.id, runs.c.project, runs.c.schedule, runs.c.tries).where(runs.c.prepared_at.is_(None))
    with db.read() as connection:
        first: dict[str, tuple[bool, int]] = {}
        for row in connection.execute(waiting.order_by(runs.c.id)):
            turn = (row.schedule is not None and row.tries > 0, row.id)
            first[row.project] = min(turn, first.get(row.project, turn))
        due = or_(runs.c.next_try_at.is_(None), runs.c.next_try_at <= now_ms())
        query = select(runs).where(runs.c.id.in_([id_ for _, id_ in first.values()]), due)
        return tuple(rows.run(row) for row in connection.execute(query.order_by(runs.c.priority, runs.c.id)))


def last_built(db: Ledger, project: str, ref: str, *, before: int) -> str | None:
    """The newest commit of a ref that a run has come to, of those that were recorded before this one."""
    query = select(runs.c.commit).where(
        runs.c.project == project, runs.c.ref == ref, runs.c.id < before, runs.c.commit.is_not(None)
    )
    with db.read() as connection:
        return connection.execute(query.order_by(runs.c.as_of.desc(), runs.c.id.desc()).limit(1)).scalar()


def tries(db: Ledger, run: int) -> int:
    """How many fetches of a run have failed."""
    with db.read() as connection:
        return connection.execute(select(runs.c.tries).where(runs.c.id == run)).scalar() or 0


def projects_(db: Ledger) -> tuple[str, ...]:
    """The names of the projects that anything was ever recorded of."""
    with db.read() as connection:
        return tuple(connection.execute(select(projects.c.name).order_by(projects.c.name)).scalars())


def default_branches(db: Ledger) -> Mapping[str, str]:
    """Project -> the remote's HEAD, as prepare last wrote it, of all where it is known."""
    query = select(projects.c.name, projects.c.default_branch).where(projects.c.default_branch.is_not(None))
    with db.read() as connection:
        return {row.name: row.default_branch for row in connection.execute(query)}


def default_branch(db: Ledger, project: str) -> str | None:
    """The remote's HEAD, as prepare last wrote it."""
    with db.read() as connection:
        return connection.execute(select(projects.c.default_branch).where(projects.c.name == project)).scalar()


def job(db: Ledger, id_: int) -> Job | None:
    """The job with this id; of one that is queued, with what it waits for."""
    with db.read() as connection:
        row = connection.execute(select(jobs).where(jobs.c.id == id_)).one_or_none()
        return waits.filled(connection, [rows.job(row)])[0] if row else None


def jobs_of(db: Ledger, ids: Collection[int], *, ahead: bool = False) -> Mapping[int, tuple[Job, ...]]:
    """The jobs of several runs at once, by run, with what they wait for; a run without any is there too.

    With `ahead`, for the pages of one run, also how many jobs are before each that waits for a slot.
    """
    found: dict[int, list[Job]] = {id_: [] for id_ in ids}
    with db.read() as connection:
        read = connection.execute(select(jobs).where(jobs.c.run.in_(ids)).order_by(jobs.c.id))
        for job in waits.filled(connection, [rows.job(row) for row in read], count=ahead):
            found[job.run].append(job)
    return {id_: tuple(each) for id_, each in found.items()}


def wish(db: Ledger, *, job: int, attempt: int) -> str | None:
    """What a running attempt was asked to become: `cancelled`, `superseded` or None; `fenced` when not ours."""
    with db.read() as connection:
        row = connection.execute(
            select(jobs.c.cancel_as).where(jobs.c.id == job, jobs.c.attempt == attempt, jobs.c.status == Status.RUNNING)
        ).one_or_none()
    return "fenced" if row is None else row.cancel_as


def attempts_of(db: Ledger, job: int) -> tuple[Attempt, ...]:
    """The executions of a job, first one first."""
    query = select(attempts).where(attempts.c.job == job).order_by(attempts.c.number)
    with db.read() as connection:
        return tuple(rows.attempt(row) for row in connection.execute(query))


def at_work(db: Ledger) -> frozenset[str]:
    """The projects of which a run waits for its commit or a job runs: their mirrors are in use."""
    waits = select(runs.c.project).where(runs.c.prepared_at.is_(None))
    busy = select(jobs.c.project).where(jobs.c.status == Status.RUNNING)
    with db.read() as connection:
        return frozenset(name for query in (waits, busy) for name in connection.execute(query).scalars())


def unfinished(db: Ledger) -> frozenset[str]:
    """The projects of which a run has not ended; a search for a culprit is none."""
    with db.read() as connection:
        query = select(runs.c.project).where(runs.c.finished_at.is_(None), runs.c.ref != "").distinct()
        return frozenset(connection.execute(query).scalars())


def in_state(db: Ledger, status: Status, *, host: int | None = None, limit: int = 1000) -> tuple[Job, ...]:
    """All jobs of one (unfinished) status, in the queue's order."""
    query = select(jobs).where(jobs.c.status == status).order_by(jobs.c.priority, jobs.c.turn, jobs.c.id).limit(limit)
    if host is not None:
        query = query.where(jobs.c.host == host)
    with db.read() as connection:
        return tuple(rows.job(row) for row in connection.execute(query))


def counts(db: Ledger, *, within: Collection[str] | None = None) -> Mapping[str, int]:
    """How many jobs are `queued` and `running`, and how many runs wait for their commit (`unprepared`).

    With `within` only of these projects.
    """
    # In the statement itself: the indexes are of those rows alone, and no database compares that with a parameter.
    asked = {
        str(each): select(func.count())
        .select_from(jobs)
        .where(jobs.c.status == literal(str(each), literal_execute=True))
        for each in (Status.QUEUED, Status.RUNNING)
    }
    asked["unprepared"] = select(func.count()).select_from(runs).where(runs.c.prepared_at.is_(None))
    if within is not None:
        projects_of = {name: (runs if name == "unprepared" else jobs).c.project for name in asked}
        asked = {name: query.where(projects_of[name].in_(within)) for name, query in asked.items()}
    with db.read() as connection:
        return {name: connection.execute(query).scalar_one() for name, query in asked.items()}


def attempts_of_run(db: Ledger, run: int) -> tuple[Attempt, ...]:
    """The executions of all jobs of a run, job by job, first one first."""
    query = select(attempts).join(jobs, jobs.c.id == attempts.c.job).where(jobs.c.run == run)
    with db.read() as connection:
        found = connection.execute(query.order_by(attempts.c.job, attempts.c.number))
        return tuple(rows.attempt(row) for row in found)


def jobs_(
    db: Ledger,
    *,
    run: int | None = None,
    statuses: Collection[str] | None = None,
    before: int | None = None,
    within: Collection[str] | None = None,
    limit: int = 50,
) -> tuple[tuple[Job, Run], ...]:
    """Jobs with their runs, newest first; `before` is a job's id, for paging."""
    query = select(jobs).order_by(jobs.c.id.desc()).limit(limit)
    for column, wanted in ((jobs.c.status, statuses), (jobs.c.project, within)):
        if wanted is not None:
            query = query.where(column.in_(wanted))
    if run is not None:
        query = query.where(jobs.c.run == run)
    if before is not None:
        query = query.where(jobs.c.id < before)
    with db.read() as connection:
        return waits.with_runs(
            connection, waits.filled(connection, [rows.job(row) for row in connection.execute(query)])
        )


def commits_of(db: Ledger, run: int) -> tuple[Commit, ...]:
    """The commits that a run brought, newest first."""
    query = select(commits).where(commits.c.run == run).order_by(commits.c.position)
    with db.read() as connection:
        return tuple(rows.commit(row) for row in connection.execute(query))


def delivery(db: Ledger, id_: int) -> Delivery | None:
    """The delivery with this id."""
    with db.read() as connection:
        row = connection.execute(select(deliveries).where(deliveries.c.id == id_)).one_or_none()
    return rows.delivery(row) if row else None


def deliveries_(
    db: Ledger,
    *,
    project: str | None = None,
    ref: str | None = None,
    run: int | None = None,
    decision: str | None = None,
    before: int | None = None,
    within: Collection[str] | None = None,
    limit: int = 50,
) -> tuple[Delivery, ...]:
    """Deliveries, newest first; `before` is a delivery's id, for paging; with `within` only of these projects."""
    query = select(deliveries).order_by(deliveries.c.id.desc()).limit(limit)
    asked = {"project": project, "ref": ref, "run": run, "decision": decision}
    for name, wanted in asked.items():
        if wanted is not None:
            query = query.where(deliveries.c[name] == wanted)
    if before is not None:
        query = query.where(deliveries.c.id < before)
    if within is not None:
        query = query.where(deliveries.c.project.in_(within))
    with db.read() as connection:
        return tuple(rows.delivery(row) for row in connection.execute(query))


def last_calls(db: Ledger) -> Mapping[str, Delivery]:
    """Project -> the last call of its hook; what was asked for here, and what came by itself, is none."""
    last = select(func.max(deliveries.c.id)).where(deliveries.c.forge != "ctci").group_by(deliveries.c.project)
    with db.read() as connection:
        found = connection.execute(select(deliveries).where(deliveries.c.id.in_(last)))
        return {row.project: rows.delivery(row) for row in found}


def cursor(db: Ledger, name: str) -> int:
    """How far a reader of the changes has come."""
    with db.read() as connection:
        return connection.execute(select(cursors.c.seq).where(cursors.c.name == name)).scalar() or 0


def changes_after(db: Ledger, seq: int, *, limit: int = 200) -> tuple[Change, ...]:
    """What changed after `seq`, oldest first."""
    query = select(changes).where(changes.c.seq > seq).order_by(changes.c.seq).limit(limit)
    with db.read() as connection:
        return tuple(Change(**row._mapping) for row in connection.execute(query))  # noqa: SLF001 - its public name


def integrity(db: Ledger) -> str | None:
    """None for a sound ledger, else what the database says of it."""
    with db.read() as connection:
        return fault(connection)
