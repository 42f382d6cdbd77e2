"""Waits for the end of a run, with its logs as they are written if wanted; ends when nobody serves it any more.

The ledger is asked, never the server: what is seen here is what is recorded.
"""

from collections.abc import Collection

from ctci import clock, ledger, shape, words
from ctci.cli import joblog, session, terminal
from ctci.layout import Layout
from ctci.model import FINISHED, Job, Run, Status

#: Seconds between two looks at the ledger.
POLL_S = 0.2
#: A server may be away for so long, seconds: a restart is no end.
AWAY_S = 5.0


def run(db: ledger.Ledger, place: Layout, number: int, *, follow: bool) -> int:
    """Wait for a run; its exit code. Raises Refused (3) when no server is there to run it."""
    watch = Watch(db, place, number, streams={} if follow else None)
    found = watch.to_the_end(None)
    terminal.note(sentence(found, watch.jobs))
    return shape.code(found.status)


def sentence(run: Run, jobs: Collection[Job]) -> str:
    """`#12 failed: api:test (exit 3)`."""
    worst = [job for job in jobs if job.status is run.status and run.status is not Status.SUCCEEDED]
    reasons = {words.said(job, run) for job in worst}
    if len(worst) > 1 and len(reasons) == 1 and reasons != {""}:
        of_it, why = [job.place for job in worst], f" ({reasons.pop()})"
    else:
        of_it, why = [f"{job.place}{f' ({said})' if (said := words.said(job, run)) else ''}" for job in worst], ""
    told = f": {', '.join(of_it[:3])}{f' and {len(of_it) - 3} more' if len(of_it) > 3 else ''}{why}" if of_it else ""
    return terminal.headline(run.status, terminal.plain(f"#{run.id} {words.status(run.status)}{told}"))


class Watch:
    """One run while it is watched; with `streams` its logs are printed."""

    def __init__(
        self, db: ledger.Ledger, place: Layout, run: int, *, streams: dict[int, joblog.Stream] | None, raw: bool = False
    ) -> None:
        self._db = db
        self._place = place
        self._run = run
        self._streams = streams
        self._raw = raw
        self._waits: dict[int, str] = {}
        self._fetch: str | None = None
        self._served_at = clock.monotonic()
        self._looked_at = 0.0
        self.jobs: tuple[Job, ...] = ()

    def to_the_end(self, only: Collection[int] | None) -> Run:
        """Watch until the run, or those of its jobs, have ended."""
        # Among lines as they are written, a progress would be one of them.
        shown = terminal.progress if self._streams is None else terminal.unseen
        with shown(f"#{self._run} waits") as progress:
            while True:
                # The run first: when it is over then, so are its jobs as they are read next.
                run = ledger.run(self._db, self._run)
                if run is None:
                    raise session.Refused(f"#{self._run} has been forgotten meanwhile", session.ABSENT)
                all_ = ledger.jobs_of(self._db, [run.id], ahead=True)[run.id]
                self.jobs = tuple(job for job in all_ if only is None or job.id in only)
                self._show(run)
                over = run.finished_at is not None if only is None else all(job.status in FINISHED for job in self.jobs)
                if over:
                    return run
                progress.text = self._doing(run)
                self._look_for_server()
                session.pause(POLL_S)

    def _show(self, run: Run) -> None:
        if self._streams is None:
            self._show_fetch(run)
            return
        for job in self.jobs:
            if job.status is Status.QUEUED:
                waits = words.waits(job, run)
                if self._waits.get(job.id) != waits:
                    self._waits[job.id] = waits
                    terminal.note(f"{job.place} {terminal.plain(waits)}")
            stream = self._streams.get(job.id)
            if stream is None:
                prefix = f"{job.place} | " if len(self.jobs) > 1 else ""
                stream = self._streams[job.id] = joblog.Stream(self._place, prefix=prefix, raw=self._raw)
            stream.advance(job)
            if job.status in FINISHED and not stream.told:
                stream.told = True
                terminal.note(joblog.ending(job, run))

    def _show_fetch(self, run: Run) -> None:
        """Why the commit does not come, where no progress shows it: that may take minutes, and end in nothing."""
        why = run.reason if run.prepared_at is None and run.finished_at is None else None
        if why and why != self._fetch and self.jobs and not terminal.watched():
            terminal.note(terminal.plain(f"#{run.id} {words.waits(self.jobs[0], run)}"))
        self._fetch = why

    def _doing(self, run: Run) -> str:
        running = [job.place for job in self.jobs if job.status is Status.RUNNING]
        if running:
            return f"#{run.id}: {words.names(running)} {'runs' if len(running) == 1 else 'run'}"
        waiting = [job for job in self.jobs if job.status is Status.QUEUED]
        return f"#{run.id} {words.waits(waiting[0], run)}" if waiting else f"#{run.id}"

    def _look_for_server(self) -> None:
        now = clock.monotonic()
        if now - self._looked_at < 1:
            return
        self._looked_at = now
        if session.holder(self._place) is not None:
            self._served_at = now
        elif now - self._served_at > AWAY_S:
            raise session.Refused(
                f"no server is running on {self._place.data}: #{self._run} goes on when `ctci serve` starts",
                session.AWAY,
            )
