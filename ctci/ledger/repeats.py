"""Calls that may come again: what was answered to a call with an Idempotency-Key is kept for a day."""

from dataclasses import dataclass

from sqlalchemy import delete, select, update

from ctci import clock
from ctci.ledger.door_tables import idempotency
from ctci.ledger.engine import Ledger, insert_new

#: How long an answer is kept, and after how long a call that was never answered may be tried again, milliseconds.
KEPT_MS, LOST_MS = 86400 * 1000, 5 * 60 * 1000


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What was answered to the call before; without a status it is still being done."""

    #: Of what was asked for.
    digest: str
    status: int | None
    headers: dict[str, str]
    body: str


def first(db: Ledger, *, who: str, key: str, digest: str) -> Answered | None:
    """None where nobody asked with this key before: then it is ours to do, and to `answer`."""
    mine = (idempotency.c.who == who, idempotency.c.key == key)
    now = clock.now()
    with db.write(quiet=True) as connection:
        lost = idempotency.c.status.is_(None) & (idempotency.c.at <= now - LOST_MS)
        connection.execute(delete(idempotency).where(*mine, lost | (idempotency.c.at <= now - KEPT_MS)))
        values = {"who": who, "key": key, "digest": digest, "at": now, "status": None, "headers": {}, "body": ""}
        if insert_new(connection, idempotency, ("who", "key"), "key", **values) is not None:
            return None
        row = connection.execute(select(idempotency).where(*mine)).one()
    return Answered(digest=row.digest, status=row.status, headers=dict(row.headers), body=row.body)


def answer(db: Ledger, *, who: str, key: str, status: int, headers: dict[str, str], body: str) -> None:
    """Keep what was answered."""
    mine = (idempotency.c.who == who, idempotency.c.key == key)
    with db.write(quiet=True) as connection:
        values = {"status": status, "headers": headers, "body": body}
        connection.execute(update(idempotency).where(*mine).values(values))


def drop(db: Ledger, *, who: str, key: str) -> None:
    """Forget a call that came to nothing: it may come again."""
    with db.write(quiet=True) as connection:
        connection.execute(delete(idempotency).where(idempotency.c.who == who, idempotency.c.key == key))


def forget_repeats(db: Ledger) -> None:
    """Forget what is older than a day."""
    with db.write(quiet=True) as connection:
        connection.execute(delete(idempotency).where(idempotency.c.at <= clock.now() - KEPT_MS))
