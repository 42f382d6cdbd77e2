"""Version 2: the queue's needs, locks and turns, and the standing of each place."""

from sqlalchemy import Connection, text

from ctci.ledger.engine import execute_ddl

DDL = """
ALTER TABLE jobs ADD COLUMN lock TEXT;
ALTER TABLE jobs ADD COLUMN spared INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN same_as INTEGER;
ALTER TABLE runs ADD COLUMN as_of INTEGER;
CREATE INDEX runs_by_place ON runs (project, ref, as_of, id);
CREATE TABLE needs (job INTEGER NOT NULL REFERENCES jobs (id), needs INTEGER NOT NULL REFERENCES jobs (id),
    PRIMARY KEY (job, needs));
CREATE INDEX needs_of ON needs (needs);
CREATE TABLE standing (project TEXT NOT NULL, ref TEXT NOT NULL, subproject TEXT NOT NULL, recipe TEXT NOT NULL,
    last_job INTEGER, last_as_of INTEGER, green_job INTEGER, red_job INTEGER,
    PRIMARY KEY (project, ref, subproject, recipe));
CREATE TABLE turns (project TEXT NOT NULL, priority INTEGER NOT NULL, turn INTEGER NOT NULL,
    PRIMARY KEY (project, priority));
CREATE UNIQUE INDEX jobs_lock ON jobs (lock) WHERE status = 'running' AND lock IS NOT NULL;
DROP INDEX jobs_running;
CREATE INDEX jobs_running ON jobs (priority, turn) WHERE status = 'running';
"""
#: What had been recorded so far, brought to the new tables.
FILL = """
UPDATE runs SET as_of = coalesce((SELECT min(as_of) FROM jobs WHERE jobs.run = runs.id), id);
INSERT INTO turns (project, priority, turn) SELECT project, priority, max(turn) FROM jobs GROUP BY project, priority;
INSERT INTO standing (project, ref, subproject, recipe, last_job, last_as_of, green_job, red_job)
    SELECT project, ref, subproject, recipe, id, as_of, NULL, NULL FROM (
        SELECT project, ref, subproject, recipe, id, as_of, row_number() OVER (
            PARTITION BY project, ref, subproject, recipe ORDER BY as_of DESC, id DESC) AS n
        FROM jobs WHERE status IN ('succeeded', 'failed', 'timed_out')) AS ranked WHERE n = 1;
UPDATE standing SET green_job = (SELECT id FROM jobs WHERE jobs.project = standing.project AND jobs.ref = standing.ref
    AND jobs.subproject = standing.subproject AND jobs.recipe = standing.recipe AND jobs.status = 'succeeded'
    ORDER BY as_of DESC, id DESC LIMIT 1);
UPDATE standing SET red_job = (SELECT id FROM jobs WHERE jobs.project = standing.project AND jobs.ref = standing.ref
    AND jobs.subproject = standing.subproject AND jobs.recipe = standing.recipe
    AND jobs.status IN ('failed', 'timed_out')
    AND (standing.green_job IS NULL
        OR (as_of, id) > (SELECT g.as_of, g.id FROM jobs AS g WHERE g.id = standing.green_job))
    ORDER BY as_of, id LIMIT 1);
"""


def apply(connection: Connection) -> None:
    """Add the columns and tables, and fill them from the jobs that are there."""
    execute_ddl(connection, DDL)
    for statement in FILL.split(";"):
        if statement.strip():
            connection.execute(text(statement))
