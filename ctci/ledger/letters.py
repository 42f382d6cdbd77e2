"""The letters that are owed, and what became of them: one transaction each."""

from collections.abc import Iterable

from sqlalchemy import case, literal, select, update

from ctci.ledger.engine import Ledger, insert_or_ignore, now_ms, upsert
from ctci.ledger.tables import cursors, sendings
from ctci.model import Letter


def owe(db: Ledger, *, cursor: str, seq: int, letters: Iterable[Letter]) -> None:
    """Write down which letters are owed and how far the changes were read, together.

    A letter to the same `[notify.N]` about the same run that is still due takes the job in instead.
    """
    with db.write() as connection:
        for letter in letters:
            open_ = connection.execute(
                select(sendings.c.id, sendings.c.jobs).where(
                    sendings.c.sink == cursor,
                    sendings.c.to == letter.to,
                    sendings.c.run == letter.run,
                    sendings.c.state == "due",
                    sendings.c.tries == 0,
                )
            ).one_or_none()
            if open_ is not None:
                told = [*open_.jobs, *([] if letter.job in open_.jobs else [letter.job])]
                earlier = case((sendings.c.due < letter.due, sendings.c.due), else_=letter.due)
                connection.execute(update(sendings).where(sendings.c.id == open_.id).values(jobs=told, due=earlier))
                continue
            insert_or_ignore(
                connection,
                sendings,
                ("key",),
                sink=cursor,
                key=letter.key,
                to=letter.to,
                run=letter.run,
                jobs=[letter.job],
                due=letter.due,
                tries=0,
                message_id=letter.message_id,
                state="due",
            )
        upsert(connection, cursors, ("name",), name=cursor, seq=seq)


def hasten(db: Ledger, *, cursor: str, run: int) -> None:
    """The run is over: its letters that wait for more to come are due now."""
    with db.write() as connection:
        connection.execute(
            update(sendings)
            .where(
                sendings.c.sink == cursor,
                sendings.c.run == run,
                sendings.c.state == "due",
                sendings.c.tries == 0,
                sendings.c.due > now_ms(),
            )
            .values(due=now_ms())
        )


def sent(db: Ledger, sending: int) -> None:
    """The letter is out."""
    with db.write() as connection:
        connection.execute(
            update(sendings)
            .where(sendings.c.id == sending)
            .values(state="sent", sent_at=now_ms(), tries=sendings.c.tries + 1, last_error=None)
        )


def failed(db: Ledger, sending: int, *, error: str, delay_ms: int | None) -> None:
    """The letter did not go: due again after `delay_ms`, or given up with None."""
    again = {"state": "given_up"} if delay_ms is None else {"due": now_ms() + literal(delay_ms)}
    with db.write() as connection:
        connection.execute(
            update(sendings)
            .where(sendings.c.id == sending)
            .values(tries=sendings.c.tries + 1, last_error=error, **again)
        )
