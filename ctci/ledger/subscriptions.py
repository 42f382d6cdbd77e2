"""What receivers of letters have stopped and what they wish. A row and its token are made when a first letter goes.

A token is looked up by its hash: how long that takes tells nothing of a token, and no text that is sent in its place
can trouble a database. The token itself is kept too, for each letter carries it; the ledger is its owner's alone.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, delete, func, or_, select, update

from ctci import clock
from ctci.ledger.engine import Ledger, insert_or_ignore, now_ms
from ctci.ledger.tables import sendings, subscriptions
from ctci.model import AT_ONCE, DIGEST, Subscription, Wishes

#: Kind of letter -> when it was stopped.
_STOPPED = {DIGEST: subscriptions.c.digest_stopped_at, AT_ONCE: subscriptions.c.at_once_stopped_at}


def subscription(db: Ledger, to: str) -> Subscription:
    """A receiver's, made at first need."""
    found = subscriptions_of(db, [to])
    if to not in found:
        token = clock.new_token()
        with db.write() as connection:
            # Another server may come first: then its token holds.
            row = {"receiver": to.casefold(), "to": to, "token": token, "mark": _mark(token), "wishes": {}}
            insert_or_ignore(connection, subscriptions, ("receiver",), **row)
        found = subscriptions_of(db, [to])
    return found[to]


def subscriptions_of(db: Ledger, receivers: Collection[str]) -> Mapping[str, Subscription]:
    """By receiver; who has none yet is left out: nothing is stopped, nothing wished."""
    query = select(subscriptions).where(subscriptions.c.receiver.in_({to.casefold() for to in receivers}))
    with db.read() as connection:
        found = {row.receiver: _subscription(row) for row in connection.execute(query)}
    return {to: found[to.casefold()] for to in receivers if to.casefold() in found}


def subscription_by(db: Ledger, token: str) -> Subscription | None:
    """The one that a token is of."""
    with db.read() as connection:
        row = connection.execute(select(subscriptions).where(subscriptions.c.mark == _mark(token))).one_or_none()
    return None if row is None else _subscription(row)


def stop(db: Ledger, token: str, kinds: Collection[str], *, sinks: Collection[str] = ()) -> bool:
    """Stop kinds of letters, and no more owe what these sinks owe; whether there is such a token.

    What is stopped already stays so since then.
    """
    since = {_STOPPED[kind]: func.coalesce(_STOPPED[kind], now_ms()) for kind in kinds}
    # What is being sent at this moment goes out; what is left would only be found stopped when its time comes.
    free = or_(sendings.c.held_until.is_(None), sendings.c.held_until <= now_ms())
    owed = (sendings.c.sink.in_(sinks), sendings.c.state == "due", free)
    with db.write() as connection:
        receiver = _change(connection, token, since)
        if receiver is not None and sinks:
            connection.execute(delete(sendings).where(*owed, func.lower(sendings.c.to) == receiver))
    return receiver is not None


def resume(db: Ledger, token: str, kinds: Collection[str]) -> bool:
    """Send kinds of letters again; whether there is such a token."""
    with db.write() as connection:
        return _change(connection, token, {_STOPPED[kind]: None for kind in kinds}) is not None


def wish_for(db: Ledger, token: str, wishes: Wishes) -> bool:
    """Wish for this in the place of what was wished before; whether there is such a token."""
    told = {name: wish for name, wish in asdict(wishes).items() if wish}
    with db.write() as connection:
        return _change(connection, token, {subscriptions.c.wishes: told}) is not None


def _change(connection: Connection, token: str, values: Mapping[Any, Any]) -> str | None:
    """Whose it was; None for a token that nobody has."""
    change = update(subscriptions).where(subscriptions.c.mark == _mark(token))
    change = change.values({**values, subscriptions.c.changed_at: now_ms()})
    receiver: str | None = connection.execute(change.returning(subscriptions.c.receiver)).scalar()
    return receiver


def _mark(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _subscription(row: Row[tuple[Any, ...]]) -> Subscription:
    stopped = {DIGEST: row.digest_stopped_at, AT_ONCE: row.at_once_stopped_at}
    told: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in row.wishes.items()}
    return Subscription(
        to=row.to,
        token=row.token,
        stopped={kind: at for kind, at in stopped.items() if at is not None},
        wishes=Wishes(**told),
        changed_at=row.changed_at,
    )
