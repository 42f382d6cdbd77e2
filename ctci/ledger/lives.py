"""The looks that were had at a place, which lives of findings are told from: a fixed number of queries."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Row, and_, case, func, literal, null, select, tuple_

from ctci.ledger import seen
from ctci.ledger.engine import Ledger
from ctci.ledger.tables import attempts, findings, jobs, readings, runs
from ctci.model import CONCLUSIVE, Look, Sighting, Status, place_of

#: Looks at one place that history is told from.
MOST = 200
_SEEN = tuple(findings.c[name] for name in ("job", "attempt", "position", "fingerprint", "test", "severity"))


def looks(
    db: Ledger,
    jobs_: Collection[int],
    *,
    fingerprints: Collection[str] | None = None,
    test: str | None = None,
    limit: int = MOST,
) -> Mapping[int, tuple[Look, ...]]:
    """By job the last `limit` looks at its place (project, ref, subproject, recipe) up to it, in the order of history.

    Each conclusive attempt is one; a job that only repeats a result has none, and a rerun stands where its original
    stood. They tell of these findings only, or of those of one test; else of all.
    """
    mine = jobs.alias("mine")
    place = (jobs.c[name] == mine.c[name] for name in ("project", "ref", "subproject", "recipe"))
    up_to = tuple_(jobs.c.as_of, jobs.c.id) <= tuple_(mine.c.as_of, mine.c.id)
    wanted: list[ColumnElement[bool]] = []
    if fingerprints is not None:
        wanted.append(findings.c.fingerprint.in_(fingerprints))
    if test is not None:
        wanted.append(findings.c.test == test)
    with db.read() as connection:
        here = and_(*place, up_to)
        found = _attempts(connection, mine, mine.c.id.in_(jobs_), here, limit)
        told = _looks(connection, found, wanted)
    return {id_: tuple(told[id_]) for id_ in jobs_}


def looks_of(db: Ledger, runs_: Collection[int]) -> Mapping[int, Mapping[str, Look]]:
    """By run and place (`api:test`) the last conclusive attempt there; of a job that repeats a result, that one's."""
    mine = jobs.alias("mine")
    with db.read() as connection:
        itself = jobs.c.id == func.coalesce(mine.c.same_as, mine.c.id)
        found = _attempts(connection, mine, mine.c.run.in_(runs_), itself, 1)
        told = _looks(connection, found, ())
    of: dict[int, dict[str, Look]] = {run: {} for run in runs_}
    for row in found:
        of[row.of_run][place_of(row.subproject, row.recipe)] = told[row.of][0]
    return of


def _attempts(
    connection: Connection, mine: FromClause, which: ColumnElement[bool], here: ColumnElement[bool], limit: int
) -> Sequence[Row[Any]]:
    """Of each job of `mine` that is asked for the last `limit` conclusive attempts at the jobs `here`, oldest first."""
    newest = (jobs.c.as_of.desc(), jobs.c.id.desc(), attempts.c.number.desc())
    ranked = (
        select(
            mine.c.id.label("of"),
            mine.c.run.label("of_run"),
            mine.c.subproject,
            mine.c.recipe,
            jobs.c.id.label("job"),
            jobs.c.run,
            attempts.c.number,
            attempts.c.status,
            attempts.c.finished_at,
            func.row_number().over(partition_by=mine.c.id, order_by=newest).label("n"),
        )
        .select_from(mine)
        .join(jobs, here)
        .join(attempts, attempts.c.job == jobs.c.id)
        .where(which, attempts.c.status.in_(CONCLUSIVE))
        .subquery()
    )
    read = and_(readings.c.job == ranked.c.job, readings.c.attempt == ranked.c.number)
    ended = and_(attempts.c.job == ranked.c.job, attempts.c.number == ranked.c.number)
    query = (
        select(
            ranked,
            runs.c.commit.label("built"),
            readings.c.state,
            readings.c.tests,
            case((readings.c.job.is_(None), attempts.c.exit), else_=null()).label("exit"),
        )
        .join(runs, runs.c.id == ranked.c.run)
        .join(attempts, ended)
        .outerjoin(readings, read)
        .where(ranked.c.n <= limit)
        .order_by(ranked.c.of, ranked.c.n.desc())
    )
    return connection.execute(query).all()


def _looks(
    connection: Connection, found: Sequence[Row[Any]], wanted: Sequence[ColumnElement[bool]]
) -> Mapping[int, Sequence[Look]]:
    """The attempts with what was found in them, by the job that they are asked of."""
    ids = {row.job for row in found}
    sightings: dict[tuple[int, int], list[Sighting]] = defaultdict(list)
    # Sorted here: by their own index they come unsorted.
    seen = connection.execute(select(*_SEEN).where(findings.c.job.in_(ids), *wanted)).all()
    for each in sorted(seen, key=lambda each: each.position):
        # A report tells so of a test that failed and then passed.
        recovered = each.test is not None and each.severity == "warning"
        sighting = Sighting(fingerprint=each.fingerprint, test=each.test, recovered=recovered)
        sightings[each.job, each.attempt].append(sighting)
    partial = _partial(connection, ids)
    trials = _trials(connection, found)
    told: dict[int, list[Look]] = defaultdict(list)
    for row in found:
        look = Look(
            job=row.job,
            run=row.run,
            attempt=row.number,
            status=Status(row.status),
            at=row.finished_at,
            trial=trials[row.of, row.job],
            tests=(row.tests or {}).get("total", 0),
            whole=_whole(row) and (row.job, row.number) not in partial,
            sightings=tuple(sightings[row.job, row.number]),
        )
        told[row.of].append(look)
    return told


def _whole(row: Row[Any]) -> bool:
    """Whether all was read that there was; what said nothing at all, and has no report, is not read."""
    if row.state is not None:
        return bool(row.state == "read")
    return row.exit is not None and row.exit["log_bytes"] == 0


def _partial(connection: Connection, ids: Collection[int]) -> frozenset[tuple[int, int]]:
    """The attempts of which ctci itself had to leave something out, or to say that it could not be read."""
    # In the words of its index: it serves no parameter.
    own = findings.c.tool == literal("ctci", literal_execute=True)
    query = select(findings.c.job, findings.c.attempt).where(own, findings.c.job.in_(ids)).distinct()
    return frozenset((row.job, row.attempt) for row in connection.execute(query))


def _trials(connection: Connection, found: Sequence[Row[Any]]) -> Mapping[tuple[int, int], int]:
    """A number for each (asked of, job): the same where commit and recipe are."""
    built: dict[tuple[int, str], set[int]] = defaultdict(set)
    for row in found:
        if row.built is not None:
            built[row.of, row.built].add(row.job)
    shared = {place: ids for place, ids in built.items() if len(ids) > 1}
    # Only of those are the recipes read.
    query = select(jobs.c.id, jobs.c.order).where(jobs.c.id.in_({id_ for ids in shared.values() for id_ in ids}))
    recipes = {row.id: seen.recipe_of(row.order) for row in connection.execute(query)}
    trials = {(row.of, row.job): row.job for row in found}
    for (of, _), ids in shared.items():
        firsts: list[int] = []
        for id_ in sorted(ids):
            same = next((first for first in firsts if recipes[first] == recipes[id_]), None)
            trials[of, id_] = id_ if same is None else same
            firsts += [id_] if same is None else []
    return trials
