"""Version 11: totals of what happened, which stay when what happened is forgotten. They begin with this version."""

from sqlalchemy import Connection

from ctci.ledger.engine import execute_ddl

DDL = """
CREATE TABLE totals (name TEXT NOT NULL, labels TEXT NOT NULL, bucket INTEGER NOT NULL, times BIGINT NOT NULL,
    ms BIGINT NOT NULL, PRIMARY KEY (name, labels, bucket));
"""


def apply(connection: Connection) -> None:
    """Add the table."""
    execute_ddl(connection, DDL)
