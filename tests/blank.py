"""A new ledger, for tests that are not about how one is made: its schema is written once, not in each test."""

import sqlite3
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import event

from ctci import ledger


def opened(path: Path) -> ledger.Ledger:
    """What `open_ledger` makes at a path where nothing is, but that a power cut may take what it holds."""
    path.touch(mode=0o600)
    path.write_bytes(_file())
    db = ledger.connect(path)

    @event.listens_for(db.engine, "connect")
    def _hasten(raw: sqlite3.Connection, _record: Any) -> None:
        raw.execute("PRAGMA synchronous=OFF")

    return db


@cache
def _file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        ledger.open_ledger(path).close()
        return path.read_bytes()
