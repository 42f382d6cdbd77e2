"""What badges, monitors and feeds ask again and again: a look that costs little however long the history is."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select, union

from ctci.ledger import rows
from ctci.ledger.engine import Ledger
from ctci.ledger.tables import jobs, sendings, standing
from ctci.model import CONCLUSIVE, RED, Sending, Status

#: So many of the newest jobs are looked through for what turned.
RECENT = 10_000


def busy(db: Ledger) -> frozenset[tuple[str, str, str]]:
    """(project, ref, subproject) of which a job waits or runs."""
    columns = (jobs.c.project, jobs.c.ref, jobs.c.subproject)
    # In the statement itself: the indexes are of those rows alone, and no database compares that with a parameter.
    some = (
        select(*columns).where(jobs.c.status == literal(str(each), literal_execute=True))
        for each in (Status.QUEUED, Status.RUNNING)
    )
    with db.read() as connection:
        return frozenset((row.project, row.ref, row.subproject) for row in connection.execute(union(*some)))


def turned(
    db: Ledger, *, project: str | None = None, within: Collection[str] | None = None, limit: int = 100
) -> tuple[int, ...]:
    """The jobs that may have changed how their place stands, newest first: only the newest RECENT are looked at.

    Left out are those that tell of what newer runs had left behind already. With `within` only of these projects.
    """
    newest = select(func.max(jobs.c.id) - RECENT).scalar_subquery()
    of: list[ColumnElement[bool]] = [] if project is None else [jobs.c.project == project]
    of += [] if within is None else [jobs.c.project.in_(within)]
    was_red = _base.c.status.in_(RED)
    query = (
        select(jobs.c.id)
        .select_from(jobs)
        .outerjoin(_base, _base.c.id == _before(CONCLUSIVE))
        .where(
            jobs.c.id > newest,
            *of,
            or_(
                and_(jobs.c.status.in_(RED | {Status.ERRORED}), or_(_base.c.id.is_(None), ~was_red)),
                and_(jobs.c.status == Status.SUCCEEDED, was_red),
            ),
            ~_overtaken(),
        )
        .order_by(jobs.c.id.desc())
        .limit(limit)
    )
    with db.read() as connection:
        return tuple(connection.execute(query).scalars())


_base, _earlier, _later = jobs.alias("base"), jobs.alias("earlier"), jobs.alias("later")


def _same_place(other: Any) -> Any:
    return and_(*(other.c[name] == jobs.c[name] for name in ("project", "ref", "subproject", "recipe")))


def _before(statuses: Collection[Status]) -> Any:
    """The id of the last job of the place before it with one of these statuses, as it was known then."""
    return (
        select(_earlier.c.id)
        .where(
            _same_place(_earlier),
            _earlier.c.status.in_(statuses),
            _earlier.c.id < jobs.c.id,
            _earlier.c.as_of <= jobs.c.as_of,
        )
        .order_by(_earlier.c.as_of.desc(), _earlier.c.id.desc())
        .limit(1)
        .correlate(jobs)
        .scalar_subquery()
    )


def _overtaken() -> Any:
    """Whether a result of a newer run was there before it: a rerun of something old is no news."""
    return (
        exists()
        .where(
            _same_place(_later), _later.c.status.in_(CONCLUSIVE), _later.c.id < jobs.c.id, _later.c.as_of > jobs.c.as_of
        )
        .correlate(jobs)
    )


def unsent(db: Ledger, *, since: int, limit: int = 50) -> tuple[Sending, ...]:
    """What was tried and did not go, newest first: what is due again, and what was given up lately.

    `since` (Unix ms): what was given up before is not told any more.
    """
    again = and_(sendings.c.state == "due", sendings.c.tries > 0)
    lost = and_(sendings.c.state == "given_up", sendings.c.due >= since)
    query = select(sendings).where(or_(again, lost)).order_by(sendings.c.id.desc()).limit(limit)
    with db.read() as connection:
        return tuple(rows.sending(row) for row in connection.execute(query))


def stands(
    db: Ledger, places: Collection[tuple[str, str]]
) -> Mapping[tuple[str, str, str, str], tuple[int | None, bool]]:
    """(project, ref, subproject, recipe) of these refs -> when its last green job ended (Unix ms), and if it is red.

    None: it was never green. What is allowed to fail is not red.
    """
    if not places:
        return {}
    green, last = jobs.alias("green"), jobs.alias("last")
    red = and_(last.c.status.in_(RED), last.c.spared == 0)
    query = (
        select(
            *(standing.c[name] for name in ("project", "ref", "subproject", "recipe")),
            green.c.finished_at,
            case((red, 1), else_=0).label("red"),
        )
        .join(last, last.c.id == standing.c.last_job)
        .outerjoin(green, green.c.id == standing.c.green_job)
        # Pairs would be compared with every row there is: their halves are looked up, and the rest is left out below.
        .where(
            standing.c.project.in_({project for project, _ in places}), standing.c.ref.in_({ref for _, ref in places})
        )
    )
    with db.read() as connection:
        return {
            (row.project, row.ref, row.subproject, row.recipe): (row.finished_at, bool(row.red))
            for row in connection.execute(query)
            if (row.project, row.ref) in places
        }
