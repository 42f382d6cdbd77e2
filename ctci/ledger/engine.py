"""Opens the ledger and gives transactions: the only file that knows which database it is.

Writes of the process pass one plain lock before BEGIN IMMEDIATE; reads never take it.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, BigInteger, Connection, Engine, create_engine, event, exc
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement

from ctci import clock


class LedgerError(Exception):
    """The ledger cannot be opened or used; the message says which and why."""


class IllegalMove(Exception):
    """A move that no row allowed."""


class Fenced(IllegalMove):
    """This attempt is no longer ours: drop it."""


class Away(IllegalMove):
    """The ledger cannot be reached now: try again."""


class now_ms(FunctionElement[int]):  # noqa: N801 - written as SQL functions are
    """The time in Unix milliseconds by the database's own clock."""

    type = BigInteger()
    inherit_cache = True


@compiles(now_ms, "sqlite")
def _now_sqlite(*_: Any, **__: Any) -> str:
    # The database of one process has that process's clock, which tests can stop.
    return "ctci_now()"


#: A JSON column.
Json = JSON()
#: The column that numbers rows and never gives a number out twice.
AUTO_ID = "INTEGER PRIMARY KEY AUTOINCREMENT"
#: An INSERT that can ignore or update on conflict.
insert = sqlite_insert


class Nudge:
    """Wakes sleeping loops after a commit. Haste only: a lost one costs a poll."""

    def __init__(self) -> None:
        # Guards `_rung`, and is what sleepers sleep on.
        self._bell = threading.Condition()
        self._rung = 0

    def ring(self) -> None:
        """Wake everyone who sleeps."""
        with self._bell:
            self._rung += 1
            self._bell.notify_all()

    def wait(self, seen: int, timeout_s: float) -> int:
        """Sleep until rung since `seen`, at most `timeout_s`; returns what to pass as `seen` next time."""
        with self._bell:
            if self._rung == seen:
                self._bell.wait(timeout_s)
            return self._rung


class Ledger:
    """An open ledger; safe to share between threads."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writing = engine.execution_options(write=True)
        # One writer of this process at a time: SQLite's busy timeout alone is unfair (p99 ten times longer).
        self._lock = threading.Lock()
        self.nudge = Nudge()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view; never waits for a writer."""
        try:
            with self.engine.begin() as connection:
                yield connection
        except exc.OperationalError as error:
            raise Away(f"the ledger cannot be read: {error.orig}") from error

    @contextmanager
    def write(self, *, quiet: bool = False) -> Iterator[Connection]:
        """One transaction, durable when the block has ended; wakes the loops unless `quiet`.

        Raises Away when the database cannot be written.
        """
        try:
            with self._lock, self._writing.begin() as connection:
                yield connection
        except exc.OperationalError as error:
            raise Away(f"the ledger cannot be written: {error.orig}") from error
        if not quiet:
            self.nudge.ring()

    def close(self) -> None:
        self.engine.dispose()


def connect(path: Path) -> Ledger:
    """A ledger in an SQLite file, made when absent (0600), without looking at its schema."""
    if not path.exists():
        path.touch(mode=0o600)
    engine = create_engine(
        f"sqlite:///{path}", connect_args={"isolation_level": None, "timeout": 5}, pool_size=20, max_overflow=20
    )

    @event.listens_for(engine, "connect")
    def _configure(raw: Any, _record: Any) -> None:
        # The lambda looks the clock up at each call, so a test can stop it.
        raw.create_function("ctci_now", 0, lambda: clock.now())  # noqa: PLW0108 - see above
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A deferred transaction that reads and then writes fails at once when another has written meanwhile.
        write = connection.get_execution_options().get("write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return Ledger(engine)
