"""All that is known of the places of some jobs, for their verdicts: by a fixed number of queries, not one per job.

A place is (project, ref, subproject, recipe); history goes by the run whose place a job has, so a rerun stands where
its original stood.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select, tuple_

from ctci.ledger import acks, hunts, origins, readings, rows
from ctci.ledger.engine import Ledger
from ctci.ledger.seen import PLACE, Also, Gathered, also, of_seen, recipe_of, seen, seen_rows
from ctci.ledger.tables import findings, jobs, runs, standing
from ctci.model import CONCLUSIVE, RED, Finding, Past, Reading, Status

DAY_MS = 24 * 3600 * 1000
#: Results before a job that are looked at, and how old the oldest may be.
RESULTS, RESULTS_MS = 50, 90 * DAY_MS
#: A finding that was not seen on a branch for so long is new there.
NEWS_MS = 21 * DAY_MS
#: Another result of the same commit says that a job is flaky for so long.
TWINS_MS = 14 * DAY_MS


def pasts(db: Ledger, ids: Collection[int], defaults: Mapping[str, str] | None = None) -> Mapping[int, Past]:
    """What is known of the place of each of these jobs up to it; of those that are still on the ledger.

    `defaults`: project -> the full name of its default branch: there a branch that has no result yet is looked up by
    the commit where it left it.
    """
    found = readings.found(db, ids)
    with db.read() as connection:
        places = _places(connection, ids)
        against = {id_: each.run.against for id_, each in places.items() if each.run.against is not None}
        repeated = {each.job.same_as for each in places.values() if each.job.same_as is not None}
        _results(connection, places, against)
        _marks(connection, places, against)
        origins.forks(connection, places, defaults or {})
        origins.brought(connection, places)
        _twins(connection, places)
        _known(connection, places, against)
        marks = {row.id for each in places.values() for row in (each.green, each.red) if row is not None}
        met = {row.id for each in places.values() for row in (*each.results, *each.twins)} | set(places)
        told = also(connection, met, marks)
        acked = acks.in_force(connection, {each.run.project for each in places.values()})
    if repeated:
        found = {**found, **readings.found(db, repeated)}
    hunted = hunts.hunts_of(db, {each.red.id for each in places.values() if each.red is not None})
    made = {id_: _past(each, found, told) for id_, each in places.items()}
    return {
        id_: replace(
            past,
            acked=acked.get(past.run.project, frozenset()),
            hunt=hunted.get(past.red.job) if past.red is not None else None,
        )
        for id_, past in made.items()
    }


def _past(place: Gathered, found: Mapping[int, tuple[Reading, Sequence[Finding]]], told: Also) -> Past:
    job = place.job
    reading, said = found.get(job.same_as or job.id, (None, ()))
    results = tuple(seen(row, told) for row in place.results)
    green = seen(place.green, told) if place.green is not None else None
    red = seen(place.red, told) if place.red is not None else None
    baseline = results[0] if results else None
    if place.forked:
        baseline, results = baseline or green, ()
    before = told.orders.get(green.job) if green else None
    now = told.orders.get(red.job) if red else None
    return Past(
        job=job,
        run=place.run,
        baseline=baseline,
        forked=place.forked,
        overtaken=place.overtaken,
        retried=job.id in told.was_red,
        green=green,
        red=red,
        last=place.last,
        commits=place.commits,
        results=results,
        twins=tuple(seen(row, told) for row in place.twins),
        recipe_changed=before is not None and now is not None and before != now,
        facts_before=told.facts.get(green.job, {}) if green else {},
        facts_now=told.facts.get(red.job, {}) if red else {},
        facts=told.facts.get(job.id, {}),
        reading=reading,
        findings=tuple(said),
        known=frozenset(place.known),
    )


# --- the queries -----------------------------------------------------------------------------------------------------


def _places(connection: Connection, ids: Collection[int]) -> dict[int, Gathered]:
    found = connection.execute(select(jobs).where(jobs.c.id.in_(ids)).order_by(jobs.c.id)).all()
    theirs = {
        row.id: rows.run(row) for row in connection.execute(select(runs).where(runs.c.id.in_({r.run for r in found})))
    }
    return {row.id: Gathered(row=row, job=rows.job(row), run=theirs[row.run]) for row in found}


def _ref(mine: Any, against: Mapping[int, str]) -> Any:
    """The ref whose history a job is held against: of a try another than its own, which it has none of."""
    return case(against, value=mine.c.id, else_=mine.c.ref) if against else mine.c.ref


def _same(other: Any, mine: Any, against: Mapping[int, str]) -> ColumnElement[bool]:
    """That a job was of the place that another is held against."""
    rest = (other.c[name] == mine.c[name] for name in PLACE if name != "ref")
    return and_(other.c.ref == _ref(mine, against), *rest)


def _results(connection: Connection, places: Mapping[int, Gathered], against: Mapping[int, str]) -> None:
    """Of each place the conclusive results before its job, newest first, and its last one that was at least errored."""
    mine, oldest = jobs.alias("mine"), jobs.alias("oldest")
    telling = [*CONCLUSIVE, Status.ERRORED]

    def before(other: Any) -> ColumnElement[bool]:
        return and_(_same(other, mine, against), tuple_(other.c.as_of, other.c.id) < tuple_(mine.c.as_of, mine.c.id))

    # Without an edge all that a place ever had would be ranked: a year of it for each page.
    edge = (
        select(oldest.c.as_of)
        .where(before(oldest), oldest.c.status.in_(telling))
        .order_by(oldest.c.as_of.desc(), oldest.c.id.desc())
        .limit(1)
        .offset(RESULTS - 1)
        .scalar_subquery()
    )
    edges = select(mine.c.id.label("mine"), edge.label("edge")).where(mine.c.id.in_(places)).subquery()
    rank = func.row_number().over(partition_by=mine.c.id, order_by=(jobs.c.as_of.desc(), jobs.c.id.desc()))
    young = func.coalesce(jobs.c.finished_at, jobs.c.queued_at) > mine.c.queued_at - RESULTS_MS
    ranked = (
        select(mine.c.id.label("mine"), jobs.c.id.label("job"), rank.label("n"))
        .join(edges, edges.c.mine == mine.c.id)
        .join(jobs, and_(before(jobs), jobs.c.as_of >= func.coalesce(edges.c.edge, 0)))
        .where(jobs.c.status.in_(telling), young)
        .subquery()
    )
    query = of_seen(ranked.c.mine).join(ranked, ranked.c.job == jobs.c.id).where(ranked.c.n <= RESULTS)
    for row in connection.execute(query.order_by(ranked.c.mine, ranked.c.n)):
        place = places[row.mine]
        place.last = place.last or Status(row.status)
        if row.status != Status.ERRORED:
            place.results.append(row)


def _marks(connection: Connection, places: Mapping[int, Gathered], against: Mapping[int, str]) -> None:
    """The last green before each job, and the first red after that, up to the job."""
    mine, green, red = jobs.alias("mine"), jobs.alias("green"), jobs.alias("red")

    def of(other: Any) -> ColumnElement[bool]:
        return _same(other, mine, against)

    # For a repeat of its own branch the last green one is old, and may be beyond what was read of results.
    last_green = (
        select(green.c.id)
        .where(of(green), green.c.status == Status.SUCCEEDED)
        .where(tuple_(green.c.as_of, green.c.id) < tuple_(mine.c.as_of, mine.c.id))
        .order_by(green.c.as_of.desc(), green.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    greens = select(mine.c.id.label("mine"), last_green.label("green")).where(mine.c.id.in_(places)).subquery()
    since = jobs.alias("since")
    first_red = (
        select(red.c.id)
        .where(of(red), red.c.status.in_(RED))
        .where(tuple_(red.c.as_of, red.c.id) <= tuple_(mine.c.as_of, mine.c.id))
        .where(or_(since.c.id.is_(None), tuple_(red.c.as_of, red.c.id) > tuple_(since.c.as_of, since.c.id)))
        .order_by(red.c.as_of, red.c.id)
        .limit(1)
        .scalar_subquery()
    )
    marks = (
        select(mine.c.id.label("mine"), mine.c.as_of, greens.c.green, first_red.label("red"), standing.c.last_as_of)
        .join(greens, greens.c.mine == mine.c.id)
        .outerjoin(since, since.c.id == greens.c.green)
        .outerjoin(standing, of(standing))
    )
    found = connection.execute(marks).all()
    # Of a try that breaks what is green elsewhere, it is the first red one itself.
    own = {id_ for id_ in against if places[id_].row.status in RED}
    marked = seen_rows(connection, own | {id_ for row in found for id_ in (row.green, row.red) if id_ is not None})
    for row in found:
        place = places[row.mine]
        place.green, place.red = marked.get(row.green), marked.get(row.red)
        if place.red is None and row.mine in own:
            place.red = marked[row.mine]
        place.overtaken = (row.last_as_of or 0) > row.as_of


def _twins(connection: Connection, places: Mapping[int, Gathered]) -> None:
    """Other results of the same commit with the same recipe, of any branch, of the last days."""
    built = {(each.run.project, each.run.commit) for each in places.values() if each.run.commit}
    if not built:
        return
    ended = func.coalesce(jobs.c.finished_at, jobs.c.queued_at)
    times = [each.row.finished_at or each.row.queued_at for each in places.values()]
    query = (
        of_seen(runs.c.project, jobs.c.subproject, jobs.c.recipe, jobs.c.order)
        .where(tuple_(runs.c.project, runs.c.commit).in_(built), jobs.c.id < max(places))
        .where(ended.between(min(times) - TWINS_MS, max(times) + TWINS_MS))
        # A search for a culprit is of no branch.
        .where(jobs.c.status.in_(CONCLUSIVE), jobs.c.same_as.is_(None), jobs.c.ref != "")
        .order_by(jobs.c.id.desc())
    )
    same: dict[tuple[str, str, str, str], list[Any]] = defaultdict(list)
    recipes = {each.row.id: recipe_of(each.row.order) for each in places.values()}
    for row in connection.execute(query):
        same[row.project, row.commit, row.subproject, row.recipe].append(row)
        if row.id not in recipes:
            recipes[row.id] = recipe_of(row.order)
    for each in places.values():
        mine = each.row
        at = mine.finished_at or mine.queued_at
        for row in same[mine.project, each.run.commit or "", mine.subproject, mine.recipe]:
            near = abs((row.finished_at or row.queued_at) - at) <= TWINS_MS and row.id < mine.id
            if near and recipes[row.id] == recipes[mine.id]:
                each.twins.append(row)


def _known(connection: Connection, places: Mapping[int, Gathered], against: Mapping[int, str]) -> None:
    """Of what was found in each job, the fingerprints that its branch had in the days before.

    Of each fingerprint the newest sighting that counts is looked for: what a tool has said for years is in all of them.
    """
    theirs, earlier = findings.alias("theirs"), jobs.alias("earlier")
    mine = select(findings.c.job, findings.c.fingerprint).where(findings.c.job.in_(places)).distinct().subquery("mine")
    near = func.coalesce(earlier.c.finished_at, earlier.c.queued_at) > jobs.c.queued_at - NEWS_MS
    of_branch = (
        select(earlier.c.id)
        .where(earlier.c.id == theirs.c.job, earlier.c.project == jobs.c.project, earlier.c.ref == _ref(jobs, against))
        .where(earlier.c.as_of < jobs.c.as_of, near)
        .correlate(theirs, jobs)
        .scalar_subquery()
    )
    newest = (
        select(theirs.c.job)
        .where(theirs.c.fingerprint == mine.c.fingerprint, theirs.c.job < mine.c.job)
        .where(theirs.c.job >= _began(against), of_branch.is_not(None))
        .order_by(theirs.c.job.desc())
        .limit(1)
        .correlate(mine, jobs)
        .scalar_subquery()
    )
    query = select(mine.c.job, mine.c.fingerprint).join(jobs, jobs.c.id == mine.c.job).where(newest.is_not(None))
    for row in connection.execute(query):
        places[row.job].known.add(row.fingerprint)


def _began(against: Mapping[int, str]) -> Any:
    """No job of the branch of a job is older than this one: what others found before is none of it."""
    one = runs.alias("one")
    first = (
        select(func.min(one.c.id))
        .where(one.c.project == jobs.c.project, one.c.ref == _ref(jobs, against))
        .correlate(jobs)
    ).scalar_subquery()
    its = jobs.alias("its")
    # The jobs of a run may be forgotten before it.
    oldest = select(its.c.id).where(its.c.run >= first).order_by(its.c.run, its.c.id).limit(1)
    return oldest.correlate(jobs).scalar_subquery()
