"""Copies of the ledger, made beside its writers: each is whole and durable, or not there."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from ctci import clock
from ctci.ledger.engine import BESIDE, Ledger, LedgerError, copy_into


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
        for suffix in ("", *BESIDE):
            new.with_name(new.name + suffix).unlink(missing_ok=True)


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
