"""What can be asked of the ledger. A read answers nouns or None, never rows, and never one query per row."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import and_, func, or_, select, text, tuple_

from ctci.ledger import rows
from ctci.ledger.engine import Ledger, now_ms
from ctci.ledger.tables import (
    attempts,
    changes,
    commits,
    cursors,
    deliveries,
    jobs,
    projects,
    refs,
    runs,
    sendings,
)
from ctci.model import CONCLUSIVE, RED, Attempt, Change, Commit, Delivery, Job, Run, Sending, Status


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
    before: int | None = None,
    after: int | None = None,
    limit: int = 50,
) -> tuple[Run, ...]:
    """Runs, newest first; `before` and `after` are run numbers, for paging."""
    query = select(runs).order_by(runs.c.id.desc()).limit(limit)
    for column, wanted in ((runs.c.project, project), (runs.c.ref, ref), (runs.c.status, status)):
        if wanted is not None:
            query = query.where(column == wanted)
    if before is not None:
        query = query.where(runs.c.id < before)
    if after is not None:
        query = query.where(runs.c.id > after)
    with db.read() as connection:
        return tuple(rows.run(row) for row in connection.execute(query))


def unprepared(db: Ledger) -> tuple[Run, ...]:
    """For each project its oldest run that waits for its prepare, if its next try is due."""
    first = select(func.min(runs.c.id)).where(runs.c.prepared_at.is_(None)).group_by(runs.c.project).scalar_subquery()
    query = select(runs).where(runs.c.id.in_(first), or_(runs.c.next_try_at.is_(None), runs.c.next_try_at <= now_ms()))
    with db.read() as connection:
        return tuple(rows.run(row) for row in connection.execute(query.order_by(runs.c.priority, runs.c.id)))


def tries(db: Ledger, run: int) -> int:
    """How many fetches of a run have failed."""
    with db.read() as connection:
        return connection.execute(select(runs.c.tries).where(runs.c.id == run)).scalar() or 0


def last_green_commit(db: Ledger, run: Run) -> str | None:
    """The commit of the newest succeeded run of the same ref before this one."""
    query = (
        select(runs.c.commit)
        .where(
            runs.c.project == run.project,
            runs.c.ref == run.ref,
            runs.c.id < run.id,
            runs.c.commit.is_not(None),
            runs.c.status == Status.SUCCEEDED,
        )
        .order_by(runs.c.id.desc())
        .limit(1)
    )
    with db.read() as connection:
        return connection.execute(query).scalar()


def default_branch(db: Ledger, project: str) -> str | None:
    """The remote's HEAD, as prepare last wrote it."""
    with db.read() as connection:
        return connection.execute(select(projects.c.default_branch).where(projects.c.name == project)).scalar()


def job(db: Ledger, id_: int) -> Job | None:
    """The job with this id."""
    with db.read() as connection:
        row = connection.execute(select(jobs).where(jobs.c.id == id_)).one_or_none()
    return rows.job(row) if row else None


def jobs_of(db: Ledger, ids: Collection[int]) -> Mapping[int, tuple[Job, ...]]:
    """The jobs of several runs at once, by run; a run without any is there too."""
    found: dict[int, list[Job]] = {id_: [] for id_ in ids}
    with db.read() as connection:
        for row in connection.execute(select(jobs).where(jobs.c.run.in_(ids)).order_by(jobs.c.id)):
            found[row.run].append(rows.job(row))
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


def in_state(db: Ledger, status: Status, *, host: int | None = None, limit: int = 1000) -> tuple[Job, ...]:
    """All jobs of one (unfinished) status, in the queue's order."""
    query = select(jobs).where(jobs.c.status == status).order_by(jobs.c.priority, jobs.c.turn, jobs.c.id).limit(limit)
    if host is not None:
        query = query.where(jobs.c.host == host)
    with db.read() as connection:
        return tuple(rows.job(row) for row in connection.execute(query))


def counts(db: Ledger) -> Mapping[str, int]:
    """How many jobs are `queued` and `running`, and how many runs wait for their commit (`unprepared`)."""
    with db.read() as connection:
        counted = connection.execute(
            select(jobs.c.status, func.count())
            .where(jobs.c.status.in_((Status.QUEUED, Status.RUNNING)))
            .group_by(jobs.c.status)
        )
        found = {row[0]: row[1] for row in counted}
        waiting = connection.execute(
            select(func.count()).select_from(runs).where(runs.c.prepared_at.is_(None))
        ).scalar_one()
    return {"queued": found.get("queued", 0), "running": found.get("running", 0), "unprepared": waiting}


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
    before: int | None = None,
    limit: int = 50,
) -> tuple[Delivery, ...]:
    """Deliveries, newest first; `before` is a delivery's id, for paging."""
    query = select(deliveries).order_by(deliveries.c.id.desc()).limit(limit)
    for column, wanted in ((deliveries.c.project, project), (deliveries.c.ref, ref), (deliveries.c.run, run)):
        if wanted is not None:
            query = query.where(column == wanted)
    if before is not None:
        query = query.where(deliveries.c.id < before)
    with db.read() as connection:
        return tuple(rows.delivery(row) for row in connection.execute(query))


# --- history ---------------------------------------------------------------------------------------------------------


def baseline(db: Ledger, job: Job) -> Job | None:
    """The last conclusive job of the same place before this one; a rerun stands where its original stood."""
    place = (
        jobs.c.project == job.order.project,
        jobs.c.ref == job.order.ref,
        jobs.c.subproject == job.order.subproject,
        jobs.c.recipe == job.order.recipe.name,
    )
    mine = select(jobs.c.as_of).where(jobs.c.id == job.id).scalar_subquery()
    query = (
        select(jobs)
        .where(*place, jobs.c.status.in_(CONCLUSIVE), tuple_(jobs.c.as_of, jobs.c.id) < tuple_(mine, job.id))
        .order_by(jobs.c.as_of.desc(), jobs.c.id.desc())
        .limit(1)
    )
    with db.read() as connection:
        row = connection.execute(query).one_or_none()
    return rows.job(row) if row else None


def since(db: Ledger, job: Job) -> tuple[Job | None, Job | None]:
    """(last green, first red after it) of a red job's place up to this job."""
    place = and_(
        jobs.c.project == job.order.project,
        jobs.c.ref == job.order.ref,
        jobs.c.subproject == job.order.subproject,
        jobs.c.recipe == job.order.recipe.name,
        jobs.c.id <= job.id,
    )
    with db.read() as connection:
        green = connection.execute(
            select(jobs)
            .where(place, jobs.c.status == Status.SUCCEEDED)
            .order_by(jobs.c.as_of.desc(), jobs.c.id.desc())
            .limit(1)
        ).one_or_none()
        red = connection.execute(
            select(jobs)
            .where(place, jobs.c.status.in_(RED), *((jobs.c.as_of > green.as_of,) if green else ()))
            .order_by(jobs.c.as_of, jobs.c.id)
            .limit(1)
        ).one_or_none()
    return (rows.job(green) if green else None), (rows.job(red) if red else None)


def standing(db: Ledger) -> tuple[Job, ...]:
    """The last conclusive job of every (project, ref, subproject, recipe)."""
    last = (
        select(func.max(jobs.c.as_of).label("as_of"), jobs.c.project, jobs.c.ref, jobs.c.subproject, jobs.c.recipe)
        .where(jobs.c.status.in_(CONCLUSIVE))
        .group_by(jobs.c.project, jobs.c.ref, jobs.c.subproject, jobs.c.recipe)
        .subquery()
    )
    newest = (
        select(func.max(jobs.c.id))
        .join(
            last,
            and_(
                jobs.c.project == last.c.project,
                jobs.c.ref == last.c.ref,
                jobs.c.subproject == last.c.subproject,
                jobs.c.recipe == last.c.recipe,
                jobs.c.as_of == last.c.as_of,
            ),
        )
        .where(jobs.c.status.in_(CONCLUSIVE))
        .group_by(jobs.c.project, jobs.c.ref, jobs.c.subproject, jobs.c.recipe)
    )
    with db.read() as connection:
        return tuple(
            rows.job(row)
            for row in connection.execute(select(jobs).where(jobs.c.id.in_(newest)).order_by(jobs.c.id.desc()))
        )


def branches(db: Ledger, *, limit: int = 200) -> tuple[tuple[str, str], ...]:
    """(project, ref) that have runs, the one with the newest run first."""
    query = (
        select(runs.c.project, runs.c.ref)
        .group_by(runs.c.project, runs.c.ref)
        .order_by(func.max(runs.c.id).desc())
        .limit(limit)
    )
    with db.read() as connection:
        return tuple((row.project, row.ref) for row in connection.execute(query))


def strips(
    db: Ledger, places: Sequence[tuple[str, str]], *, length: int = 30
) -> Mapping[tuple[str, str], tuple[Run, ...]]:
    """The last `length` runs of several (project, ref), oldest first: one query for all."""
    found: dict[tuple[str, str], list[Run]] = {place: [] for place in places}
    ranked = (
        select(
            runs,
            func.row_number().over(partition_by=(runs.c.project, runs.c.ref), order_by=runs.c.id.desc()).label("n"),
        )
        .where(tuple_(runs.c.project, runs.c.ref).in_(places))
        .subquery()
    )
    with db.read() as connection:
        for row in connection.execute(select(ranked).where(ranked.c.n <= length).order_by(ranked.c.id)):
            found[row.project, row.ref].append(rows.run(row))
    return {place: tuple(each) for place, each in found.items()}


def recorded_ref(db: Ledger, project: str, ref: str) -> tuple[str, int | None] | None:
    """(commit, run) that a ref was last recorded at."""
    with db.read() as connection:
        row = connection.execute(
            select(refs.c.commit, refs.c.run).where(refs.c.project == project, refs.c.ref == ref)
        ).one_or_none()
    return (row.commit, row.run) if row else None


# --- changes and letters ---------------------------------------------------------------------------------------------


def cursor(db: Ledger, name: str) -> int:
    """How far a reader of the changes has come."""
    with db.read() as connection:
        return connection.execute(select(cursors.c.seq).where(cursors.c.name == name)).scalar() or 0


def changes_after(db: Ledger, seq: int, *, limit: int = 200) -> tuple[Change, ...]:
    """What changed after `seq`, oldest first."""
    query = select(changes).where(changes.c.seq > seq).order_by(changes.c.seq).limit(limit)
    with db.read() as connection:
        return tuple(Change(**row._mapping) for row in connection.execute(query))  # noqa: SLF001 - its public name


def due(db: Ledger, sink: str, *, limit: int = 20) -> tuple[Sending, ...]:
    """Letters whose time has come."""
    query = (
        select(sendings)
        .where(sendings.c.sink == sink, sendings.c.state == "due", sendings.c.due <= now_ms())
        .order_by(sendings.c.due)
        .limit(limit)
    )
    with db.read() as connection:
        return tuple(rows.sending(row) for row in connection.execute(query))


def next_due(db: Ledger, sink: str) -> int | None:
    """When the next letter is due, Unix milliseconds."""
    query = select(func.min(sendings.c.due)).where(sendings.c.sink == sink, sendings.c.state == "due")
    with db.read() as connection:
        return connection.execute(query).scalar()


def sendings_(db: Ledger, *, run: int | None = None, limit: int = 50) -> tuple[Sending, ...]:
    """Letters, newest first."""
    query = select(sendings).order_by(sendings.c.id.desc()).limit(limit)
    if run is not None:
        query = query.where(sendings.c.run == run)
    with db.read() as connection:
        return tuple(rows.sending(row) for row in connection.execute(query))


def outdated(db: Ledger, project: str, *, keep_runs: int, before: int) -> tuple[int, ...]:
    """Finished runs of a project beyond the newest `keep_runs` of their ref, or older than `before` (Unix ms).

    Never the last green of a ref, nor anything from the first red on while it is broken.
    """
    ranked = (
        select(
            runs.c.id,
            runs.c.ref,
            runs.c.finished_at,
            func.row_number().over(partition_by=runs.c.ref, order_by=runs.c.id.desc()).label("n"),
        )
        .where(runs.c.project == project)
        .subquery()
    )
    doomed = select(ranked.c.id).where(
        ranked.c.finished_at.is_not(None), or_(ranked.c.n > keep_runs, ranked.c.finished_at < before)
    )
    kept: set[int] = set()
    with db.read() as connection:
        ids = set(connection.execute(doomed).scalars())
        if ids:
            kept = _precious(connection, project)
    return tuple(sorted(ids - kept))


def _precious(connection: Any, project: str) -> set[int]:
    """Of each place the run of the last green job, and that of the first red after it."""
    kept: set[int] = set()
    greens: dict[tuple[str, str, str], int] = {}
    firsts: dict[tuple[str, str, str], int] = {}
    query = (
        select(jobs.c.ref, jobs.c.subproject, jobs.c.recipe, jobs.c.run, jobs.c.status)
        .where(jobs.c.project == project, jobs.c.status.in_(CONCLUSIVE))
        .order_by(jobs.c.as_of, jobs.c.id)
    )
    for row in connection.execute(query):
        place = (row.ref, row.subproject, row.recipe)
        if row.status == Status.SUCCEEDED:
            greens[place] = row.run
            firsts.pop(place, None)
        else:
            firsts.setdefault(place, row.run)
    kept.update(greens.values(), firsts.values())
    return kept


def integrity(db: Ledger) -> str | None:
    """None for a sound file, else what the database says of it."""
    with db.read() as connection:
        answer = str(connection.execute(text("PRAGMA quick_check")).scalar())
    return None if answer == "ok" else answer
