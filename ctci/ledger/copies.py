"""Copies of the ledger: made beside its writers, examined, and put in its place; each is whole, or not there."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import exc, inspect

from ctci import clock
from ctci.ledger import migrations
from ctci.ledger.engine import BESIDE, Away, Ledger, LedgerError, connect, copy_into, fault, fold, peruse

#: Tables that every ledger has had from its first version on.
_ALWAYS = ("schema_version", "runs", "jobs", "deliveries", "changes")


def back_up(db: Ledger, target: Path, *, replace: bool = False) -> int:
    """Copy the ledger, as it is now, into a file that only we can read; its size in bytes.

    Raises LedgerError: for a file that is there too, unless `replace`.
    """
    if _is_of(db, target):
        raise LedgerError(f"{target} is the ledger itself")
    if target.exists() and not target.is_file():
        raise LedgerError(f"{target} is not a file")
    if target.exists() and not replace:
        raise LedgerError(f"{target} is there already")
    try:
        with _beside(target) as new:
            copy_into(db, new)
            _sync(new)
            _name(new, target, replace=replace)
            _sync(target.parent)
            return target.stat().st_size
    except OSError as error:
        raise LedgerError(f"{target} cannot be written: {error.strerror}") from error


def draw(source: Path, staged: Path) -> Ledger:
    """A copy, examined whole, as a ledger of this version in a file of its own, open; the copy stays as it is.

    Raises LedgerError for what is damaged, no ledger, or one of a newer ctci.
    """
    discard(staged)
    staged.touch(mode=0o600)
    found = peruse(source)
    try:
        _examine(found, source)
        copy_into(found, staged)
    finally:
        found.close()
    db = connect(staged)
    try:
        migrations.migrate(db)
    except (LedgerError, exc.DBAPIError) as error:
        db.close()
        raise LedgerError(f"{source} cannot be brought up to date: {error}") from error
    return db


def discard(file: Path) -> None:
    """Leave nothing of a ledger's file."""
    for suffix in ("", *BESIDE):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def put_in_place(staged: Path, path: Path) -> Path | None:
    """Make a closed file the ledger; where that which was there is kept now. At any moment one of the two is there."""
    aside = _keep(path) if path.exists() else None
    _sync(staged)
    for suffix in BESIDE:
        # Beside another file it would be taken for that one's.
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    _sync(path.parent)
    staged.rename(path)
    _sync(path.parent)
    return aside


def _examine(db: Ledger, source: Path) -> None:
    try:
        with db.read() as connection:
            tables = set(inspect(connection).get_table_names())
            if not set(_ALWAYS) <= tables:
                raise LedgerError(f"{source} is not a ledger of ctci")
            found, known = migrations.version(connection), len(migrations.STEPS)
            if found > known:
                raise LedgerError(
                    f"{source} has schema version {found}, and this ctci knows up to {known}: install the newer ctci"
                )
            damage = fault(connection, whole=True)
    except Away as error:
        raise LedgerError(f"{source} cannot be read: {error}") from error
    except exc.DBAPIError as error:
        damage = str(error.orig)
    if damage is not None:
        raise LedgerError(f"{source} is damaged: {damage}")


def _keep(path: Path) -> Path:
    """Give the files of a ledger a second name, by which they stay; the name of the first of them."""
    aside = path.with_name(f"{path.name}.before-restore-{clock.stamp(clock.now())}")
    while aside.exists():
        aside = aside.with_name(f"{aside.name}-again")
    for suffix in ("", *BESIDE):
        file = path.with_name(path.name + suffix)
        if file.exists():
            _twice(file, aside.with_name(aside.name + suffix))
    _sync(path.parent)
    # From here on one file is enough, unless somebody reads it now, or it is damaged. Not before: of what lies beside
    # a damaged file nothing might be left.
    with contextlib.suppress(LedgerError, exc.DBAPIError):
        db = connect(path)
        try:
            fold(db)
        finally:
            db.close()
    beside = [aside.with_name(aside.name + suffix) for suffix in BESIDE]
    if not any(each.exists() and each.stat().st_size for each in beside if not each.name.endswith("-shm")):
        # All of it is in the one file.
        for each in beside:
            each.unlink(missing_ok=True)
    return aside


def _twice(file: Path, other: Path) -> None:
    try:
        os.link(file, other)
    except OSError:
        # A filesystem of single names.
        shutil.copy2(file, other)
        _sync(other)


def _is_of(db: Ledger, target: Path) -> bool:
    """Whether a file is one of those that the ledger lies in."""
    where = db.engine.url.database or ""
    return os.path.realpath(target) in {os.path.realpath(where) + suffix for suffix in ("", *BESIDE)}


@contextlib.contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """An empty file of a name that nobody has, in the folder of another; gone afterwards where it was not renamed."""
    new = target.with_name(f".{target.name}.{clock.new_key()}.partial")
    os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        yield new
    finally:
        discard(new)


def _name(new: Path, target: Path, *, replace: bool) -> None:
    """Give a whole file its name: in the place of what had it, or not at all where somebody has it by now."""
    if replace:
        new.rename(target)
        return
    try:
        os.link(new, target)
    except FileExistsError:
        raise LedgerError(f"{target} is there already") from None
    except OSError:
        # A filesystem of single names: one of a memory stick.
        if target.exists():
            raise LedgerError(f"{target} is there already") from None
        new.rename(target)


def _sync(path: Path) -> None:
    """What was written to a file, or named in a folder, outlives a power cut."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
