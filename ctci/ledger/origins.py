"""Where a break comes from: the commit where a branch began, and the commits that runs brought since."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, and_, or_, select, tuple_

from ctci.ledger import rows
from ctci.ledger.seen import PLACE, Gathered, chunks, of_seen
from ctci.ledger.tables import commits, jobs, runs
from ctci.model import CONCLUSIVE, MOVED, Commit, Status

#: Commits that are told of one break, at the most.
MOST_COMMITS = 200


def forks(connection: Connection, places: Mapping[int, Gathered], defaults: Mapping[str, str]) -> None:
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
        select(runs.c.project, runs.c.ref, runs.c.commit, runs.c.as_of)
        .where(tuple_(runs.c.project, runs.c.ref, runs.c.commit).in_(wanted))
        .distinct()
    )
    built: dict[tuple[str, str, str | None], list[int]] = defaultdict(list)
    for row in connection.execute(query):
        built[row.project, row.ref, row.commit].append(row.as_of)
    here = {
        id_: (ref, _left(built[key], each.row.as_of))
        for id_, (each, ref) in new.items()
        if (key := (each.run.project, ref, each.run.merge_base)) in built
    }
    for statuses in (CONCLUSIVE, {Status.SUCCEEDED}):
        for id_, row in _newest(connection, places, here, statuses).items():
            place = places[id_]
            if statuses is CONCLUSIVE:
                place.results, place.forked = [row], True
            else:
                place.green = row


def _left(built: Collection[int], at: int) -> int:
    """Of the runs of a commit the last one before a run; the first one after it where there is none."""
    return max((each for each in built if each < at), default=min(built))


def _newest(
    connection: Connection,
    places: Mapping[int, Gathered],
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
    place_of = tuple_(*(jobs.c[name] for name in PLACE))
    newest = max((as_of for _, as_of in here.values()), default=0)
    query = (
        of_seen(*(jobs.c[name] for name in PLACE[:1]), jobs.c.ref, jobs.c.subproject, jobs.c.recipe)
        .where(place_of.in_(list(upto)), jobs.c.status.in_(statuses), jobs.c.as_of <= newest)
        .order_by(jobs.c.as_of.desc(), jobs.c.id.desc())
    )
    for row in connection.execute(query) if upto else ():
        for as_of, id_ in upto[row.project, row.ref, row.subproject, row.recipe]:
            if row.as_of <= as_of:
                found.setdefault(id_, row)
    return found


def brought(connection: Connection, places: Mapping[int, Gathered]) -> None:
    """What the runs brought after the last green one, up to the first red; of a first result, what its run brought."""
    spans: dict[int, tuple[str, str, int, int]] = {}
    for id_, each in places.items():
        if each.red is None:
            continue
        # All that a branch brought: what was replaced before it came to a result is in it too.
        after = 0 if each.forked else each.row.as_of - 1 if each.green is None else each.green.as_of
        first = each.red.as_of
        spans[id_] = (each.row.project, each.row.ref, min(after, first - 1), first)
    if not spans:
        return
    by_span: dict[tuple[str, str, int, int], dict[str, Commit]] = {span: {} for span in spans.values()}
    for some in chunks(sorted(by_span), 200):
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
