"""Version 12: tokens and those who signed in with one, who did what, and what was answered to a repeated call."""

from sqlalchemy import Connection

from ctci.ledger.engine import execute_ddl

DDL = """
CREATE TABLE tokens (id {id}, name TEXT NOT NULL, mark TEXT NOT NULL UNIQUE, tier TEXT NOT NULL,
    projects JSON NOT NULL, made_at BIGINT NOT NULL, made_by TEXT NOT NULL, expires_at BIGINT, used_at BIGINT,
    revoked_at BIGINT);
CREATE UNIQUE INDEX tokens_by_name ON tokens (name) WHERE revoked_at IS NULL;
CREATE TABLE sessions (mark TEXT NOT NULL PRIMARY KEY, token INTEGER NOT NULL, until BIGINT NOT NULL);
CREATE INDEX sessions_by_token ON sessions (token);
CREATE TABLE audit (id {id}, at BIGINT NOT NULL, who TEXT NOT NULL, via TEXT NOT NULL, did TEXT NOT NULL,
    project TEXT, run INTEGER);
CREATE TABLE idempotency (who TEXT NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL, at BIGINT NOT NULL,
    status INTEGER, headers JSON NOT NULL, body TEXT NOT NULL, PRIMARY KEY (who, key));
CREATE INDEX idempotency_by_age ON idempotency (at);
"""


def apply(connection: Connection) -> None:
    """Add the tables."""
    execute_ddl(connection, DDL)
