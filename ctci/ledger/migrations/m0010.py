"""Version 10: what receivers of letters have stopped, and what they wish."""

from sqlalchemy import Connection

from ctci.ledger.engine import execute_ddl

DDL = """
CREATE TABLE subscriptions (receiver TEXT NOT NULL PRIMARY KEY, "to" TEXT NOT NULL, token TEXT NOT NULL,
    mark TEXT NOT NULL UNIQUE, digest_stopped_at BIGINT, at_once_stopped_at BIGINT, wishes JSON NOT NULL,
    changed_at BIGINT);
"""


def apply(connection: Connection) -> None:
    """Add the table."""
    execute_ddl(connection, DDL)
