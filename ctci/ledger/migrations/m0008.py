"""Version 8: the lines of green logs, and what is new in a red one."""

from sqlalchemy import Connection

from ctci.ledger.engine import execute_ddl

DDL = """
CREATE TABLE lines (project TEXT NOT NULL, subproject TEXT NOT NULL, recipe TEXT NOT NULL, way INTEGER NOT NULL,
    words BLOB NOT NULL, words_over INTEGER, whole BLOB NOT NULL, whole_over INTEGER, at BIGINT NOT NULL,
    PRIMARY KEY (project, subproject, recipe));
ALTER TABLE readings ADD COLUMN novel JSON;
"""


def apply(connection: Connection) -> None:
    """Add the table and the column."""
    execute_ddl(connection, DDL)
