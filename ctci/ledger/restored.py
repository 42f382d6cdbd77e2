"""What a ledger that was put back must be told: which numbers others have by now, and what may have run since."""

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import exc, func, select, update

from ctci import clock
from ctci.ledger import consequences, entries
from ctci.ledger.engine import Away, Ledger, LedgerError, count_on, last_numbers, peruse
from ctci.ledger.tables import changes, deliveries, hosts, jobs, refs, runs, schedules
from ctci.model import Entry, Status


def numbers(db: Ledger) -> Mapping[str, int]:
    """Table -> the last number that was given out."""
    with db.read() as connection:
        return last_numbers(connection)


def numbers_in(path: Path) -> Mapping[str, int] | None:
    """The same of a file; None where there is none, or none that can be read."""
    try:
        db = peruse(path)
    except LedgerError:
        return None
    try:
        return numbers(db)
    except (Away, exc.DBAPIError):
        return None
    finally:
        db.close()


def number_above(db: Ledger, last: Mapping[str, int]) -> None:
    """Give out no number up to these, by table: somebody else has them."""
    with db.write() as connection:
        count_on(connection, last)


def ids(db: Ledger) -> tuple[frozenset[int], frozenset[int]]:
    """The numbers of all its runs, and of all its jobs."""
    with db.read() as connection:
        found = [frozenset(connection.execute(select(table.c.id)).scalars()) for table in (runs, jobs)]
    return found[0], found[1]


def born(db: Ledger) -> int:
    """When its first server began, Unix milliseconds; now where it had none yet."""
    with db.read() as connection:
        found = connection.execute(select(func.min(hosts.c.first_seen))).scalar()
    return clock.now() if found is None else int(found)


def until(db: Ledger) -> int | None:
    """When the last thing happened that it knows of, Unix milliseconds."""
    with db.read() as connection:
        found = [connection.execute(select(func.max(table.c.at))).scalar() for table in (changes, deliveries)]
    return max((each for each in found if each is not None), default=None)


def recorded_since(db: Ledger, at: int) -> int:
    """How many of its runs were recorded since then."""
    with db.read() as connection:
        return connection.execute(select(func.count()).select_from(runs).where(runs.c.created_at >= at)).scalar_one()


def clear_queue(db: Ledger, *, by: str, reason: str) -> int:
    """Cancel every job that waits; how many did."""
    with db.write() as connection:
        waiting = jobs.c.status == Status.QUEUED
        return consequences.wish(connection, waiting, Status.CANCELLED, by=by, reason=reason)[0]


def go_on_from_here(db: Ledger, *, reason: str) -> None:
    """Let no schedule fire for the time before now, and no hook be blamed for it; each project is told the reason."""
    with db.write() as connection:
        connection.execute(update(schedules).values(since=clock.now()))
        for project in connection.execute(select(refs.c.project).distinct()).scalars().all():
            key = f"restore:{clock.new_key()}"
            entry = Entry(project=project, forge="ctci", event="restore", key=key, reason=reason)
            entries.enter(connection, entry)
