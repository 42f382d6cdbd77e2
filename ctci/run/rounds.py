"""The daily round: strays go, the ledger gives back room, and mirrors that have become heaps are repacked.

What is in use is left alone, and looked at again an hour later.
"""

import logging
import shutil
import threading

from ctci import clock, config, git, ledger
from ctci.config.settings import Backup
from ctci.layout import Layout
from ctci.run import backups, daily, strays

log = logging.getLogger(__name__)

#: The time of day where `backup` says none.
AT = Backup().at
#: The ledger's file is written anew where so much of it holds nothing; less is soon filled again.
FREE_SHARE, FREE_BYTES = 0.25, 16 << 20
#: Repacking one mirror may take so long, and the next one waits for so long after it, seconds.
REPACK_S, PAUSE_S = 3600.0, 10.0


def due(layout: Layout, settings: config.Config, now: int) -> int | None:
    """The time of the round that is to be made now; None where it was made."""
    wanted = settings.server.backup
    time = daily.last(wanted.at if wanted is not None else AT, settings.timezone, now)
    try:
        made = int(layout.rounds.read_text())
    except (OSError, ValueError):
        made = 0
    # One that was made by a clock of days ahead does not count.
    return None if time <= made <= now + backups.AHEAD_MS else time


def go(db: ledger.Ledger, layout: Layout, settings: config.Config, time: int, stop: threading.Event) -> None:
    """Make the round that was due at `time`; made it is once nothing is left to do."""
    strays.remove(db, layout, settings)
    idle = shrink(db, layout, settings)
    _, left = repack(db, layout, settings, stop)
    if idle and not left and not stop.is_set():
        layout.rounds.write_text(f"{time}\n")


def shrink(db: ledger.Ledger, layout: Layout, settings: config.Config) -> bool:
    """Have the ledger give back what it does not need; False where it is to be tried again, because something waits.

    Its file is written anew only while no job runs or waits: a push must wait for that, and is answered after it.
    """
    free, whole = db.room()
    wanted = free > FREE_BYTES and free > FREE_SHARE * whole
    idle = not wanted or not any(ledger.counts(db).values())
    # Written once beside it, and once into its log.
    rebuild = wanted and idle and shutil.disk_usage(layout.data).free > 2 * whole + settings.server.disk_floor
    began = clock.monotonic()
    db.shrink(rebuild=rebuild)
    if rebuild:
        log.info("the ledger gave back %s MiB in %.1f s", free >> 20, clock.monotonic() - began)
    return idle


def repack(
    db: ledger.Ledger,
    layout: Layout,
    settings: config.Config,
    stop: threading.Event,
    *,
    dry_run: bool = False,
    pause_s: float = PAUSE_S,
) -> tuple[int, int]:
    """Repack mirrors; how many were (or would be, with `dry_run`), and how many are left for being in use."""
    heaps = [name for name in config.named(settings, ledger.projects_(db)) if git.heaped(layout.mirror(name))]
    if dry_run:
        return len(heaps), 0
    done = left = 0
    for name in heaps:
        if done:
            # Others have the disk meanwhile.
            clock.wait(stop, clock.spread(pause_s))
        repacked = _repacked(db, layout, name, stop)
        done += repacked is True
        left += repacked is False
    return done, left


def _repacked(db: ledger.Ledger, layout: Layout, project: str, stop: threading.Event) -> bool | None:
    """Whether the project's mirror was repacked: never while one of its jobs runs, or a run waits for its commit.

    None where it cannot be, and could not be in an hour either.
    """
    began = clock.monotonic()
    try:
        done = git.repack(
            layout.mirror(project),
            deadline_s=REPACK_S,
            stop=lambda: stop.is_set() or project in ledger.at_work(db),
        )
    except git.GitError as error:
        log.warning("the mirror of %s could not be repacked: %s", project, error)
        return None
    if done:
        log.info("repacked the mirror of %s in %.1f s", project, clock.monotonic() - began)
    return done
