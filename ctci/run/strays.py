"""What a restore leaves behind: the ledger of before, and the folders and pins that only that one knows. They go later.

While a ledger of before lies there it can be put back, and nothing that it may know of goes.
"""

import logging
import re
from pathlib import Path

from ctci import clock, config, git, ledger
from ctci.layout import Layout
from ctci.ledger import restored
from ctci.run import daily, trees

log = logging.getLogger(__name__)

KEEP_DAYS = 30
_BEFORE = re.compile(r"\.before-restore-(\d{8}T\d{6}Z)")


def remove(db: ledger.Ledger, layout: Layout, settings: config.Config) -> int:
    """Remove what has been kept for long enough; how many job folders went."""
    long_ago = clock.now() - KEEP_DAYS * daily.DAY_MS
    kept = False
    for path in layout.data.glob(f"{layout.ledger.name}.before-restore-*"):
        if _time(path) < long_ago:
            path.unlink(missing_ok=True)
        else:
            kept = True
    if kept:
        return 0
    # Listed before the ledger is asked: what is recorded, and made, meanwhile is not among them.
    folders = _folders(layout)
    pins = {name: git.pinned(layout.mirror(name)) for name in config.named(settings, ledger.projects_(db))}
    runs, jobs = restored.ids(db)
    last, born = restored.numbers(db), restored.born(db)
    for name, numbers in pins.items():
        for run in numbers - runs:
            # One of a higher number is of a ledger that this one has never seen.
            if run <= last.get("runs", 0):
                git.unpin(layout.mirror(name), run)
    # What is older than this ledger is none of its affair: somebody may put the right one in its place.
    gone = [job for job, at in folders.items() if job not in jobs and born <= at < long_ago]
    for job in gone:
        trees.remove(layout.job(job), layout.trash)
    if gone:
        log.info("removed %s job folders that the ledger does not know", len(gone))
    return len(gone)


def _folders(layout: Layout) -> dict[int, int]:
    """Job -> when its folder was last written, Unix milliseconds."""
    return {
        int(path.name): path.stat().st_mtime_ns // 1_000_000 for path in layout.jobs.iterdir() if path.name.isdecimal()
    }


def _time(path: Path) -> int:
    """When a ledger was set aside; now for a name that somebody else has given."""
    found = _BEFORE.search(path.name)
    return (clock.stamped(found[1]) if found else None) or clock.now()
