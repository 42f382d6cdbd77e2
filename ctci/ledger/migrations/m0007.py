"""Version 7: what people have acknowledged, and what ctci itself had to say of an attempt."""

from sqlalchemy import Connection

from ctci.ledger.engine import execute_ddl

DDL = """
CREATE TABLE acks (id {id}, project TEXT NOT NULL, fingerprint TEXT NOT NULL, said TEXT NOT NULL,
    until BIGINT NOT NULL, why TEXT NOT NULL, acked_by TEXT NOT NULL, acked_at BIGINT NOT NULL, lifted_at BIGINT,
    lifted_by TEXT);
CREATE INDEX acks_in_force ON acks (project, fingerprint) WHERE lifted_at IS NULL;
CREATE INDEX findings_of_ctci ON findings (job, attempt) WHERE tool = 'ctci';
"""


def apply(connection: Connection) -> None:
    """Add the table and what finds its rows."""
    execute_ddl(connection, DDL)
