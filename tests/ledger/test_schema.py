"""The schema: what the migrations make is what the tables say, and a newer file is refused."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import inspect
from sqlmodel import SQLModel

from ctci import ledger
from ctci.ledger import migrations


def test_the_migrations_make_what_the_tables_say(db: ledger.Ledger) -> None:
    with db.read() as connection:
        seen = inspect(connection)
        tables = set(seen.get_table_names()) - {"sqlite_sequence"}
        made = {table: {(each["name"], str(each["type"])) for each in seen.get_columns(table)} for table in tables}

    text = {"VARCHAR": "TEXT", "AUTOSTRING": "TEXT"}
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
