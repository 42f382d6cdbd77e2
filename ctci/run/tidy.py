"""Upkeep, with due times of its own: every hour old runs are forgotten; daily come the backup and the round.

Nothing waits for it.
"""

import itertools
import logging
import threading
from collections.abc import Callable, Mapping

from ctci import clock, config, git, ledger
from ctci.config.settings import Project
from ctci.layout import Layout
from ctci.run import backups, daily, rounds, sizes, trees

log = logging.getLogger(__name__)

#: How often is looked whether a daily time has come, seconds, and how many such looks are an hour.
LOOK_S, HOURLY = 60.0, 60
#: So many runs are forgotten in one transaction: who records waits for it.
AT_ONCE = 200
#: What was told of no one run (digests, heartbeats) is remembered for so many days; of a run, as long as the run.
TOLD_DAYS = 90


class Upkeep:
    """The loop."""

    def __init__(self, db: ledger.Ledger, layout: Layout, current: config.Current) -> None:
        self._db = db
        self._layout = layout
        self._current = current
        #: What was tried in this hour, with the time that it was due at: what fails is not tried every minute.
        self._tried: set[tuple[str, int]] = set()
        #: What takes room in the data folder, as of the last hour; nothing until it was first measured.
        self.sizes: Mapping[str, int] = {}

    def run(self, stop: threading.Event) -> None:
        """Tidy at start and every hour, and do what is daily once its time has come, until `stop`."""
        for look in itertools.count():
            if stop.is_set():
                return
            if look % HOURLY == 0:
                self._tried.clear()
                _attempt("tidying", lambda: tidy(self._db, self._layout, self._current.get()))
                _attempt("measuring the data folder", self._measure)
            _attempt("the backup", self._back_up)
            _attempt("the daily round", lambda: self._go_round(stop))
            clock.wait(stop, clock.spread(LOOK_S))

    def _measure(self) -> None:
        self.sizes = sizes.measure(self._layout)

    def _back_up(self) -> None:
        settings = self._current.get()
        time = backups.due(self._layout, settings, clock.now())
        if time is not None and self._first("backup", time):
            backups.make(self._db, self._layout, settings, time)

    def _go_round(self, stop: threading.Event) -> None:
        settings = self._current.get()
        time = rounds.due(self._layout, settings, clock.now())
        if time is not None and self._first("round", time):
            rounds.go(self._db, self._layout, settings, time, stop)

    def _first(self, what: str, time: int) -> bool:
        first = (what, time) not in self._tried
        self._tried.add((what, time))
        return first


def _attempt(what: str, work: Callable[[], object]) -> None:
    try:
        work()
    except (backups.BackupError, ledger.LedgerError, ledger.Away) as error:
        log.error("%s failed; again in an hour: %s", what, error)
    except Exception:  # a loop that dies silently is the worst fault
        log.exception("%s failed; again in an hour", what)


def tidy(db: ledger.Ledger, layout: Layout, settings: config.Config, *, dry_run: bool = False) -> tuple[int, int]:
    """Forget what `keep` no longer keeps; (runs, job folders) that went, or would go with `dry_run`."""
    runs = folders = 0
    for project in config.named(settings, ledger.projects_(db)).values():
        doomed = doomed_runs(db, project)
        runs += len(doomed)
        if dry_run:
            folders += sum(len(jobs) for jobs in ledger.jobs_of(db, doomed).values())
            continue
        for first in range(0, len(doomed), AT_ONCE):
            some = doomed[first : first + AT_ONCE]
            for run in some:
                git.unpin(layout.mirror(project.name), run)
            for job in ledger.forget(db, some):
                trees.remove(layout.job(job), layout.trash)
                folders += 1
    if not dry_run:
        empty_trash(layout)
        ledger.forget_deeds(db)
        ledger.forget_repeats(db)
        ledger.forget_sendings(db, before=clock.now() - TOLD_DAYS * daily.DAY_MS)
        if runs:
            log.info("forgot %s runs with %s job folders", runs, folders)
    return runs, folders


def doomed_runs(db: ledger.Ledger, project: Project) -> tuple[int, ...]:
    """The runs of a project that its `keep` no longer keeps."""
    before = clock.now() - project.keep.days * daily.DAY_MS
    return ledger.outdated(db, project.name, keep_runs=project.keep.runs, before=before)


def empty_trash(layout: Layout) -> None:
    """Try again what could not be removed before."""
    if layout.trash.is_dir():
        for left in layout.trash.iterdir():
            trees.remove(left, layout.trash)
