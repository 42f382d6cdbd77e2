"""Version 6: what the machine of an attempt was."""

from sqlalchemy import Connection

from ctci.ledger.engine import execute_ddl

DDL = """
ALTER TABLE attempts ADD COLUMN facts JSON;
"""


def apply(connection: Connection) -> None:
    """Add the column."""
    execute_ddl(connection, DDL)
