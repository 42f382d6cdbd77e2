"""Retention: forgets old runs with their folders, empties the trash. Due times of its own; nothing waits for it."""

import logging
import threading

from ctci import clock, config, git, ledger
from ctci.config.settings import Project
from ctci.layout import Layout
from ctci.run import trees

log = logging.getLogger(__name__)

#: Seconds between two looks.
EVERY_S = 3600.0
DAY_MS = 24 * 3600 * 1000


def loop(db: ledger.Ledger, layout: Layout, current: config.Current, stop: threading.Event) -> None:
    """Tidy at start and every hour until `stop`."""
    while not stop.is_set():
        try:
            tidy(db, layout, current.get())
        except Exception:  # a loop that dies silently is the worst fault
            log.exception("tidying failed; again in an hour")
        clock.wait(stop, clock.spread(EVERY_S))


def tidy(db: ledger.Ledger, layout: Layout, settings: config.Config, *, dry_run: bool = False) -> tuple[int, int]:
    """Forget what `keep` no longer keeps; (runs, job folders) that went, or would go with `dry_run`."""
    runs = folders = 0
    for project in config.named(settings, ledger.projects_(db)).values():
        doomed = doomed_runs(db, project)
        runs += len(doomed)
        if dry_run:
            folders += sum(len(jobs) for jobs in ledger.jobs_of(db, doomed).values())
            continue
        for run in doomed:
            git.unpin(layout.mirror(project.name), run)
        for job in ledger.forget(db, doomed):
            trees.remove(layout.job(job), layout.trash)
            folders += 1
    if not dry_run:
        empty_trash(layout)
        if runs:
            log.info("forgot %s runs with %s job folders", runs, folders)
    return runs, folders


def doomed_runs(db: ledger.Ledger, project: Project) -> tuple[int, ...]:
    """The runs of a project that its `keep` no longer keeps."""
    before = clock.now() - project.keep.days * DAY_MS
    return ledger.outdated(db, project.name, keep_runs=project.keep.runs, before=before)


def empty_trash(layout: Layout) -> None:
    """Try again what could not be removed before."""
    if layout.trash.is_dir():
        for left in layout.trash.iterdir():
            trees.remove(left, layout.trash)
