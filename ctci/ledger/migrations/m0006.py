"""Version 6: what the machine of an attempt was, and where a branch left the default branch."""

from sqlalchemy import Connection

from ctci.ledger.engine import execute_ddl

DDL = """
ALTER TABLE attempts ADD COLUMN facts JSON;
ALTER TABLE runs ADD COLUMN merge_base TEXT;
"""


def apply(connection: Connection) -> None:
    """Add the columns."""
    execute_ddl(connection, DDL)
