"""record: what a hook or a person asked for becomes deliveries, runs, jobs and refs, in one transaction.

Knows duplicates: the same key, or a ref that was recorded at this very commit last. Nothing is read before the
transaction that the transaction relies on.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from ctci.ledger import consequences, rows, totals
from ctci.ledger.engine import Ledger, insert_new, insert_or_ignore, now_ms, upsert
from ctci.ledger.tables import deliveries, jobs, needs, projects, refs, runs, standing, turns
from ctci.model import ASIDE, BISECT, MOVED, Entry, Recorded, Status, Trigger
from ctci.model.totals import called, missed

#: Refused calls are kept without their bodies, the newest so many of them.
REFUSED_KEPT = 1000

#: The forge of what was asked for here, or came by itself.
OURS = "ctci"
#: How a ref came here that the sweep saw for the first time: known, and not decided on.
SEEN = "seen"

_new_delivery = insert(deliveries)
_new_jobs = insert(jobs).values(queued_at=now_ms())
_known_run = select(runs.c.id).where(runs.c.key == bindparam("key"))
_last = select(refs.c.commit, refs.c.run, refs.c.via).where(
    refs.c.project == bindparam("project"), refs.c.ref == bindparam("ref")
)


def _queued(waiting: int, priority: Any) -> Any:
    """The turn of the first queued job of a priority."""
    return (
        select(jobs.c.turn - 1)
        .where(jobs.c.status == Status.QUEUED, jobs.c.waiting == waiting, jobs.c.priority == priority)
        .order_by(jobs.c.turn)
        .limit(1)
        .scalar_subquery()
    )


_priority: Any = bindparam("priority")
#: What has been reached (the queue's virtual time, as start-time fair queueing has it), and what the project had last.
_reached = select(
    func.coalesce(
        select(func.max(jobs.c.turn))
        .where(jobs.c.status == Status.RUNNING, jobs.c.priority == _priority)
        .scalar_subquery(),
        _queued(0, _priority),
        _queued(1, _priority),
        select(func.max(turns.c.turn)).where(turns.c.priority == _priority).scalar_subquery(),
        0,
    ),
    func.coalesce(
        select(turns.c.turn)
        .where(turns.c.project == bindparam("project"), turns.c.priority == _priority)
        .scalar_subquery(),
        0,
    ),
)


def record(db: Ledger, entries: Sequence[Entry]) -> tuple[Recorded, ...]:
    """Write down each entry; durable when this returns, perhaps with what other threads record at this moment.

    Raises Away when the ledger cannot be written.
    """
    return db.writer.do(lambda connection: tuple(enter(connection, entry) for entry in entries))


def refuse(db: Ledger, *, project: str, forge: str, event: str, key: str, reason: str) -> int:
    """Write down a call that was not believed, or not understood; only the newest REFUSED_KEPT of them stay.

    What the caller says of itself may be of any length, and is cut.
    """

    def write(connection: Connection) -> int:
        made = connection.execute(
            _new_delivery.values(
                project=project[:100],
                forge=forge,
                event=event[:100],
                key=key[:200],
                at=now_ms(),
                decision="refused",
                reason=reason,
            ).returning(deliveries.c.id)
        ).scalar_one()
        oldest = (
            select(deliveries.c.id)
            .where(deliveries.c.decision == "refused")
            .order_by(deliveries.c.id.desc())
            .offset(REFUSED_KEPT)
            .limit(1)
            .scalar_subquery()
        )
        connection.execute(delete(deliveries).where(deliveries.c.decision == "refused", deliveries.c.id <= oldest))
        # What a stranger calls it is no label, unless there is such a project.
        known = connection.execute(select(projects.c.name).where(projects.c.name == project[:100])).scalar()
        totals.add(connection, called(known or "", forge, "refused"))
        return int(made)

    return db.writer.do(write)


def enter(connection: Connection, entry: Entry) -> Recorded:
    """What record does with one entry, in the caller's transaction."""
    if entry.project:
        # The call of an organisation may be about no project at all.
        insert_or_ignore(connection, projects, ("name",), name=entry.project)
    if entry.deleted and entry.ref:
        if _told_before(connection, entry):
            return _deliver(connection, entry, "duplicate", "the same delivery told of it before", None, ())
        _forget_ref(connection, entry.project, entry.ref)
    trigger = entry.trigger
    if trigger is None:
        return _deliver(connection, entry, "ignored", entry.reason, None, ())
    known = _known(connection, trigger)
    if known is not None:
        run, reason = known
        return _deliver(connection, entry, "duplicate", reason, run, ())
    if not entry.orders:
        _move_ref(connection, trigger, None)
        return _deliver(connection, entry, "ignored", entry.reason, None, ())
    run = _run(connection, entry, trigger)
    if run is None:
        twin, reason = _known(connection, trigger) or (None, entry.reason)
        return _deliver(connection, entry, "duplicate", reason, twin, ())
    placed = _jobs(connection, entry, trigger, run)
    _move_ref(connection, trigger, run)
    consequences.note(connection, "recorded", run)
    return _deliver(connection, entry, "queued", entry.reason, run, placed)


def _told_before(connection: Connection, entry: Entry) -> bool:
    """Whether a deletion is one that the same call told of: the ref may have been pushed anew meanwhile."""
    same = {"project": entry.project, "forge": entry.forge, "key": entry.key, "ref": entry.ref, "reason": entry.reason}
    query = select(deliveries.c.id).where(*(deliveries.c[name] == value for name, value in same.items())).limit(1)
    return connection.execute(query).scalar() is not None


def _forget_ref(connection: Connection, project: str, ref: str) -> None:
    """A branch or tag is gone: pushed again it is news, and how it stood concerns nobody any more."""
    place = {"project": project, "ref": ref}
    last = connection.execute(_last, place).one_or_none()
    if last is None or last.via != "deleted":
        # Of what is gone already stays when it went.
        upsert(connection, refs, ("project", "ref"), **place, commit="", run=None, via="deleted")
    connection.execute(delete(standing).where(standing.c.project == project, standing.c.ref == ref))


def _known(connection: Connection, trigger: Trigger) -> tuple[int | None, str] | None:
    """The run that this trigger repeats, and why we think so."""
    same = connection.execute(_known_run, {"key": trigger.key}).scalar()
    if same is not None:
        return same, f"the same delivery made #{same} before"
    if trigger.kind not in MOVED:
        return None
    last = connection.execute(_last, {"project": trigger.project, "ref": trigger.ref}).one_or_none()
    if last is None or last.commit != trigger.after or last.via == SEEN:
        # What was only seen was not decided on.
        return None
    if last.run is None:
        return None, f"{trigger.ref} was recorded at this commit before, and nothing was to be built"
    return last.run, f"#{last.run} is for this commit of {trigger.ref} already; `ctci rerun {last.run}` runs it again"


def _move_ref(connection: Connection, trigger: Trigger, run: int | None) -> None:
    if trigger.kind not in MOVED or trigger.after is None:
        return
    place = {"project": trigger.project, "ref": trigger.ref}
    upsert(connection, refs, ("project", "ref"), **place, commit=trigger.after, run=run, via=trigger.kind)


def _run(connection: Connection, entry: Entry, trigger: Trigger) -> int | None:
    """A new run; None where another server has just made it of the same delivery."""
    last = None
    aside = trigger.kind in ASIDE
    if trigger.kind in MOVED:
        last = connection.execute(_last, {"project": trigger.project, "ref": trigger.ref}).one_or_none()
    made = insert_new(
        connection,
        runs,
        ("key",),
        "id",
        key=trigger.key,
        project=trigger.project,
        kind=trigger.kind,
        ref="" if aside else trigger.ref,
        hunted_ref=trigger.ref if aside else None,
        before=trigger.before,
        after=trigger.after,
        pusher=trigger.pusher,
        options=list(trigger.options),
        priority=entry.priority,
        status=Status.QUEUED,
        tries=0,
        rerun_of=entry.rerun_of,
        prev_commit=(last.commit or None) if last and last.commit != trigger.after else None,
        prev_run=last.run if last else None,
        prev_via=last.via if last else None,
        schedule=trigger.schedule,
    )
    return None if made is None else int(made)


def _place(connection: Connection, entry: Entry, run: int) -> int:
    """The run whose place in history this one has, written down with it."""
    as_of = run
    if entry.rerun_of is not None:
        # A rerun of a rerun stands where the first one stood.
        first = connection.execute(select(runs.c.as_of).where(runs.c.id == entry.rerun_of)).scalar()
        # 0 is a place too: before all others.
        as_of = entry.rerun_of if first is None else first
    elif entry.trigger is not None and entry.trigger.kind == BISECT:
        as_of = _where_it_was_run(connection, entry.trigger)
    elif entry.trigger is not None and entry.trigger.kind == "manual" and entry.trigger.after is not None:
        as_of = _of_commit(connection, entry.trigger, run)
    connection.execute(update(runs).where(runs.c.id == run).values(as_of=as_of))
    return as_of


def _of_commit(connection: Connection, trigger: Trigger, run: int) -> int:
    """Where a person's run of one commit stands: last if it is the ref's newest, else where it was run, else first."""
    place = {"project": trigger.project, "ref": trigger.ref}
    last = connection.execute(_last, place).one_or_none()
    if last is None or not last.commit or last.commit == trigger.after:
        return run
    return _where_it_was_run(connection, trigger)


def _where_it_was_run(connection: Connection, trigger: Trigger) -> int:
    """The place of the newest run of a commit; 0, before all others, where there is none."""
    then = (
        select(runs.c.as_of)
        .where(runs.c.project == trigger.project, runs.c.ref == trigger.ref, runs.c.commit == trigger.after)
        .order_by(runs.c.as_of.desc())
        .limit(1)
    )
    return connection.execute(then).scalar() or 0


def _jobs(connection: Connection, entry: Entry, trigger: Trigger, run: int) -> tuple[tuple[int, str], ...]:
    as_of = _place(connection, entry, run)
    names = {(order.subproject, order.recipe.name) for order in entry.orders}
    wanted = [[(order.subproject, name) for name in order.recipe.needs] for order in entry.orders]
    # What the run does not have is not waited for: a rerun of what failed goes by the rest as it was.
    found = [[each for each in some if each in names] for some in wanted]
    first = _take_turns(connection, trigger.project, entry.priority, len(entry.orders))
    connection.execute(
        _new_jobs,
        [
            {
                "run": run,
                "as_of": as_of,
                "project": trigger.project,
                "ref": "" if trigger.kind in ASIDE else trigger.ref,
                "subproject": order.subproject,
                "recipe": order.recipe.name,
                "order": rows.order_json(order),
                "status": Status.QUEUED,
                # To wait for: that the run is prepared, and what it needs.
                "waiting": 1 + len(needed),
                "priority": entry.priority,
                "turn": first + number,
                "attempt": 0,
                "lock": order.recipe.lock,
                "spared": int(order.recipe.allow_failure),
            }
            for number, (order, needed) in enumerate(zip(entry.orders, found, strict=True))
        ],
    )
    ids = connection.execute(select(jobs.c.id).where(jobs.c.run == run).order_by(jobs.c.id)).scalars().all()
    by_name = {(order.subproject, order.recipe.name): id_ for id_, order in zip(ids, entry.orders, strict=True)}
    pairs = [{"job": id_, "needs": by_name[each]} for id_, needed in zip(ids, found, strict=True) for each in needed]
    if pairs:
        connection.execute(insert(needs), pairs)
    return tuple(zip(ids, (order.place for order in entry.orders), strict=True))


def _take_turns(connection: Connection, project: str, priority: int, count: int) -> int:
    """The first of `count` turns: after all that the project was given, and not before what has its turn now."""
    reached, last = connection.execute(_reached, {"project": project, "priority": priority}).one()
    first = max(reached, last) + 1
    upsert(connection, turns, ("project", "priority"), project=project, priority=priority, turn=first + count - 1)
    return int(first)


def _deliver(
    connection: Connection,
    entry: Entry,
    decision: str,
    reason: str,
    run: int | None,
    placed: tuple[tuple[int, str], ...],
) -> Recorded:
    ref = entry.ref or (entry.trigger.ref if entry.trigger else None)
    values: dict[str, Any] = {
        "project": entry.project,
        "forge": entry.forge,
        "event": entry.event,
        "key": entry.key,
        "ref": ref,
        "pusher": entry.pusher or (entry.trigger.pusher if entry.trigger else None),
        "at": now_ms(),
        "decision": decision,
        "reason": reason,
        "run": run,
    }
    made = connection.execute(_new_delivery.values(**values).returning(deliveries.c.id)).scalar_one()
    if entry.missed is not None:
        totals.add(connection, missed(entry.project, *entry.missed))
    elif entry.forge != OURS:
        totals.add(connection, called(entry.project, entry.forge, decision))
    return Recorded(
        delivery=int(made),
        decision=decision,
        reason=reason,
        project=entry.project,
        ref=ref,
        after=entry.trigger.after if entry.trigger else None,
        run=run,
        jobs=placed,
        remarks=entry.remarks,
    )
