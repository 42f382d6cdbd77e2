"""The daily round: mirrors that have become heaps are repacked, but for those in use: these in an hour, or tomorrow."""

import logging
import threading

from ctci import clock, config, git, ledger
from ctci.config.settings import Backup
from ctci.layout import Layout
from ctci.run import backups, daily

log = logging.getLogger(__name__)

#: The time of day where `backup` says none.
AT = Backup().at
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
    _, left = repack(db, layout, settings, stop)
    if not left and not stop.is_set():
        layout.rounds.write_text(f"{time}\n")


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
