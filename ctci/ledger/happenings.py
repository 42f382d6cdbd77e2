"""What changed, as it is told at once to whoever follows: each change with the names and statuses of now."""

from collections.abc import Mapping

from sqlalchemy import func, literal, select, union_all

from ctci.ledger.engine import Ledger
from ctci.ledger.tables import changes, jobs, runs
from ctci.model import Happening, Status, place_of


def happenings(db: Ledger, after: int, *, limit: int = 200) -> tuple[Happening, ...]:
    """What happened after a change, oldest first."""
    query = (
        select(
            changes,
            runs.c.project,
            runs.c.ref,
            runs.c.status.label("run_status"),
            jobs.c.subproject,
            jobs.c.recipe,
            jobs.c.status.label("job_status"),
        )
        .join(runs, runs.c.id == changes.c.run)
        .outerjoin(jobs, jobs.c.id == changes.c.job)
        .where(changes.c.seq > after)
        .order_by(changes.c.seq)
        .limit(limit)
    )
    with db.read() as connection:
        return tuple(
            Happening(
                seq=row.seq,
                kind=row.kind,
                at=row.at,
                project=row.project,
                ref=row.ref,
                run=row.run,
                run_status=Status(row.run_status),
                job=row.job,
                place=place_of(row.subproject, row.recipe) if row.recipe is not None else None,
                job_status=Status(row.job_status) if row.job_status is not None else None,
            )
            for row in connection.execute(query)
        )


def newest_change(db: Ledger, *, before: int | None = None) -> int:
    """The number of the last change, with `before` of the last one before that time (Unix milliseconds); 0: none."""
    query = select(changes.c.seq).order_by(changes.c.seq.desc()).limit(1)
    if before is not None:
        query = query.where(changes.c.at < before)
    with db.read() as connection:
        return connection.execute(query).scalar() or 0


def queues(db: Ledger) -> Mapping[str, tuple[int, int]]:
    """Project -> (how many jobs wait, how many run), of those that have some."""
    # In the statement itself: the indexes are of those rows alone, and no database compares that with a parameter.
    some = (
        select(jobs.c.project, literal(str(each)).label("status"), func.count().label("jobs"))
        .where(jobs.c.status == literal(str(each), literal_execute=True))
        .group_by(jobs.c.project)
        for each in (Status.QUEUED, Status.RUNNING)
    )
    found: dict[str, dict[str, int]] = {}
    with db.read() as connection:
        for row in connection.execute(union_all(*some)):
            found.setdefault(row.project, {})[row.status] = row.jobs
    return {name: (of.get(Status.QUEUED, 0), of.get(Status.RUNNING, 0)) for name, of in found.items()}
