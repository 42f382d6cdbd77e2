"""Version 1: the road's tables."""

from sqlalchemy import Connection

from ctci.ledger.engine import execute_ddl

DDL = """
CREATE TABLE deliveries (id {id}, project TEXT NOT NULL, forge TEXT NOT NULL, event TEXT NOT NULL, key TEXT NOT NULL,
    ref TEXT, pusher TEXT, at BIGINT NOT NULL, decision TEXT NOT NULL, reason TEXT NOT NULL, run INTEGER);
CREATE INDEX deliveries_by_project ON deliveries (project, id);
CREATE INDEX deliveries_by_decision ON deliveries (decision, id);
CREATE TABLE refs (project TEXT NOT NULL, ref TEXT NOT NULL, "commit" TEXT NOT NULL, run INTEGER, via TEXT NOT NULL,
    at BIGINT NOT NULL, PRIMARY KEY (project, ref));
CREATE TABLE runs (id {id}, key TEXT NOT NULL UNIQUE, project TEXT NOT NULL, kind TEXT NOT NULL, ref TEXT NOT NULL,
    before TEXT, after TEXT, "commit" TEXT, subject TEXT, author TEXT, author_email TEXT, pusher TEXT,
    options JSON NOT NULL, priority INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT, created_at BIGINT NOT NULL,
    prepared_at BIGINT, finished_at BIGINT, tries INTEGER NOT NULL, next_try_at BIGINT, rerun_of INTEGER,
    behind INTEGER, prev_commit TEXT, prev_run INTEGER);
CREATE INDEX runs_by_ref ON runs (project, ref, id);
CREATE INDEX runs_unprepared ON runs (id) WHERE prepared_at IS NULL;
CREATE INDEX runs_unfinished ON runs (project, ref, id) WHERE finished_at IS NULL;
CREATE INDEX runs_behind ON runs (behind) WHERE behind IS NOT NULL;
CREATE TABLE jobs (id {id}, run INTEGER NOT NULL REFERENCES runs (id), as_of INTEGER NOT NULL, project TEXT NOT NULL,
    ref TEXT NOT NULL, subproject TEXT NOT NULL, recipe TEXT NOT NULL, "order" JSON NOT NULL, status TEXT NOT NULL,
    reason TEXT, waiting INTEGER NOT NULL, priority INTEGER NOT NULL, turn INTEGER NOT NULL, attempt INTEGER NOT NULL,
    host INTEGER, slot INTEGER, boot_id TEXT, queued_at BIGINT NOT NULL, began_at BIGINT, finished_at BIGINT,
    cancel_asked_at BIGINT, cancel_by TEXT, cancel_as TEXT, cancel_reason TEXT, exit JSON);
CREATE INDEX jobs_by_run ON jobs (run, id);
CREATE INDEX jobs_by_place ON jobs (project, ref, subproject, recipe, as_of, id);
CREATE INDEX jobs_queue ON jobs (waiting, priority, turn) WHERE status = 'queued';
CREATE INDEX jobs_running ON jobs (host) WHERE status = 'running';
CREATE TABLE attempts (job INTEGER NOT NULL REFERENCES jobs (id), number INTEGER NOT NULL, host INTEGER NOT NULL,
    claimed_at BIGINT NOT NULL, began_at BIGINT, finished_at BIGINT, status TEXT, exit JSON, PRIMARY KEY (job, number));
CREATE TABLE hosts (id {id}, name TEXT NOT NULL UNIQUE, first_seen BIGINT NOT NULL);
CREATE TABLE projects (name TEXT NOT NULL PRIMARY KEY, first_seen BIGINT NOT NULL, default_branch TEXT);
CREATE TABLE commits (run INTEGER NOT NULL REFERENCES runs (id), position INTEGER NOT NULL, sha TEXT NOT NULL,
    author TEXT NOT NULL, email TEXT NOT NULL, subject TEXT NOT NULL, at BIGINT NOT NULL, touches JSON NOT NULL,
    PRIMARY KEY (run, position));
CREATE TABLE changes (seq {id}, kind TEXT NOT NULL, run INTEGER NOT NULL, job INTEGER, at BIGINT NOT NULL);
CREATE TABLE sendings (id {id}, sink TEXT NOT NULL, key TEXT NOT NULL UNIQUE, "to" TEXT NOT NULL, run INTEGER NOT NULL,
    jobs JSON NOT NULL, due BIGINT NOT NULL, tries INTEGER NOT NULL, message_id TEXT NOT NULL, state TEXT NOT NULL,
    last_error TEXT, sent_at BIGINT);
CREATE INDEX sendings_due ON sendings (sink, due) WHERE state = 'due';
CREATE INDEX sendings_by_run ON sendings (run);
CREATE TABLE cursors (name TEXT NOT NULL PRIMARY KEY, seq INTEGER NOT NULL);
CREATE TABLE schema_version (one INTEGER NOT NULL PRIMARY KEY, version INTEGER NOT NULL);
"""


def apply(connection: Connection) -> None:
    """Make the tables."""
    execute_ddl(connection, DDL)
