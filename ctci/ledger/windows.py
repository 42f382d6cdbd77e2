"""What happened between two times, place by place and branch by branch: for digests, by a fixed number of queries."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, select, tuple_

from ctci.ledger.engine import Ledger
from ctci.ledger.seen import AT_ONCE, PLACE, also, chunks, of_seen, seen
from ctci.ledger.tables import attempts, jobs, refs, runs
from ctci.ledger.tables import standing as standing_
from ctci.model import CONCLUSIVE, RED, Branch, Errored, Seen, Status

#: (project, ref, subproject, recipe).
Key = tuple[str, str, str, str]
#: Where a result stands in the history of its place.
Rank = tuple[int, int]
#: A run that came to something: what was cancelled, replaced or skipped says nothing.
_TELLING = (Status.SUCCEEDED, Status.FAILED, Status.TIMED_OUT, Status.ERRORED)


@dataclass(frozen=True, kw_only=True)
class Window:
    """What happened at one place."""

    #: Its last conclusive job; None where there is none yet.
    last: int | None = None
    #: The last conclusive result up to the beginning.
    before: Seen | None = None
    #: The results of the window, in the order of history.
    results: tuple[Seen, ...] = ()
    errored: tuple[Errored, ...] = ()
    #: Runs that ended though something newer was there, and so changed nothing here: those that ran a commit again,
    #: and those that were only late.
    again: tuple[int, ...] = ()
    late: tuple[int, ...] = ()


@dataclass
class _Place:
    before: tuple[Rank, Seen] | None = None
    results: list[tuple[Rank, Seen]] = field(default_factory=list)
    #: Those of the runs of the results that are reruns.
    reruns: set[int] = field(default_factory=set)
    errored: list[Errored] = field(default_factory=list)


def windows(db: Ledger, since: int, until: int) -> Mapping[Key, Window]:
    """Of each place that is red, or where anything ended after `since` and up to `until` (Unix ms), what happened.

    Also of those of a branch that was deleted then.
    """
    found: dict[Key, _Place] = defaultdict(_Place)
    with db.read() as connection:
        _ended(connection, found, since, until)
        _standing(connection, found)
        _deleted(connection, found, since, until)
        _before(connection, found, since)
    return {key: _window(each) for key, each in found.items()}


def _window(place: _Place) -> Window:
    # What stands before what was there already has changed nothing.
    results = [each for each in place.results if place.before is None or each[0] > place.before[0]]
    older = {each[1].run for each in place.results} - {each[1].run for each in results}
    known = [*filter(None, (place.before,)), *results]
    return Window(
        last=known[-1][1].job if known else None,
        before=place.before[1] if place.before is not None else None,
        results=tuple(each for _, each in results),
        errored=tuple(place.errored),
        again=tuple(sorted(older & place.reruns)),
        late=tuple(sorted(older - place.reruns)),
    )


def _key(row: Any) -> Key:
    return row.project, row.ref, row.subproject, row.recipe


def _of_seen() -> Any:
    return of_seen(*(jobs.c[name] for name in PLACE), jobs.c.reason, jobs.c.began_at, runs.c.rerun_of)


def _ended(connection: Connection, found: dict[Key, _Place], since: int, until: int) -> None:
    inside = and_(
        jobs.c.finished_at > since, jobs.c.finished_at <= until, jobs.c.status.in_(_TELLING), jobs.c.ref != ""
    )
    rows = connection.execute(_of_seen().where(inside).order_by(jobs.c.as_of, jobs.c.id)).all()
    told = also(connection, {row.id for row in rows})
    for row in rows:
        place = found[_key(row)]
        if row.status == Status.ERRORED:
            at, began = row.finished_at, row.began_at
            place.errored.append(Errored(job=row.id, run=row.run, at=at, began=began, reason=row.reason or ""))
        else:
            place.results.append(((row.as_of, row.id), seen(row, told)))
            if row.rerun_of is not None:
                place.reruns.add(row.run)


def _standing(connection: Connection, found: dict[Key, _Place]) -> None:
    """Also what is red."""
    for row in connection.execute(select(standing_).where(standing_.c.red_job.is_not(None))):
        found.setdefault(_key(row), _Place())


def _deleted(connection: Connection, found: dict[Key, _Place], since: int, until: int) -> None:
    """Also what is gone since: how it stood is not known any more."""
    query = (
        select(*(jobs.c[name] for name in PLACE))
        .join(refs, and_(refs.c.project == jobs.c.project, refs.c.ref == jobs.c.ref))
        .where(refs.c.via == "deleted", refs.c.at > since, refs.c.at <= until, jobs.c.status.in_(CONCLUSIVE))
        .distinct()
    )
    for row in connection.execute(query):
        found.setdefault(_key(row), _Place())


def _before(connection: Connection, found: dict[Key, _Place], since: int) -> None:
    then = and_(jobs.c.status.in_(CONCLUSIVE), func.coalesce(jobs.c.finished_at, jobs.c.queued_at) <= since)
    rank = func.row_number().over(
        partition_by=[jobs.c[name] for name in PLACE], order_by=(jobs.c.as_of.desc(), jobs.c.id.desc())
    )
    place = tuple_(*(jobs.c[name] for name in PLACE))
    for some in chunks(sorted(found), 500):
        ranked = select(jobs.c.id.label("job"), rank.label("n")).where(then, place.in_(some)).subquery()
        newest = _of_seen().join(ranked, ranked.c.job == jobs.c.id).where(ranked.c.n == 1)
        rows = connection.execute(newest).all()
        told = also(connection, {row.id for row in rows})
        for row in rows:
            found[_key(row)].before = (row.as_of, row.id), seen(row, told)


def ran(db: Ledger, since: int, until: int) -> tuple[Branch, ...]:
    """Of each branch what ended on it after `since` and up to `until` (Unix ms), without its strip."""
    inside: ColumnElement[bool] = and_(runs.c.finished_at > since, runs.c.finished_at <= until)
    query = (
        select(
            runs.c.project,
            runs.c.ref,
            func.count().label("runs"),
            func.sum(case((runs.c.status == Status.SUCCEEDED, 1), else_=0)).label("green"),
        )
        .where(inside, runs.c.status.in_(_TELLING), runs.c.ref != "")
        .group_by(runs.c.project, runs.c.ref)
    )
    ends = (
        select(jobs.c.project, jobs.c.ref, jobs.c.exit)
        .join(runs, runs.c.id == jobs.c.run)
        .where(inside, runs.c.status.in_(_TELLING), jobs.c.same_as.is_(None), jobs.c.attempt > 0)
    )
    took: dict[tuple[str, str], float] = defaultdict(float)
    with db.read() as connection:
        for row in connection.execute(ends):
            # As its keeper measured it: it may have waited long, or been settled by another server.
            took[row.project, row.ref] += (row.exit or {}).get("seconds", 0.0)
        return tuple(
            Branch(project=row.project, ref=row.ref, runs=row.runs, green=row.green, seconds=took[row.project, row.ref])
            for row in connection.execute(query)
        )


def second_tries(db: Ledger, ids: Collection[int]) -> frozenset[int]:
    """Of these runs those with a job that was red and is green by another attempt."""
    query = (
        select(jobs.c.run)
        .join(attempts, and_(attempts.c.job == jobs.c.id, attempts.c.number < jobs.c.attempt))
        .where(jobs.c.status == Status.SUCCEEDED, attempts.c.status.in_(RED))
    )
    with db.read() as connection:
        found = (connection.execute(query.where(jobs.c.run.in_(some))) for some in chunks(sorted(ids), AT_ONCE))
        return frozenset(run for rows in found for run in rows.scalars())
