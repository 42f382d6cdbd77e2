"""Opens the ledger and gives transactions: the only file that knows which database it is.

Writes of the process pass one plain lock before BEGIN IMMEDIATE; reads never take it. The server runs on SQLite; that
the same verbs run on PostgreSQL is held by the tests.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Engine,
    NullPool,
    Table,
    create_engine,
    event,
    exc,
    func,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement

from ctci import clock
from ctci.ledger.writer import Writer


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


@compiles(now_ms)
def _now(*_: Any, **__: Any) -> str:
    # A function of our own in each database: SQLite has no clock of its own, and tests stop both.
    return "ctci_now()"


#: How long another process that writes is waited for, milliseconds.
BUSY_MS = 5000
#: What the database lays beside its file, by the end of its name: without it the file may not be whole.
BESIDE = ("-wal", "-shm", "-journal")
#: A JSON column.
Json = JSON().with_variant(postgresql.JSONB(), "postgresql")
_INSERT: Mapping[str, Callable[[Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def insert_or_ignore(connection: Connection, table: Table, key: tuple[str, ...], /, **values: Any) -> None:
    """Insert a row, unless one with this key is there."""
    statement = _ignoring(connection.dialect.name, table, key, tuple(values))
    connection.execute(statement, values)


def insert_new(connection: Connection, table: Table, key: tuple[str, ...], result: str, /, **values: Any) -> Any:
    """Insert a row and return one of its columns; None where one with this key is there."""
    statement = _ignoring(connection.dialect.name, table, key, tuple(values)).returning(table.c[result])
    return connection.execute(statement, values).scalar()


def upsert(connection: Connection, table: Table, key: tuple[str, ...], /, **values: Any) -> None:
    """Insert a row, or give the one with this key these values. `at` is now where it is not given."""
    connection.execute(_updating(connection.dialect.name, table, key, tuple(values)), values)


def accumulate(
    connection: Connection, table: Table, key: tuple[str, ...], sums: tuple[str, ...], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows, or add the `sums` of each to those of the one with its key."""
    connection.execute(_adding(connection.dialect.name, table, key, sums), rows)


class AtLast(Protocol):
    """What a transaction does after all else."""

    def write(self, connection: Connection) -> None: ...


L = TypeVar("L", bound=AtLast)
#: Where a connection keeps them.
_LAST = "ctci_at_last"


def at_last(connection: Connection, made: Callable[[], L]) -> L:
    """What the transaction under way does at its end, made at the first call; with a `made` of another kind another."""
    last = connection.info.setdefault(_LAST, {})
    if made not in last:
        last[made] = made()
    found: L = last[made]
    return found


@cache
def _ignoring(dialect: str, table: Table, key: tuple[str, ...], given: tuple[str, ...]) -> Any:
    return _INSERT[dialect](table).values(_times(table, given)).on_conflict_do_nothing(index_elements=key)


@cache
def _updating(dialect: str, table: Table, key: tuple[str, ...], given: tuple[str, ...]) -> Any:
    statement = _INSERT[dialect](table).values(_times(table, given))
    now: dict[str, Any] = {name: value for name, value in _times(table, given).items() if name == "at"}
    new = {name: statement.excluded[name] for name in given if name not in key}
    return statement.on_conflict_do_update(index_elements=key, set_={**new, **now})


@cache
def _adding(dialect: str, table: Table, key: tuple[str, ...], sums: tuple[str, ...]) -> Any:
    statement = _INSERT[dialect](table)
    grown = {name: table.c[name] + statement.excluded[name] for name in sums}
    return statement.on_conflict_do_update(index_elements=key, set_=grown)


def _times(table: Table, given: tuple[str, ...]) -> Mapping[str, Any]:
    moments = ("at", "first_seen", "created_at")
    return {name: now_ms() for name in moments if name in table.c and name not in given}


def execute_ddl(connection: Connection, statements: str) -> None:
    """Run statements of a migration, separated by `;`, with {id} for a number that is never given out twice."""
    if connection.dialect.name == "postgresql":
        numbered = "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"
        statements = statements.replace(" JSON", " JSONB").replace(" INTEGER", " BIGINT").replace(" BLOB", " BYTEA")
    else:
        numbered = "INTEGER PRIMARY KEY AUTOINCREMENT"
    for statement in statements.format(id=numbered).split(";"):
        if statement.strip():
            connection.execute(text(statement))


def fault(connection: Connection, *, whole: bool = False) -> str | None:
    """None for a sound database, else what it says of itself; `whole`: also whether its indexes fit its rows."""
    if connection.dialect.name != "sqlite":
        # It checks its pages as it reads them.
        return None
    asked = "PRAGMA integrity_check(1)" if whole else "PRAGMA quick_check"
    answer = str(connection.execute(text(asked)).scalar())
    return None if answer == "ok" else answer


def copy_into(db: "Ledger", target: Path) -> None:
    """Write the ledger, as it is at this moment, into a file that is there and empty. Nobody waits for it.

    The file is not durable yet. Raises LedgerError.
    """
    if db.engine.dialect.name != "sqlite":
        raise LedgerError("this ledger lies in PostgreSQL: pg_dump backs it up, and pg_restore puts it back")
    try:
        with db.alone() as connection:
            connection.exec_driver_sql("VACUUM INTO ?", (str(target),))
    except exc.DBAPIError as error:
        raise LedgerError(f"the ledger cannot be copied: {error.orig}") from error


def up_to(connection: Connection, column: Column[str], sign: str) -> ColumnElement[str]:
    """A text as far as the first such sign, and with it."""
    place = func.instr if connection.dialect.name == "sqlite" else func.strpos
    return func.substr(column, 1, place(column, sign))


def last_numbers(connection: Connection) -> Mapping[str, int]:
    """Table -> the last number that it gave out. Of a file only: elsewhere none are told."""
    if connection.dialect.name != "sqlite":
        return {}
    return {row.name: row.seq for row in connection.execute(text("SELECT name, seq FROM sqlite_sequence"))}


def count_on(connection: Connection, numbers: Mapping[str, int]) -> None:
    """Give out no number up to these, by table. In a file only: elsewhere nobody else gives any out."""
    if connection.dialect.name != "sqlite":
        return
    for table, last in numbers.items():
        known = {"name": table, "last": last}
        moved = connection.execute(
            text("UPDATE sqlite_sequence SET seq = max(seq, :last) WHERE name = :name"), known
        ).rowcount
        if not moved:
            connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), known)


def fold(db: "Ledger") -> None:
    """Bring what lies beside the file into it, as far as nobody reads there."""
    with db.alone() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")


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
        self._reading = engine
        if engine.dialect.name != "sqlite":
            # One view for all statements of a read, as SQLite gives it.
            self._reading = engine.execution_options(isolation_level="REPEATABLE READ")
        # One writer of this process at a time: SQLite's busy timeout alone is unfair (p99 ten times longer).
        self._lock: AbstractContextManager[Any] = threading.Lock() if engine.dialect.name == "sqlite" else nullcontext()
        self.nudge = Nudge()
        #: For what many threads write at once.
        self.writer = Writer(self.write, hopeless=Away)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view; never waits for a writer."""
        try:
            with self._reading.begin() as connection:
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
                # A transaction that was given up may have left some.
                connection.info.pop(_LAST, None)
                yield connection
                for last in connection.info.pop(_LAST, {}).values():
                    last.write(connection)
        except exc.OperationalError as error:
            raise Away(f"the ledger cannot be written: {error.orig}") from error
        if not quiet:
            self.nudge.ring()

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """A connection without a transaction, for statements that can be in none."""
        with self.engine.execution_options(alone=True).connect() as connection:
            yield connection

    def room(self) -> tuple[int, int]:
        """(bytes of the file that hold nothing, all its bytes). Of a file only: elsewhere there are none."""
        if self.engine.dialect.name != "sqlite":
            return 0, 0
        with self.read() as connection:
            free, pages, size = (
                int(connection.exec_driver_sql(f"PRAGMA {name}").scalar() or 0)
                for name in ("freelist_count", "page_count", "page_size")
            )
        return free * size, pages * size

    def shrink(self, *, rebuild: bool) -> None:
        """Give back the log beside the file and, with `rebuild`, all bytes of it that hold nothing.

        Who writes waits until the file is written anew. Raises Away.
        """
        if self.engine.dialect.name != "sqlite":
            return
        try:
            with self._lock, self.alone() as connection:
                if rebuild:
                    connection.exec_driver_sql("VACUUM")
                # For who reads all the while nobody is kept waiting: then the log stays until tomorrow.
                connection.exec_driver_sql("PRAGMA busy_timeout=50")
                try:
                    connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                finally:
                    connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_MS}")
        except exc.OperationalError as error:
            raise Away(f"the ledger cannot be made smaller: {error.orig}") from error

    def close(self) -> None:
        self.engine.dispose()


def connect(where: Path | str) -> Ledger:
    """A ledger in an SQLite file, made when absent (0600), or at a `postgresql://` address.

    Its schema is not looked at.
    """
    if isinstance(where, str):
        return Ledger(_postgresql(where))
    if not where.exists():
        where.touch(mode=0o600)
    engine = create_engine(
        f"sqlite:///{where}", connect_args={"isolation_level": None, "timeout": 5}, pool_size=20, max_overflow=20
    )

    @event.listens_for(engine, "connect")
    def _configure(raw: Any, _record: Any) -> None:
        # The lambda looks the clock up at each call, so a test can stop it.
        raw.create_function("ctci_now", 0, lambda: clock.now())  # noqa: PLW0108 - see above
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}"):
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if not options.get("alone"):
            # A deferred transaction that reads and then writes fails at once when another has written meanwhile.
            connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("write") else "BEGIN")

    return Ledger(engine)


def peruse(path: Path) -> Ledger:
    """A ledger in a file of anybody's, to be read only; nothing that stands in it is run. Raises LedgerError."""
    try:
        with path.open("rb") as file:
            ours = file.read(16) == b"SQLite format 3\0"
    except OSError as error:
        raise LedgerError(f"{path} cannot be read: {error.strerror}") from error
    if not ours:
        raise LedgerError(f"{path} is not a ledger of ctci")

    def opened() -> sqlite3.Connection:
        raw = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=5)
        for pragma in ("trusted_schema=OFF", "cell_size_check=ON"):
            raw.execute(f"PRAGMA {pragma}")
        return raw

    return Ledger(create_engine("sqlite://", creator=opened, poolclass=NullPool))


def _postgresql(url: str) -> Engine:
    """Every wait for the network has an end: a cut would hang for minutes otherwise."""
    waits = {"connect_timeout": 10, "keepalives_idle": 10, "keepalives_interval": 5, "tcp_user_timeout": 20_000}
    driver = url.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_engine(driver, connect_args={**waits, "options": "-c statement_timeout=60s"}, pool_size=10)
    with engine.begin() as connection:
        # Whole milliseconds of the moment, not of the transaction's beginning: as on SQLite.
        connection.execute(text(_NOW_POSTGRESQL))
    return engine


_NOW_POSTGRESQL = """
DO $$ BEGIN
    IF to_regproc('ctci_now') IS NULL THEN
        CREATE FUNCTION ctci_now() RETURNS bigint LANGUAGE sql VOLATILE
        AS 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint';
    END IF;
END $$
"""
