"""The ledger's tests run twice from the same source: on SQLite, and on a PostgreSQL that is started here."""

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
from psycopg import sql

from ctci import clock, layout, ledger
from tests import blank
from tests.conftest import StoppedClock
from tests.ledger import postgres


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of the PostgreSQL server."""
    with postgres.serving() as address:
        yield address


@pytest.fixture(scope="session")
def template(server: str) -> str:
    """A database with the schema, to be copied."""
    with psycopg.connect(server, autocommit=True) as raw:
        raw.execute("CREATE DATABASE ctci")
    ledger.open_ledger(server.replace("/postgres?", "/ctci?")).close()
    return "ctci"


@pytest.fixture(params=["sqlite", "postgresql"])
def db(place: layout.Layout, request: pytest.FixtureRequest) -> Iterator[ledger.Ledger]:
    """A real ledger, empty."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            opened = blank.opened(place.ledger)
        else:
            address, template = request.getfixturevalue("server"), request.getfixturevalue("template")
            name = f"t{clock.new_key()}"
            raw = stack.enter_context(psycopg.connect(address, autocommit=True))
            named = {"name": sql.Identifier(name), "template": sql.Identifier(template)}
            raw.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy").format(**named))
            stack.callback(raw.execute, sql.SQL("DROP DATABASE {name}").format(**named))
            opened = ledger.connect(address.replace("/postgres?", f"/{name}?"))
        stack.callback(opened.close)
        yield opened


@pytest.fixture
def stopped_clock(stopped_clock: StoppedClock, db: ledger.Ledger) -> StoppedClock:
    """The database's clock stands still too."""
    if db.engine.dialect.name == "postgresql":

        def tell() -> None:
            with db.write() as connection:
                body = f"SELECT {stopped_clock.at}::bigint"
                connection.exec_driver_sql(
                    f"CREATE OR REPLACE FUNCTION ctci_now() RETURNS bigint LANGUAGE sql AS '{body}'"
                )

        move = stopped_clock.move

        def moved(seconds: float) -> None:
            move(seconds)
            tell()

        stopped_clock.move = moved  # type: ignore[method-assign] # of this one clock
        tell()
    return stopped_clock
