"""What lies in the data folder, in bytes, and what waits in the spool; only looked at."""

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass

from ctci import clock
from ctci.layout import Layout
from ctci.run import trees


def measure(layout: Layout) -> Mapping[str, int]:
    """What takes room -> its bytes. Walks all logs and mirrors: a moment for a hundred thousand jobs."""
    ledger = sum(path.stat().st_size for path in layout.data.glob(f"{layout.ledger.name}*"))
    trees_of = {
        "logs": layout.jobs,
        "mirrors": layout.mirrors,
        "backups": layout.backups,
        "trash": layout.trash,
        "spool": layout.spool,
    }
    return {"ledger": ledger, **{name: trees.size(folder) for name, folder in trees_of.items()}}


@dataclass(frozen=True, kw_only=True)
class Spooled:
    """What hooks left and nobody has taken."""

    files: int
    #: For how long the oldest has waited, seconds.
    oldest_s: float
    #: Those that were taken and could not be received.
    dead: int


def spooled(layout: Layout) -> Spooled | None:
    """None where we may not look."""
    dead = layout.data / "dead"
    ages: list[float] = []
    try:
        with contextlib.suppress(FileNotFoundError), os.scandir(layout.spool) as entries:
            ages = [_age_s(each) for each in entries if each.is_file(follow_symlinks=False) and _is_whole(each.name)]
        return Spooled(
            files=len(ages), oldest_s=max(ages, default=0.0), dead=len(os.listdir(dead)) if dead.is_dir() else 0
        )
    except PermissionError:
        return None


def _is_whole(name: str) -> bool:
    """Not what a hook is writing now, or was killed while it wrote."""
    return not name.startswith("tmp.")


def _age_s(entry: "os.DirEntry[str]") -> float:
    try:
        return clock.now() / 1000 - entry.stat(follow_symlinks=False).st_mtime
    except FileNotFoundError:
        # Taken meanwhile.
        return 0.0
