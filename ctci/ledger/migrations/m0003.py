"""Version 3: schedules, and what the sweep found."""

from sqlalchemy import Connection

from ctci.ledger.engine import execute_ddl

DDL = """
ALTER TABLE runs ADD COLUMN schedule TEXT;
ALTER TABLE runs ADD COLUMN prev_via TEXT;
CREATE INDEX runs_scheduled ON runs (project, schedule, id) WHERE schedule IS NOT NULL;
CREATE TABLE schedules (project TEXT NOT NULL, name TEXT NOT NULL, line TEXT NOT NULL, timezone TEXT NOT NULL,
    since BIGINT NOT NULL, PRIMARY KEY (project, name));
CREATE INDEX deliveries_timed ON deliveries (at) WHERE forge = 'ctci' AND event IN ('schedule', 'missed');
CREATE INDEX deliveries_swept ON deliveries (project, id) WHERE forge = 'ctci' AND event = 'sweep';
CREATE INDEX deliveries_restored ON deliveries (project, id) WHERE forge = 'ctci' AND event = 'restore';
"""


def apply(connection: Connection) -> None:
    """Add the column, the table and what finds their rows."""
    execute_ddl(connection, DDL)
