"""The schema: what the migrations make is what the tables say, and a newer file is refused."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import inspect, select
from sqlmodel import SQLModel

from ctci import ledger
from ctci.ledger import migrations
from ctci.ledger.tables import standing, turns
from ctci.model import Reckoned, Status
from tests import make

SAMPLES = Path(__file__).parents[1] / "samples" / "ledger"


def test_the_migrations_make_what_the_tables_say(db: ledger.Ledger) -> None:
    with db.read() as connection:
        seen = inspect(connection)
        tables = set(seen.get_table_names()) - {"sqlite_sequence"}
        made = {table: {(each["name"], str(each["type"])) for each in seen.get_columns(table)} for table in tables}

    text = {"VARCHAR": "TEXT", "AUTOSTRING": "TEXT"}
    if db.engine.dialect.name == "postgresql":
        text |= {"INTEGER": "BIGINT", "JSON": "JSONB", "BLOB": "BYTEA"}
    said = {
        table.name: {(column.name, text.get(str(column.type), str(column.type))) for column in table.columns}
        for table in SQLModel.metadata.sorted_tables
    }
    assert said == made


def test_a_file_of_a_newer_ctci_is_refused(place_of_newer: Path) -> None:
    with pytest.raises(ledger.LedgerError, match="schema version 99"):
        ledger.open_ledger(place_of_newer)


@pytest.fixture
def place_of_newer(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.db"
    ledger.open_ledger(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE schema_version SET version = 99")
    raw.close()
    return path


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger.open_ledger(path).close()

    again = ledger.connect(path)

    assert migrations.migrate(again) == len(migrations.STEPS)
    again.close()


def test_the_ledger_is_durable_and_its_owner_s_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"

    db = ledger.open_ledger(path)

    with db.read() as connection:
        pragmas = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    db.close()
    assert pragmas == ["wal", 2]
    assert path.stat().st_mode & 0o777 == 0o600


def left_by(folder: Path, version: str) -> Path:
    """A file as that version left it."""
    path = folder / "ledger.db"
    with sqlite3.connect(path) as raw:
        raw.executescript((SAMPLES / version).read_text())
    raw.close()
    return path


def test_a_file_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    path = left_by(tmp_path, "v1.sql")

    db = ledger.open_ledger(path)

    with db.read() as connection:
        rows = {
            (row.ref, row.recipe): (row.last_job, row.last_as_of, row.green_job, row.red_job)
            for row in connection.execute(select(standing))
        }
        turns_now = {(row.project, row.priority): row.turn for row in connection.execute(select(turns))}
    kept = ledger.jobs_of(db, [1, 2, 3, 4, 5, 6])
    # In the file: main green in #1, red in #2 and #3, errored in #4; #2 run again green as #6; side red in #5.
    assert rows == {
        ("refs/heads/main", "test"): (3, 3, 6, 3),
        ("refs/heads/side", "test"): (5, 5, None, 5),
    }
    assert turns_now == {("shop", 10): 10, ("shop", 0): 6}
    assert [job.status for jobs in kept.values() for job in jobs] == [
        Status.SUCCEEDED,
        Status.FAILED,
        Status.TIMED_OUT,
        Status.ERRORED,
        Status.FAILED,
        Status.SUCCEEDED,
    ]
    assert ledger.integrity(db) is None
    _the_unfinished_go_on(db)
    host = ledger.host(db, "h1")
    again = make.settled(db, host, trigger=make.trigger(key="after the upgrade", after=make.sha(999)))
    assert [job.run for job in ledger.standing(db)] == [again, 9, 8, 5]
    db.close()


def test_a_file_of_the_second_version_is_brought_up_to_date(tmp_path: Path) -> None:
    path = left_by(tmp_path, "v2.sql")

    db = ledger.open_ledger(path)

    # What had been recorded is a push, whatever comes by itself is new, and all goes on.
    assert {run.schedule for run in ledger.runs_(db)} == {None}
    assert (ledger.reckoned(db), ledger.fired(db, after=0), ledger.silences(db)) == ({}, (), ())
    known = ledger.refs_(db, "shop")
    assert known["refs/heads/main"].via == "push"
    _the_unfinished_go_on(db)
    trigger = make.trigger(kind="schedule", key="schedule:shop/nightly@x", schedule="nightly")
    entry = make.entry(event="schedule", forge="ctci", trigger=trigger)
    ledger.reckon(db, "shop", "nightly", Reckoned(line="0 2 * * *", timezone="UTC", since=1))
    (made,) = ledger.fire(db, "shop", "nightly", until=2, found=[entry]) or ()
    assert (made.decision, made.run) == ("queued", 11)
    db.close()


def test_a_file_of_the_third_version_is_brought_up_to_date(tmp_path: Path) -> None:
    path = left_by(tmp_path, "v3.sql")

    db = ledger.open_ledger(path)

    # A letter that was owed is owed; of what ran before nothing was read.
    assert [(each.to, each.state, each.tries) for each in ledger.sendings_(db)] == [("team:ana@example.org", "due", 1)]
    assert [each.facts for each in ledger.attempts_of(db, 1)] == [{}]
    assert {run.merge_base for run in ledger.runs_(db)} == {None}
    assert ledger.integrity(db) is None
    _the_unfinished_go_on(db)
    db.close()


def test_what_was_found_before_there_were_acknowledgements_can_be_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with sqlite3.connect(path) as raw:
        raw.executescript((SAMPLES / "v3.sql").read_text())
    raw.close()
    db = ledger.connect(path)
    migrations.migrate(db, target=4)
    with db.write() as connection:
        mark = "3f2a91bc" * 4
        told = (2, 1, 0, "error", "gcc", "no such file", None, "a.c", 3, 1, None, mark, 7)
        connection.exec_driver_sql("INSERT INTO readings VALUES (2, 1, 'read', NULL, 1, 0, 0, 1)")
        connection.exec_driver_sql(f"INSERT INTO findings VALUES ({', '.join('?' * len(told))})", told)

    migrations.migrate(db)

    ((project, finding),) = ledger.findings_named(db, "3f2a91bc")
    made = ledger.ack(db, project=project, fingerprint=mark, said=finding.message, until=9, why="known", by="ana")
    looks = ledger.looks(db, [2])[2]
    assert ledger.acks_(db) == (made,)
    assert [(look.run, [each.fingerprint for each in look.sightings]) for look in looks][-1] == (2, [mark])
    assert ledger.integrity(db) is None
    _the_unfinished_go_on(db)
    db.close()


def test_a_file_of_the_fourth_version_is_brought_up_to_date(tmp_path: Path) -> None:
    path = left_by(tmp_path, "v3.sql")
    db = ledger.connect(path)
    migrations.migrate(db, target=4)
    with db.write() as connection:
        connection.exec_driver_sql("INSERT INTO readings VALUES (1, 1, 'read', NULL, 2, 0, NULL, 1)")
    db.close()

    db = ledger.open_ledger(path)

    # What was read is there, and that nothing was new in it is not said.
    reading, _ = ledger.found(db, [1])[1]
    assert (reading.errors, reading.novel) == (2, None)
    assert ledger.learnt(db, make.order()) is None
    _the_unfinished_go_on(db)
    db.close()


def test_who_was_owed_a_letter_before_it_could_be_stopped_can_stop_it(tmp_path: Path) -> None:
    path = left_by(tmp_path, "v3.sql")
    db = ledger.connect(path)
    migrations.migrate(db, target=8)

    migrations.migrate(db)

    (owed,) = ledger.sendings_(db)
    assert ledger.subscriptions_of(db, [owed.to]) == {}
    assert ledger.stop(db, ledger.subscription(db, owed.to).token, ["at-once"], sinks=[owed.sink])
    assert ledger.sendings_(db) == ()
    # What had ended before anything was counted is not counted; what ends now is.
    assert ledger.totals_(db) == ()
    _the_unfinished_go_on(db)
    assert sum(each.times for each in ledger.totals_(db) if each.name == "runs") == 3
    db.close()


def _the_unfinished_go_on(db: ledger.Ledger) -> None:
    """In the file too: #7 runs, #8 waits behind it, #9 waits for a slot, #10 for its commit."""
    host = ledger.host(db, "another name of this machine")
    (running,) = ledger.in_state(db, Status.RUNNING, host=host)
    waits = {run.id: job.wait.kind for job, run in ledger.queue(db) if job.wait is not None}
    assert (running.run, waits) == (7, {9: "slot", 8: "run", 10: "commit"})

    ledger.settle(db, job=running.id, attempt=1, host=host, status=Status.SUCCEEDED, reason=None, exit=make.exit_())
    claimed = []
    while (found := ledger.claim(db, host=host, slot=1, boot_id="b")) is not None:
        job, run = found
        claimed.append(run.id)
        ledger.begin(db, job=job.id, attempt=job.attempt, host=host)
        ledger.settle(
            db, job=job.id, attempt=job.attempt, host=host, status=Status.SUCCEEDED, reason=None, exit=make.exit_()
        )
    assert claimed == [8, 9]
