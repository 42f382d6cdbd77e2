"""Version 9: hunts for the commit that broke a place, and the runs that they made."""

from sqlalchemy import Connection

from ctci.ledger.engine import execute_ddl

DDL = """
CREATE TABLE hunts (id {id}, project TEXT NOT NULL, ref TEXT NOT NULL, subproject TEXT NOT NULL, recipe TEXT NOT NULL,
    schedule TEXT NOT NULL, green_job INTEGER NOT NULL, red_job INTEGER NOT NULL UNIQUE, commits JSON NOT NULL,
    doubtful INTEGER NOT NULL, until BIGINT, at BIGINT NOT NULL, ended_at BIGINT, word TEXT NOT NULL,
    "commit" TEXT, sentence TEXT NOT NULL);
CREATE INDEX hunts_open ON hunts (id) WHERE ended_at IS NULL;
CREATE TABLE probes (hunt INTEGER NOT NULL REFERENCES hunts (id), number INTEGER NOT NULL, position INTEGER NOT NULL,
    run INTEGER NOT NULL, PRIMARY KEY (hunt, number));
ALTER TABLE runs ADD COLUMN hunted_ref TEXT;
"""


def apply(connection: Connection) -> None:
    """Add the tables and the column."""
    execute_ddl(connection, DDL)
