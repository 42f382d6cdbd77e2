"""What is owed to somebody outside, and what became of it: letters, statuses on commits, calls. One transaction each.

A sending is on the ledger before it is tried. Who tries it holds it for a while, so that two servers never say the
same; a holder that was killed is forgotten when its server starts again, or when that while is over.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, delete, func, insert, literal, or_, select, update

from ctci.ledger import rows, totals
from ctci.ledger.engine import Ledger, insert_new, now_ms, upsert
from ctci.ledger.tables import cursors, sendings
from ctci.ledger.tables import runs as runs_table
from ctci.model import Owed, Sending
from ctci.model.totals import tried as tried_

#: Nobody tries it at this moment.
_FREE = or_(sendings.c.held_until.is_(None), sendings.c.held_until <= now_ms())


def owe(db: Ledger, *, sink: str, owed: Iterable[Owed], seq: int | None = None, overtaking: str | None = None) -> None:
    """Write down what is owed and, with `seq`, how far the changes were read, together.

    What is untried and about the same run for the same receiver takes the jobs in instead; what `replaces` takes the
    place of what its key said before, tried or not. With `overtaking`, what the receivers of what is new here were owed
    before is not sent any more, for this reason.
    """
    with db.write() as connection:
        for each in owed:
            made = None
            if each.replaces:
                _replace(connection, sink, each)
            elif not _taken_in(connection, sink, each):
                made = insert_new(connection, sendings, ("key",), "id", **_row(sink, each))
            if made is not None and overtaking is not None:
                others = (sendings.c.sink == sink, sendings.c.to == each.to, sendings.c.key != each.key)
                older = update(sendings).where(*others, sendings.c.state == "due", _FREE)
                connection.execute(older.values(state="dropped", last_error=overtaking))
        if seq is not None:
            upsert(connection, cursors, ("name",), name=sink, seq=seq)


def _row(sink: str, owed: Owed) -> dict[str, Any]:
    return {
        "sink": sink,
        "key": owed.key,
        "to": owed.to,
        "run": owed.run,
        "jobs": list(owed.jobs),
        "due": owed.due,
        "tries": 0,
        "message_id": owed.message_id,
        "state": owed.state,
        "body": None if owed.body is None else dict(owed.body),
        "version": 1,
    }


def _taken_in(connection: Connection, sink: str, owed: Owed) -> bool:
    """Whether an untried one to the same receiver about the same run has it now."""
    if not owed.jobs:
        return False
    same = (sendings.c.sink == sink, sendings.c.to == owed.to, sendings.c.run == owed.run)
    open_ = connection.execute(
        select(sendings.c.id, sendings.c.jobs)
        # What was ever held may be out already, and is known by its Message-ID.
        .where(*same, sendings.c.state == "due", sendings.c.tries == 0, sendings.c.held_by.is_(None))
        .limit(1)
        .with_for_update()
    ).one_or_none()
    if open_ is None:
        return False
    told = [*open_.jobs, *(job for job in owed.jobs if job not in open_.jobs)]
    earlier = case((sendings.c.due < owed.due, sendings.c.due), else_=literal(owed.due))
    connection.execute(update(sendings).where(sendings.c.id == open_.id).values(jobs=told, due=earlier))
    return True


def _replace(connection: Connection, sink: str, owed: Owed) -> None:
    known = connection.execute(
        select(sendings.c.id, sendings.c.body).where(sendings.c.key == owed.key).with_for_update()
    ).one_or_none()
    if known is None:
        connection.execute(insert(sendings).values(**_row(sink, owed)))
    elif known.body != owed.body:
        now = {**_row(sink, owed), "version": sendings.c.version + 1, "last_error": None}
        # What was last said stays known.
        del now["message_id"]
        connection.execute(update(sendings).where(sendings.c.id == known.id).values(**now))


def hasten(db: Ledger, *, sink: str, to: Collection[str]) -> None:
    """Nothing more is to come for these receivers: what waits for more is due now."""
    waits = (sendings.c.sink == sink, sendings.c.to.in_(to), sendings.c.state == "due", sendings.c.tries == 0)
    with db.write() as connection:
        connection.execute(update(sendings).where(*waits, _FREE, sendings.c.due > now_ms()).values(due=now_ms()))


def waiting(db: Ledger, sink: str) -> frozenset[str]:
    """The receivers of what is untried and not due yet."""
    waits = (sendings.c.sink == sink, sendings.c.state == "due", sendings.c.tries == 0, sendings.c.due > now_ms())
    with db.read() as connection:
        return frozenset(connection.execute(select(sendings.c.to).where(*waits).distinct()).scalars())


def take(
    db: Ledger, sink: str, *, holder: str, hold_ms: int, limit: int = 1, key: str | None = None
) -> tuple[Sending, ...]:
    """The oldest whose time has come and that nobody tries, held for `hold_ms`: for each receiver all that are due.

    With `key` that one alone.
    """
    ready = and_(sendings.c.sink == sink, sendings.c.state == "due", sendings.c.due <= now_ms(), _FREE)
    if key is not None:
        ready = and_(ready, sendings.c.key == key)
    with db.read() as connection:
        # Looked first: a loop that finds nothing has written nothing.
        to = (
            connection.execute(select(sendings.c.to).where(ready).order_by(sendings.c.due).limit(limit)).scalars().all()
        )
    if not to:
        return ()
    with db.write() as connection:
        held = (
            update(sendings)
            .where(ready, sendings.c.to.in_(set(to)))
            .values(held_by=holder, held_until=now_ms() + literal(hold_ms))
            .returning(sendings)
        )
        found = [rows.sending(row) for row in connection.execute(held)]
    return tuple(sorted(found, key=lambda each: (each.due, each.id)))


def sent(
    db: Ledger,
    taken: Collection[Sending],
    *,
    holder: str,
    message_id: str | None = None,
    body: Mapping[str, Any] | None = None,
) -> None:
    """They are out, as one, with this Message-ID and `body` to remember; what says something newer by now stays due."""
    kept: dict[str, Any] = {}
    if message_id is not None:
        kept["message_id"] = message_id
    if body is not None:
        kept["body"] = dict(body)
    for mine, still_true in _held(taken, holder):
        same, newer = {**kept, "state": "sent"}, {"state": "due", "due": now_ms()}
        with db.write() as connection:
            free = {"tries": sendings.c.tries + 1, "last_error": None, "held_by": None, "held_until": None}
            told = update(sendings).where(mine, still_true).values(**free, **same, sent_at=now_ms())
            _count(connection, told, "sent")
            was = update(sendings).where(mine, ~still_true).values(held_by=None, held_until=None, **newer)
            _count(connection, was, "sent")


def failed(
    db: Ledger, taken: Collection[Sending], *, holder: str, error: str, delay_ms: int | None, tried: bool = True
) -> None:
    """They did not go: due again after `delay_ms`, or given up with None; what says something newer is due at once.

    What was only held back was not `tried`.
    """
    again: dict[str, Any] = {"state": "given_up"} if delay_ms is None else {"due": now_ms() + literal(delay_ms)}
    tries = sendings.c.tries + (1 if tried else 0)
    result = ("given_up" if delay_ms is None else "failed") if tried else None
    _not_sent(db, taken, holder, {"tries": tries, "last_error": error, **again}, counted=result)


def drop(db: Ledger, taken: Collection[Sending], *, holder: str, reason: str) -> None:
    """They are not to be told any more, which is nobody's fault; what says something newer is due at once."""
    _not_sent(db, taken, holder, {"state": "dropped", "last_error": reason}, counted=None)


def _not_sent(
    db: Ledger, taken: Collection[Sending], holder: str, now: Mapping[str, Any], *, counted: str | None
) -> None:
    """What became of them; what was a try is `counted` as this result."""
    free = {"held_by": None, "held_until": None}
    for mine, still_true in _held(taken, holder):
        with db.write() as connection:
            missed = update(sendings).where(mine, still_true).values(**free, **now)
            older = update(sendings).where(mine, ~still_true).values(**free)
            if counted is not None:
                _count(connection, missed, counted)
                _count(connection, older, "failed")
            else:
                connection.execute(missed)
                connection.execute(older)


def _count(connection: Connection, statement: Any, result: str) -> None:
    """Write down what became of some sendings, and count them."""
    for row in connection.execute(statement.returning(sendings.c.sink, sendings.c.to)).all():
        totals.add(connection, tried_(row.sink, row.to, result))


def _held(taken: Collection[Sending], holder: str) -> Iterable[tuple[ColumnElement[bool], ColumnElement[bool]]]:
    """By version those that are ours still, and whether they say what they said when they were taken."""
    for version in {each.version for each in taken}:
        ids = [each.id for each in taken if each.version == version]
        yield and_(sendings.c.id.in_(ids), sendings.c.held_by == holder), sendings.c.version == version


def release(db: Ledger, holder: str) -> None:
    """What a holder had that has ended: tried again at once, as what may be out already."""
    free = {"held_by": None, "held_until": None, "tries": sendings.c.tries + 1}
    with db.write() as connection:
        connection.execute(update(sendings).where(sendings.c.held_by == holder).values(**free))


def next_due(db: Ledger, sink: str) -> int | None:
    """When the next is due that nobody tries, or may be tried by another, Unix milliseconds."""
    at = case((sendings.c.held_until > sendings.c.due, sendings.c.held_until), else_=sendings.c.due)
    query = select(func.min(at)).where(sendings.c.sink == sink, sendings.c.state == "due")
    with db.read() as connection:
        return connection.execute(query).scalar()


def sendings_(
    db: Ledger,
    *,
    sink: str | None = None,
    run: int | None = None,
    runs: Collection[int] | None = None,
    state: str | None = None,
    key: str | None = None,
    missed: bool = False,
    ids: Collection[int] | None = None,
    before: int | None = None,
    within: Collection[str] | None = None,
    limit: int = 50,
) -> tuple[Sending, ...]:
    """Sendings, newest first; `missed`: only what did not go at its last try, and is wanted still.

    `before` is a sending's id, for paging; with `ids` only those of these; with `within` only those about a run of
    these projects.
    """
    query = select(sendings).order_by(sendings.c.id.desc()).limit(limit)
    known = sendings.c
    for column, wanted in ((known.sink, sink), (known.run, run), (known.state, state), (known.key, key)):
        if wanted is not None:
            query = query.where(column == wanted)
    if runs is not None:
        query = query.where(sendings.c.run.in_(runs))
    if ids is not None:
        query = query.where(sendings.c.id.in_(ids))
    if before is not None:
        query = query.where(sendings.c.id < before)
    if within is not None:
        query = query.where(sendings.c.run.in_(select(runs_table.c.id).where(runs_table.c.project.in_(within))))
    if missed:
        query = query.where(sendings.c.state.in_(("due", "given_up")), sendings.c.last_error.is_not(None))
    with db.read() as connection:
        return tuple(rows.sending(row) for row in connection.execute(query))


def last_to(db: Ledger, sink: str, *, states: Collection[str] | None = None) -> Mapping[str, Sending]:
    """By receiver the last that was ever owed to it; of these states alone, where some are given."""
    last = select(func.max(sendings.c.id)).where(sendings.c.sink == sink).group_by(sendings.c.to)
    if states is not None:
        last = last.where(sendings.c.state.in_(states))
    with db.read() as connection:
        found = connection.execute(select(sendings).where(sendings.c.id.in_(last)))
        return {row.to: rows.sending(row) for row in found}


def redeliver(db: Ledger, sending: int, *, sinks: Collection[str]) -> bool:
    """What one of these sinks sent, gave up or dropped is due again, as if untried; whether there was such a one.

    What is due already stays as it is, and who tries something at this moment goes on.
    """
    ended = sendings.c.state.in_(("sent", "given_up", "dropped"))
    over = and_(sendings.c.id == sending, sendings.c.sink.in_(sinks), ended)
    again = {"state": "due", "due": now_ms(), "tries": 0, "last_error": None}
    with db.write() as connection:
        return connection.execute(update(sendings).where(over).values(**again)).rowcount == 1


def forget_sendings(db: Ledger, *, before: int) -> int:
    """Forget what is about no run and was ended before `before` (Unix ms), never the last to a receiver; how many."""
    last = select(func.max(sendings.c.id)).group_by(sendings.c.sink, sendings.c.to)
    old = and_(sendings.c.run == 0, sendings.c.state != "due", sendings.c.due < before, sendings.c.id.not_in(last))
    with db.write() as connection:
        return connection.execute(delete(sendings).where(old)).rowcount
