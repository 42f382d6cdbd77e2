"""Version 5: sendings are held by who tries them, say something that may change, and are more than letters."""

from sqlalchemy import Connection

from ctci.ledger.engine import execute_ddl

DDL = """
ALTER TABLE sendings ADD COLUMN body JSON;
ALTER TABLE sendings ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE sendings ADD COLUMN held_by TEXT;
ALTER TABLE sendings ADD COLUMN held_until BIGINT;
CREATE INDEX sendings_by_receiver ON sendings (sink, "to", id);
"""


def apply(connection: Connection) -> None:
    """Add the columns."""
    execute_ddl(connection, DDL)
