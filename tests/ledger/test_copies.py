"""Copies of a ledger in use: made under load, never half there, and never over what is there."""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ctci import ledger
from ctci.layout import Layout
from ctci.ledger import copies, engine
from tests import make
from tests.eventually import eventually


@pytest.fixture
def filed(place: Layout) -> Iterator[ledger.Ledger]:
    """A ledger in a file."""
    opened = ledger.open_ledger(place.ledger)
    yield opened
    opened.close()


class Hooks:
    """Threads that record deliveries as fast as they can; `answered` are the keys of those that have their answer."""

    def __init__(self, db: ledger.Ledger, threads: int = 6) -> None:
        self.answered: set[str] = set()
        self.errors: list[Exception] = []
        self._db = db
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(number,)) for number in range(threads)]

    def _call(self, number: int) -> None:
        count = 0
        try:
            while not self._stop.is_set():
                count += 1
                key = f"{number}-{count}"
                ref = f"refs/heads/{key}"
                ledger.record(self._db, [make.entry(trigger=make.trigger(key=key, ref=ref))])
                self.answered.add(key)
        except Exception as error:  # noqa: BLE001 - told to the test
            self.errors.append(error)

    @contextlib.contextmanager
    def calling(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()


def keys(path: Path) -> tuple[str, set[str]]:
    """(what the file says of its integrity, the keys of the runs in it)."""
    with contextlib.closing(sqlite3.connect(path)) as raw:
        (said,) = raw.execute("PRAGMA integrity_check").fetchone()
        return said, {key for (key,) in raw.execute("SELECT key FROM runs")}


def test_a_copy_made_under_load_has_all_that_was_answered_before_it_began(filed: ledger.Ledger, tmp_path: Path) -> None:
    hooks = Hooks(filed)
    found = []

    with hooks.calling():
        for number in range(5):
            target = tmp_path / f"{number}.db"
            behind = len(hooks.answered)
            eventually(lambda behind=behind: len(hooks.answered) > behind + 20)  # type: ignore[misc]
            before = set(hooks.answered)
            ledger.back_up(filed, target)
            found.append((before, *keys(target)))

    assert hooks.errors == []
    assert [said for _, said, _ in found] == ["ok"] * 5
    assert [before - there for before, _, there in found] == [set()] * 5
    assert all(len(there) < len(hooks.answered) for _, _, there in found[:-1])


def test_a_copy_and_who_writes_do_not_wait_for_each_other(filed: ledger.Ledger, tmp_path: Path) -> None:
    made: list[int] = []
    copying = threading.Thread(target=lambda: made.append(ledger.back_up(filed, tmp_path / "copy.db")))

    with filed.write() as connection:
        connection.exec_driver_sql("INSERT INTO hosts (name, first_seen) VALUES ('h1', 1)")
        copying.start()
        copying.join(20)

    assert len(made) == 1
    with contextlib.closing(sqlite3.connect(tmp_path / "copy.db")) as raw:
        assert raw.execute("SELECT name FROM hosts").fetchall() == []


def test_a_copy_is_its_owners_alone_and_leaves_nothing_beside_it(filed: ledger.Ledger, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    target = folder / "copy.db"
    before = os.umask(0)
    try:
        size = ledger.back_up(filed, target)
    finally:
        os.umask(before)

    assert [target] == list(folder.iterdir())
    assert (target.stat().st_size, target.stat().st_mode & 0o777) == (size, 0o600)


def test_a_copy_is_on_the_disk_before_it_has_its_name(
    filed: ledger.Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, bool]] = []
    target = tmp_path / "copy.db"
    fsync = os.fsync

    def seen(file: int) -> None:
        synced.append((Path(f"/proc/self/fd/{file}").readlink().name, target.exists()))
        fsync(file)

    monkeypatch.setattr(os, "fsync", seen)

    ledger.back_up(filed, target)

    (copy, named), folder = synced
    assert (copy.startswith(".copy.db."), named) == (True, False)
    assert folder == (tmp_path.name, True)


def test_a_file_that_is_there_is_replaced_only_when_that_is_asked_for(filed: ledger.Ledger, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    target.write_text("mine")

    with pytest.raises(ledger.LedgerError, match="is there already"):
        ledger.back_up(filed, target)
    kept = target.read_text()
    ledger.back_up(filed, target, replace=True)

    assert kept == "mine"
    assert keys(target) == ("ok", set())


def test_of_two_copies_of_one_name_at_once_one_is_made_and_none_replaced(
    filed: ledger.Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "copy.db"
    whole = engine.copy_into

    def slow(db: ledger.Ledger, new: Path) -> None:
        whole(db, new)
        target.write_text("another's, made meanwhile")

    monkeypatch.setattr(copies, "copy_into", slow)

    with pytest.raises(ledger.LedgerError, match="is there already"):
        ledger.back_up(filed, target)

    assert target.read_text() == "another's, made meanwhile"
    assert [target] == list(tmp_path.glob("copy*"))


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
def test_the_ledger_is_never_replaced_by_its_copy(filed: ledger.Ledger, place: Layout, suffix: str) -> None:
    make.recorded(filed)
    other = place.data / f"other{suffix}"
    other.symlink_to(f"ledger.db{suffix}")

    for target in (place.data / f"ledger.db{suffix}", other):
        with pytest.raises(ledger.LedgerError, match="is the ledger itself"):
            ledger.back_up(filed, target, replace=True)

    assert ledger.run(filed, 1) is not None


def test_what_is_no_file_is_never_replaced(filed: ledger.Ledger, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    for target in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ledger.LedgerError, match="is not a file"):
            ledger.back_up(filed, target, replace=True)


def test_where_a_copy_cannot_be_written_that_is_said_and_nothing_is_left(filed: ledger.Ledger, tmp_path: Path) -> None:
    with pytest.raises(ledger.LedgerError, match=r"nowhere/copy.db cannot be written: No such file"):
        ledger.back_up(filed, tmp_path / "nowhere/copy.db")


def test_a_copy_that_fails_leaves_nothing(
    filed: ledger.Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object, new: Path) -> None:
        new.write_bytes(b"half")
        raise ledger.LedgerError("the ledger cannot be copied: database or disk is full")

    (tmp_path / "copy.db").write_text("the one before")
    monkeypatch.setattr(copies, "copy_into", full)

    with pytest.raises(ledger.LedgerError, match="disk is full"):
        ledger.back_up(filed, tmp_path / "copy.db", replace=True)

    assert [each.read_text() for each in tmp_path.glob("*copy*")] == ["the one before"]


def test_a_ledger_in_postgresql_is_backed_up_by_its_own_tools(db: ledger.Ledger, tmp_path: Path) -> None:
    if db.engine.dialect.name == "sqlite":
        assert ledger.back_up(db, tmp_path / "copy.db") > 0
        return

    with pytest.raises(ledger.LedgerError, match="pg_dump"):
        ledger.back_up(db, tmp_path / "copy.db")

    assert list(tmp_path.glob("*copy*")) == []
