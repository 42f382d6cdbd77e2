"""All that is known of the places of some jobs, for their verdicts: by a fixed number of queries, not one per job.

A place is (project, ref, subproject, recipe); history goes by the run whose place a job has, so a rerun stands where
its original stood.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, tuple_

from ctci.ledger import readings, rows
from ctci.ledger.engine import Ledger
from ctci.ledger.tables import attempts, commits, findings, jobs, runs, standing
from ctci.model import CONCLUSIVE, MOVED, RED, Commit, Finding, Job, Past, Reading, Run, Seen, Status

DAY_MS = 24 * 3600 * 1000
#: Results before a job that are looked at, and how old the oldest may be.
RESULTS, RESULTS_MS = 50, 90 * DAY_MS
#: A finding that was not seen on a branch for so long is new there.
NEWS_MS = 21 * DAY_MS
#: Another result of the same commit says that a job is flaky for so long.
TWINS_MS = 14 * DAY_MS
#: Commits that are told of one break, at the most.
MOST_COMMITS = 200

_PLACE = ("project", "ref", "subproject", "recipe")
#: What a result is read by; its order is not: there may be thousands.
_SEEN = (
    jobs.c.id,
    jobs.c.run,
    jobs.c.as_of,
    jobs.c.status,
    jobs.c.attempt,
    jobs.c.same_as,
    jobs.c.queued_at,
    jobs.c.finished_at,
    jobs.c.exit,
)


@dataclass
class _Place:
    """What is gathered of one job's place."""

    row: Any
    job: Job
    run: Run
    results: list[Any] = field(default_factory=list)
    green: Any = None
    red: Any = None
    last: Status | None = None
    forked: bool = False
    commits: tuple[Commit, ...] = ()
    overtaken: bool = False
    twins: list[Seen] = field(default_factory=list)
    known: set[str] = field(default_factory=set)


def pasts(db: Ledger, ids: Collection[int], defaults: Mapping[str, str] | None = None) -> Mapping[int, Past]:
    """What is known of the place of each of these jobs up to it; of those that are still on the ledger.

    `defaults`: project -> the full name of its default branch: there a branch that has no result yet is looked up by
    the commit where it left it.
    """
    found = readings.found(db, ids)
    with db.read() as connection:
        places = _places(connection, ids)
        repeated = {each.job.same_as for each in places.values() if each.job.same_as is not None}
        _results(connection, places)
        _marks(connection, places)
        _forks(connection, places, defaults or {})
        _brought(connection, places)
        _twins(connection, places)
        _known(connection, places)
        told = _also(connection, places)
    if repeated:
        found = {**found, **readings.found(db, repeated)}
    return {id_: _past(each, found, told) for id_, each in places.items()}


@dataclass(frozen=True)
class _Also:
    """What is known of several of the jobs that were met."""

    orders: Mapping[int, Any]
    facts: Mapping[int, Mapping[str, str]]
    was_red: frozenset[int]
    flaky: Mapping[int, tuple[str, ...]]


def _past(place: _Place, found: Mapping[int, tuple[Reading, Sequence[Finding]]], told: _Also) -> Past:
    job = place.job
    reading, said = found.get(job.same_as or job.id, (None, ()))
    results = tuple(_seen(row, told) for row in place.results)
    green = _seen(place.green, told) if place.green is not None else None
    red = _seen(place.red, told) if place.red is not None else None
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
        twins=tuple(place.twins),
        recipe_changed=before is not None and now is not None and before != now,
        facts_before=told.facts.get(green.job, {}) if green else {},
        facts_now=told.facts.get(red.job, {}) if red else {},
        reading=reading,
        findings=tuple(said),
        known=frozenset(place.known),
    )


def _seen(row: Any, told: _Also) -> Seen:
    return Seen(
        job=row.id,
        run=row.run,
        status=Status(row.status),
        commit=row.commit,
        author=row.author,
        subject=row.subject,
        at=row.finished_at or row.queued_at,
        seconds=(row.exit or {}).get("seconds", 0.0),
        attempt=row.attempt,
        was_red=row.id in told.was_red,
        same_as=row.same_as,
        flaky_tests=told.flaky.get(row.id, ()),
    )


# --- the queries -----------------------------------------------------------------------------------------------------


def _places(connection: Connection, ids: Collection[int]) -> dict[int, _Place]:
    found = connection.execute(select(jobs).where(jobs.c.id.in_(ids)).order_by(jobs.c.id)).all()
    theirs = {
        row.id: rows.run(row) for row in connection.execute(select(runs).where(runs.c.id.in_({r.run for r in found})))
    }
    return {row.id: _Place(row=row, job=rows.job(row), run=theirs[row.run]) for row in found}


def _of_seen(*more: ColumnElement[Any]) -> Any:
    return select(*_SEEN, runs.c.commit, runs.c.author, runs.c.subject, *more).join(runs, runs.c.id == jobs.c.run)


def _results(connection: Connection, places: Mapping[int, _Place]) -> None:
    """Of each place the conclusive results before its job, newest first, and its last one that was at least errored."""
    mine = jobs.alias("mine")
    same = and_(*(jobs.c[name] == mine.c[name] for name in _PLACE))
    before = tuple_(jobs.c.as_of, jobs.c.id) < tuple_(mine.c.as_of, mine.c.id)
    rank = func.row_number().over(partition_by=mine.c.id, order_by=(jobs.c.as_of.desc(), jobs.c.id.desc()))
    telling = [*CONCLUSIVE, Status.ERRORED]
    young = func.coalesce(jobs.c.finished_at, jobs.c.queued_at) > mine.c.queued_at - RESULTS_MS
    ranked = (
        select(mine.c.id.label("mine"), jobs.c.id.label("job"), rank.label("n"))
        .join(jobs, and_(same, before))
        .where(mine.c.id.in_(places), jobs.c.status.in_(telling), young)
        .subquery()
    )
    query = _of_seen(ranked.c.mine).join(ranked, ranked.c.job == jobs.c.id).where(ranked.c.n <= RESULTS)
    for row in connection.execute(query.order_by(ranked.c.mine, ranked.c.n)):
        place = places[row.mine]
        place.last = place.last or Status(row.status)
        if row.status != Status.ERRORED:
            place.results.append(row)


def _marks(connection: Connection, places: Mapping[int, _Place]) -> None:
    """The last green before each job, and the first red after that, up to the job."""
    mine, green, red = jobs.alias("mine"), jobs.alias("green"), jobs.alias("red")

    def of(other: Any) -> ColumnElement[bool]:
        return and_(*(other.c[name] == mine.c[name] for name in _PLACE))

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
    seen = _rows(connection, {id_ for row in found for id_ in (row.green, row.red) if id_ is not None})
    for row in found:
        place = places[row.mine]
        place.green, place.red = seen.get(row.green), seen.get(row.red)
        place.overtaken = (row.last_as_of or 0) > row.as_of


def _rows(connection: Connection, ids: Collection[int]) -> dict[int, Any]:
    return {row.id: row for row in connection.execute(_of_seen().where(jobs.c.id.in_(ids)))} if ids else {}


def _forks(connection: Connection, places: Mapping[int, _Place], defaults: Mapping[str, str]) -> None:
    """Of a branch without any result before: that of the commit where it left the default branch."""
    new = {
        id_: (each, defaults[each.run.project])
        for id_, each in places.items()
        if not each.results and each.run.merge_base and defaults.get(each.run.project, each.run.ref) != each.run.ref
    }
    if not new:
        return
    wanted = {(each.run.project, ref, each.run.merge_base) for each, ref in new.values()}
    query = (
        select(runs.c.project, runs.c.ref, runs.c.commit, func.max(runs.c.as_of).label("as_of"))
        .where(tuple_(runs.c.project, runs.c.ref, runs.c.commit).in_(wanted))
        .group_by(runs.c.project, runs.c.ref, runs.c.commit)
    )
    left = {(row.project, row.ref, row.commit): row.as_of for row in connection.execute(query)}
    here = {
        id_: (ref, left[key])
        for id_, (each, ref) in new.items()
        if (key := (each.run.project, ref, each.run.merge_base)) in left
    }
    for statuses in (CONCLUSIVE, {Status.SUCCEEDED}):
        for id_, row in _newest(connection, places, here, statuses).items():
            place = places[id_]
            if statuses is CONCLUSIVE:
                place.results, place.forked = [row], True
            else:
                place.green = row


def _newest(
    connection: Connection,
    places: Mapping[int, _Place],
    here: Mapping[int, tuple[str, int]],
    statuses: Collection[Status],
) -> Mapping[int, Any]:
    """Of each the newest such job of its place on another ref, up to a run."""
    asked = {
        (each.project, ref, each.subproject, each.recipe, as_of): id_
        for id_, (ref, as_of) in here.items()
        for each in (places[id_].row,)
    }
    found: dict[int, Any] = {}
    upto: dict[tuple[str, str, str, str], list[tuple[int, int]]] = defaultdict(list)
    for (project, ref, subproject, recipe, as_of), id_ in asked.items():
        upto[project, ref, subproject, recipe].append((as_of, id_))
    place_of = tuple_(*(jobs.c[name] for name in _PLACE))
    newest = max((as_of for _, as_of in here.values()), default=0)
    query = (
        _of_seen(*(jobs.c[name] for name in _PLACE[:1]), jobs.c.ref, jobs.c.subproject, jobs.c.recipe)
        .where(place_of.in_(list(upto)), jobs.c.status.in_(statuses), jobs.c.as_of <= newest)
        .order_by(jobs.c.as_of.desc(), jobs.c.id.desc())
    )
    for row in connection.execute(query) if upto else ():
        for as_of, id_ in upto[row.project, row.ref, row.subproject, row.recipe]:
            if row.as_of <= as_of:
                found.setdefault(id_, row)
    return found


def _brought(connection: Connection, places: Mapping[int, _Place]) -> None:
    """What the runs brought after the last green one, up to the first red; of a first result, what its run brought."""
    spans: dict[int, tuple[str, str, int, int]] = {}
    for id_, each in places.items():
        if each.red is None:
            continue
        after = each.row.as_of - 1 if each.green is None or each.forked else each.green.as_of
        first = each.red.as_of
        spans[id_] = (each.row.project, each.row.ref, min(after, first - 1), first)
    if not spans:
        return
    by_span: dict[tuple[str, str, int, int], dict[str, Commit]] = {span: {} for span in spans.values()}
    for some in _chunks(sorted(by_span), 200):
        inside = or_(
            *(
                and_(runs.c.project == p, runs.c.ref == r, runs.c.id > low, runs.c.id <= high)
                for p, r, low, high in some
            )
        )
        query = (
            select(commits, runs.c.project, runs.c.ref, runs.c.kind)
            .join(runs, runs.c.id == commits.c.run)
            .where(inside, or_(runs.c.kind.in_((*MOVED, "schedule")), runs.c.id.in_({high for *_, high in some})))
            .order_by(runs.c.id.desc(), commits.c.position)
        )
        for row in connection.execute(query):
            for span, told in by_span.items():
                project, ref, low, high = span
                if (row.project, row.ref) == (project, ref) and low < row.run <= high and len(told) < MOST_COMMITS:
                    told.setdefault(row.sha, rows.commit(row))
    for id_, span in spans.items():
        places[id_].commits = tuple(by_span[span].values())


def _twins(connection: Connection, places: Mapping[int, _Place]) -> None:
    """Other results of the same commit with the same recipe, of any branch, of the last days."""
    built = {(each.run.project, each.run.commit) for each in places.values() if each.run.commit}
    if not built:
        return
    query = (
        _of_seen(runs.c.project, jobs.c.subproject, jobs.c.recipe, jobs.c.order)
        .where(tuple_(runs.c.project, runs.c.commit).in_(built))
        .where(jobs.c.status.in_(CONCLUSIVE), jobs.c.same_as.is_(None))
        .order_by(jobs.c.id.desc())
    )
    same: dict[tuple[str, str, str, str], list[Any]] = defaultdict(list)
    for row in connection.execute(query):
        same[row.project, row.commit, row.subproject, row.recipe].append(row)
    for each in places.values():
        mine = each.row
        at = mine.finished_at or mine.queued_at
        for row in same[mine.project, each.run.commit or "", mine.subproject, mine.recipe]:
            near = abs((row.finished_at or row.queued_at) - at) <= TWINS_MS and row.id < mine.id
            if near and _recipe(row.order) == _recipe(mine.order):
                each.twins.append(_seen(row, _NOTHING))


def _known(connection: Connection, places: Mapping[int, _Place]) -> None:
    """Of what was found in each job, the fingerprints that its branch had in the days before."""
    mine, theirs, earlier = jobs.alias("mine"), findings.alias("theirs"), jobs.alias("earlier")
    near = func.coalesce(earlier.c.finished_at, earlier.c.queued_at) > mine.c.queued_at - NEWS_MS
    query = (
        select(mine.c.id, findings.c.fingerprint)
        .join(findings, findings.c.job == mine.c.id)
        .join(theirs, theirs.c.fingerprint == findings.c.fingerprint)
        .join(earlier, earlier.c.id == theirs.c.job)
        .where(mine.c.id.in_(places), earlier.c.project == mine.c.project, earlier.c.ref == mine.c.ref)
        .where(earlier.c.id < mine.c.id, earlier.c.as_of < mine.c.as_of, near)
        .distinct()
    )
    for row in connection.execute(query):
        places[row.id].known.add(row.fingerprint)


def _also(connection: Connection, places: Mapping[int, _Place]) -> _Also:
    """Recipes and facts of the marks; which of all results were retried, or had tests that were."""
    marks = {row.id for each in places.values() for row in (each.green, each.red) if row is not None}
    met = {row.id for each in places.values() for row in each.results} | marks | set(places)
    retried = (
        select(attempts.c.job)
        .join(jobs, jobs.c.id == attempts.c.job)
        .where(attempts.c.job.in_(met), attempts.c.number < jobs.c.attempt, attempts.c.status.in_(RED))
        .distinct()
    )
    tests = (
        select(findings.c.job, findings.c.test)
        .where(findings.c.job.in_(met), findings.c.severity == "warning", findings.c.test.is_not(None))
        .order_by(findings.c.job, findings.c.position)
    )
    flaky: dict[int, dict[str, None]] = defaultdict(dict)
    for row in connection.execute(tests):
        flaky[row.job][row.test] = None
    orders = select(jobs.c.id, jobs.c.order).where(jobs.c.id.in_(marks))
    last = and_(jobs.c.id == attempts.c.job, jobs.c.attempt == attempts.c.number)
    facts = select(attempts.c.job, attempts.c.facts).join(jobs, last).where(attempts.c.job.in_(marks))
    return _Also(
        orders={row.id: _recipe(row.order) for row in connection.execute(orders)},
        facts={row.job: row.facts or {} for row in connection.execute(facts)},
        was_red=frozenset(connection.execute(retried).scalars()),
        flaky={job: tuple(names) for job, names in flaky.items()},
    )


_NOTHING = _Also(orders={}, facts={}, was_red=frozenset(), flaky={})


def _recipe(order: Mapping[str, Any]) -> tuple[Any, ...]:
    """What of a frozen order decides about its result: another directory or command is another recipe."""
    made = rows.order(dict(order))
    same: dict[str, Any] = {
        "nice": 0,
        "needs": (),
        "lock": None,
        "retries": 0,
        "on": None,
        "matchers": (),
    }
    return (made.directory, replace(made.recipe, **same, allow_failure=False, on_interrupt="fail"))


def _chunks(found: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    return (found[at : at + size] for at in range(0, len(found), size))
