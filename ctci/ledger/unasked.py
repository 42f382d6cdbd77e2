"""What nobody called for: schedules that fire, and what the sweep finds. One transaction each.

A schedule's `since` is the fence: who moves it has decided all nominal times up to there, and nobody does so twice.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import ColumnElement, Connection, FromClause, and_, delete, func, literal, or_, select, update

from ctci.ledger import entries, rows
from ctci.ledger.engine import Ledger, insert_new, insert_or_ignore, now_ms, up_to, upsert
from ctci.ledger.tables import deliveries, jobs, projects, refs, runs, schedules
from ctci.model import Delivery, Entry, Fired, Job, Reckoned, Recorded, Ref, Run, Silence, Status

#: What could not be had is not looked for again before so long, milliseconds.
AGAIN_MS = 6 * 3600 * 1000
#: What could not be had so often is not looked for any more.
OFTEN_ENOUGH = 3


def reckoned(db: Ledger) -> Mapping[tuple[str, str], Reckoned]:
    """How far each schedule has been decided, by project and name."""
    with db.read() as connection:
        found = connection.execute(select(schedules))
        return {
            (row.project, row.name): Reckoned(line=row.line, timezone=row.timezone, since=row.since) for row in found
        }


def reckon(db: Ledger, project: str, name: str, reckoned: Reckoned) -> None:
    """Decide a schedule by this line and time zone from now on: it is new, or was changed."""
    with db.write(quiet=True) as connection:
        upsert(
            connection,
            schedules,
            ("project", "name"),
            project=project,
            name=name,
            line=reckoned.line,
            timezone=reckoned.timezone,
            since=reckoned.since,
        )


def unschedule(db: Ledger, gone: Collection[tuple[str, str]]) -> None:
    """Forget schedules that are not configured any more: what comes back later begins anew."""
    with db.write(quiet=True) as connection:
        for project, name in gone:
            connection.execute(delete(schedules).where(schedules.c.project == project, schedules.c.name == name))


def fire(db: Ledger, project: str, name: str, *, until: int, found: Sequence[Entry]) -> tuple[Recorded, ...] | None:
    """Decide a schedule up to `until` (Unix ms) by these entries; None where somebody else has done so before."""
    with db.write() as connection:
        moved = connection.execute(
            update(schedules)
            .where(schedules.c.project == project, schedules.c.name == name, schedules.c.since < until)
            .values(since=until)
        )
        if not moved.rowcount:
            return None
        return tuple(entries.enter(connection, entry) for entry in found)


def succeeded_on(db: Ledger, project: str, schedule: str, ref: str, commit: str) -> tuple[Run, tuple[Job, ...]] | None:
    """The last run of a schedule that succeeded on this commit of this ref, with its jobs."""
    query = (
        select(runs)
        .where(
            runs.c.project == project,
            runs.c.schedule == schedule,
            runs.c.ref == ref,
            runs.c.commit == commit,
            runs.c.status == Status.SUCCEEDED,
        )
        .order_by(runs.c.id.desc())
        .limit(1)
    )
    with db.read() as connection:
        row = connection.execute(query).one_or_none()
        if row is None:
            return None
        found = connection.execute(select(jobs).where(jobs.c.run == row.id).order_by(jobs.c.id))
        return rows.run(row), tuple(rows.job(each) for each in found)


def fired(db: Ledger, *, after: int, within: Collection[str] | None = None, each: int = 20) -> tuple[Fired, ...]:
    """What became of the nominal times that were decided since `after` (Unix ms), the newest first.

    Of each schedule the newest `each`, and all that were missed; with `within` only of these projects.
    """
    with db.read() as connection:
        # The key begins with the schedule, and goes on with a time: `schedule:shop/nightly@...`.
        schedule = up_to(connection, deliveries.c.key, "@")
        number = func.row_number().over(partition_by=(schedule, deliveries.c.event), order_by=deliveries.c.id.desc())
        of = () if within is None else (deliveries.c.project.in_(within),)
        lately = select(deliveries.c.id, deliveries.c.event, number.label("n")).where(
            *_ours(deliveries, "schedule", "missed"), deliveries.c.at > after, *of
        )
        told = lately.subquery()
        query = (
            select(deliveries, runs.c.status, runs.c.prepared_at, runs.c.finished_at)
            .join(told, told.c.id == deliveries.c.id)
            .outerjoin(runs, runs.c.id == deliveries.c.run)
            .where(or_(told.c.n <= each, told.c.event == "missed"))
            .order_by(deliveries.c.id.desc())
        )
        return tuple(
            Fired(
                delivery=Delivery(**{name: row._mapping[name] for name in Delivery.__dataclass_fields__}),  # noqa: SLF001
                status=Status(row.status) if row.status else None,
                seconds=(row.finished_at - row.prepared_at) / 1000 if row.finished_at and row.prepared_at else None,
            )
            for row in connection.execute(query)
        )


def took(db: Ledger, *, last: int = 10) -> Mapping[tuple[str, str], tuple[float, ...]]:
    """How many seconds the last runs of each schedule took that succeeded or failed, by project and name."""
    number = func.row_number().over(partition_by=(runs.c.project, runs.c.schedule), order_by=runs.c.id.desc())
    ended = (
        select(
            runs.c.project,
            runs.c.schedule,
            (runs.c.finished_at - runs.c.prepared_at).label("ms"),
            number.label("n"),
        )
        .where(
            runs.c.schedule.is_not(None),
            runs.c.hunted_ref.is_(None),
            runs.c.finished_at.is_not(None),
            runs.c.prepared_at.is_not(None),
            runs.c.status.in_((Status.SUCCEEDED, Status.FAILED)),
        )
        .subquery()
    )
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    with db.read() as connection:
        for row in connection.execute(select(ended).where(ended.c.n <= last)):
            found[row.project, row.schedule].append(row.ms / 1000)
    return {place: tuple(seconds) for place, seconds in found.items()}


def refs_(db: Ledger, project: str) -> Mapping[str, Ref]:
    """Where each ref of a project was last recorded; one that is gone has an empty commit."""
    with db.read() as connection:
        found = connection.execute(
            select(refs, and_(runs.c.id.is_not(None), runs.c.prepared_at.is_(None)).label("open"))
            .outerjoin(runs, runs.c.id == refs.c.run)
            .where(refs.c.project == project)
        )
        return {row.ref: Ref(commit=row.commit, run=row.run, via=row.via, open=bool(row.open)) for row in found}


def gone(db: Ledger, among: Collection[str]) -> Mapping[tuple[str, str], int]:
    """By (project, ref) of these projects when those were deleted that are not on the remote any more, Unix ms."""
    query = select(refs.c.project, refs.c.ref, refs.c.at).where(refs.c.project.in_(among), refs.c.via == "deleted")
    with db.read() as connection:
        return {(row.project, row.ref): row.at for row in connection.execute(query)}


def sweep(
    db: Ledger,
    project: str,
    *,
    fresh: Mapping[str, str],
    seen: Entry,
    moved: Sequence[Entry],
    gone: Sequence[Entry],
) -> tuple[Recorded, ...]:
    """Write down what a look at the remote found, unless it was told meanwhile.

    `fresh`: refs that were never heard of, with their commits, and `seen` what is said of them: they are known from
    now on, and nothing is built. `moved`: a trigger for each ref that is not where it was, `before` being that.
    `gone`: refs that are not there any more.
    """
    with db.write() as connection:
        insert_or_ignore(connection, projects, ("name",), name=project)
        new = [
            ref
            for ref, commit in fresh.items()
            if insert_new(
                connection, refs, ("project", "ref"), "ref", project=project, ref=ref, commit=commit, via=entries.SEEN
            )
        ]
        made = [entries.enter(connection, seen)] if new else []
        made += [
            entries.enter(connection, entry)
            for entry in (*moved, *gone)
            if _still(connection, entry) and not _hopeless(connection, entry)
        ]
        return tuple(made)


def _still(connection: Connection, entry: Entry) -> bool:
    """Whether the ref is still recorded where the sweep compared it with."""
    at = connection.execute(
        select(refs.c.commit).where(refs.c.project == entry.project, refs.c.ref == entry.ref)
    ).scalar()
    if entry.trigger is None:
        return bool(at)
    return at == (entry.trigger.before or "")


def _hopeless(connection: Connection, entry: Entry) -> bool:
    """Whether this very commit was tried a while ago and could not be had, or was tried often enough."""
    trigger = entry.trigger
    if trigger is None:
        return False
    tried, last = connection.execute(
        select(func.count(), func.max(runs.c.created_at)).where(
            runs.c.project == entry.project,
            runs.c.ref == entry.ref,
            runs.c.after == trigger.after,
            runs.c.status == Status.ERRORED,
        )
    ).one()
    now = connection.execute(select(now_ms())).scalar_one()
    return tried >= OFTEN_ENOUGH or (last is not None and last > now - AGAIN_MS)


def told_of(db: Ledger, project: str, commits: Mapping[str, str]) -> frozenset[str]:
    """Of these refs, each with a commit or tag object, those of which a hook told that they are there."""
    if not commits:
        return frozenset()
    query = select(runs.c.ref, runs.c.after).where(
        runs.c.project == project, runs.c.kind.in_(("push", "tag")), runs.c.after.in_(set(commits.values()))
    )
    with db.read() as connection:
        return frozenset(row.ref for row in connection.execute(query) if commits.get(row.ref) == row.after)


def silences(db: Ledger) -> tuple[Silence, ...]:
    """The projects whose hooks have not called since the sweep found pushes of theirs.

    The first that is found of each ref after the ledger was put back is none: its hook may have called before that.
    """
    swept = deliveries.alias()
    of = select(swept.c.project).distinct().where(*_ours(swept, "sweep")).subquery()
    call = deliveries.alias()
    heard = (
        select(call.c.id)
        .where(call.c.project == of.c.project, call.c.forge != "ctci", call.c.decision != "refused")
        .order_by(call.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    restore, first = deliveries.alias(), deliveries.alias()
    restored = (
        select(func.max(restore.c.id))
        .where(restore.c.project == of.c.project, *_ours(restore, "restore"))
        .scalar_subquery()
    )
    last = select(of.c.project, heard.label("heard"), restored.label("restored")).subquery()
    first_since = (
        select(first.c.id)
        .where(first.c.project == swept.c.project, first.c.ref == swept.c.ref, first.c.id > last.c.restored)
        .order_by(first.c.id)
        .limit(1)
        .scalar_subquery()
    )
    since = and_(
        swept.c.project == last.c.project,
        swept.c.id > func.coalesce(last.c.heard, 0),
        or_(last.c.restored.is_(None), swept.c.id < last.c.restored, swept.c.id > first_since),
        *_ours(swept, "sweep"),
    )
    query = (
        select(last.c.project, call.c.at, func.count().label("missed"))
        .select_from(last)
        .join(swept, since)
        .outerjoin(call, call.c.id == last.c.heard)
        .group_by(last.c.project, call.c.at)
        .order_by(last.c.project)
    )
    with db.read() as connection:
        return tuple(Silence(project=row.project, since=row.at, missed=row.missed) for row in connection.execute(query))


def _ours(table: FromClause, *events: str) -> tuple[ColumnElement[bool], ...]:
    """Deliveries of events of ours, in the words of their index: it serves no parameters."""
    first, *more = (literal(event, literal_execute=True) for event in events)
    return (
        table.c.forge == literal("ctci", literal_execute=True),
        table.c.event.in_([first, *more]) if more else table.c.event == first,
    )
