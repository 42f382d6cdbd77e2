"""A new ledger, for tests that are not about how one is made: its schema is written once, not in each test."""

import sqlite3
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from ctci import ledger


def opened(path: Path) -> ledger.Ledger:
    """What `open_ledger` makes at a path where nothing is, but that a power cut may take what it holds."""
    content, first = _made()
    path.touch(mode=0o600)
    path.write_bytes(content)
    db = ledger.connect(path)
    # SQLAlchemy keeps by dialect what it has made of a statement: each ledger would make all of them anew.
    for engine in (db.engine, db._writing):
        engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache

    @event.listens_for(db.engine, "connect")
    def _hasten(raw: sqlite3.Connection, _record: Any) -> None:
        raw.execute("PRAGMA synchronous=OFF")

    return db


@cache
def _made() -> tuple[bytes, Engine]:
    """The file of a new ledger, and its engine, which has been used."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        db = ledger.open_ledger(path)
        db.close()
        return path.read_bytes(), db.engine
