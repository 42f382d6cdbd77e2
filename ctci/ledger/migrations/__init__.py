"""Numbered steps of the schema, each one transaction; a step that has been released is never edited."""

from sqlalchemy import Connection, inspect, text

from ctci.ledger.engine import Ledger, LedgerError
from ctci.ledger.migrations import m0001, m0002, m0003, m0004, m0005, m0006, m0007, m0008, m0009, m0010, m0011, m0012

#: The n-th step makes version n.
STEPS = tuple(
    step.apply for step in (m0001, m0002, m0003, m0004, m0005, m0006, m0007, m0008, m0009, m0010, m0011, m0012)
)


def version(connection: Connection) -> int:
    """The schema's version in this file; 0 for an empty one."""
    if not inspect(connection).has_table("schema_version"):
        return 0
    return int(connection.execute(text("SELECT version FROM schema_version")).scalar_one())


def migrate(db: Ledger, *, target: int = len(STEPS)) -> int:
    """Bring the schema to `target`; returns the version found. Raises LedgerError for one newer than we know."""
    with db.read() as connection:
        found = version(connection)
    if found > len(STEPS):
        raise LedgerError(
            f"the ledger has schema version {found}, and this ctci knows up to {len(STEPS)}: install the newer ctci"
        )
    for number in range(found + 1, target + 1):
        with db.write() as connection:
            # Another process may have come first.
            if version(connection) == number - 1:
                STEPS[number - 1](connection)
                connection.execute(text("DELETE FROM schema_version"))
                connection.execute(text("INSERT INTO schema_version (one, version) VALUES (1, :n)"), {"n": number})
    return found
