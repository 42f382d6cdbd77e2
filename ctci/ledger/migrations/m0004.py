"""Version 4: what was found in reports and logs."""

from sqlalchemy import Connection

from ctci.ledger.engine import execute_ddl

DDL = """
CREATE TABLE readings (job INTEGER NOT NULL REFERENCES jobs (id), attempt INTEGER NOT NULL, state TEXT NOT NULL,
    tests JSON, errors INTEGER NOT NULL, warnings INTEGER NOT NULL, first INTEGER, at BIGINT NOT NULL,
    PRIMARY KEY (job, attempt));
CREATE TABLE findings (job INTEGER NOT NULL REFERENCES jobs (id), attempt INTEGER NOT NULL, position INTEGER NOT NULL,
    severity TEXT NOT NULL, tool TEXT NOT NULL, message TEXT NOT NULL, rule TEXT, file TEXT, line INTEGER,
    "column" INTEGER, test TEXT, fingerprint TEXT NOT NULL, log_line INTEGER, PRIMARY KEY (job, attempt, position));
CREATE INDEX findings_by_fingerprint ON findings (fingerprint, job);
"""


def apply(connection: Connection) -> None:
    """Add the tables."""
    execute_ddl(connection, DDL)
