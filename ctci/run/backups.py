"""Daily copies of the ledger in the data folder, each named after the time that it was due at: so it is made once."""

import logging
import re
import shutil
from pathlib import Path

from ctci import clock, config, ledger
from ctci.layout import Layout
from ctci.run import daily

log = logging.getLogger(__name__)

_NAME = re.compile(r"ledger-(\d{8}T\d{6}Z)\.db")
#: A copy that is so far ahead was made by a clock that went wrong.
AHEAD_MS = 3 * daily.DAY_MS // 2


class BackupError(Exception):
    """No copy can be made now; the message says why."""


def due(layout: Layout, settings: config.Config, now: int) -> int | None:
    """The time for which a copy is to be made now; None where none is wanted, or it is there."""
    wanted = settings.server.backup
    if wanted is None:
        return None
    time = daily.last(wanted.at, settings.timezone, now)
    # A later one counts too: the clock may have been set back.
    made = any(time <= each <= now + AHEAD_MS for each in times(layout))
    return None if made else time


def make(db: ledger.Ledger, layout: Layout, settings: config.Config, time: int) -> Path:
    """Make the copy that was due at `time`, and remove those that are too many. Raises BackupError, LedgerError."""
    layout.backups.mkdir(mode=0o700, exist_ok=True)
    free = shutil.disk_usage(layout.backups).free
    needed = layout.ledger.stat().st_size + settings.server.disk_floor
    if free < needed:
        raise BackupError(f"no backup is made: {free >> 20} MiB are free, and {needed >> 20} MiB are wanted")
    target = layout.backups / f"ledger-{clock.stamp(time)}.db"
    size = ledger.back_up(db, target)
    log.info("backed the ledger up: %s, %s KiB", target, size >> 10)
    kept = settings.server.backup
    if kept is not None:
        _thin_out(layout, kept.keep)
    return target


def times(layout: Layout) -> list[int]:
    """When the copies that are there were due, Unix milliseconds, the newest first."""
    try:
        found = [_NAME.fullmatch(path.name) for path in layout.backups.iterdir()]
    except FileNotFoundError:
        return []
    read = (clock.stamped(each[1]) for each in found if each is not None)
    return sorted((each for each in read if each is not None), reverse=True)


def _thin_out(layout: Layout, keep: int) -> None:
    ours = [each for each in times(layout) if each <= clock.now() + AHEAD_MS]
    for time in ours[keep:]:
        (layout.backups / f"ledger-{clock.stamp(time)}.db").unlink(missing_ok=True)
    # What a copy that was cut short has left is nobody's any more after a day.
    for left in layout.backups.glob(".ledger-*.partial*"):
        if clock.now() - left.stat().st_mtime * 1000 > daily.DAY_MS:
            left.unlink(missing_ok=True)
