"""Waits for the end of a run, with its logs as they are written if wanted; ends when nobody serves it any more.

What is seen here is what is recorded.
"""

from collections.abc import Collection

from ctci import clock, shape, words
from ctci.cli import joblog, nouns, session, source, terminal, wire
from ctci.model import FINISHED, Status

#: A server may be away for so long, seconds: a restart is no end. One elsewhere may have to be found again.
AWAY_S = 5.0
FAR_S = 60.0


def run(where: source.Source, number: int, *, follow: bool) -> int:
    """Wait for a run; its exit code. Raises Refused (3) when no server is there to run it."""
    watch = Watch(where, number, streams={} if follow else None)
    found = watch.to_the_end(None)
    terminal.note(sentence(found, watch.jobs))
    return shape.code(nouns.status(found))


def sentence(run: nouns.Run, jobs: Collection[nouns.Job]) -> str:
    """`#12 failed: api:test (exit 3)`."""
    state = nouns.status(run)
    worst = [job for job in jobs if nouns.status(job) is state and state is not Status.SUCCEEDED]
    reasons = {nouns.said(job) for job in worst}
    if len(worst) > 1 and len(reasons) == 1 and reasons != {""}:
        of_it, why = [nouns.place(job) for job in worst], f" ({reasons.pop()})"
    else:
        of_it, why = [f"{nouns.place(job)}{f' ({said})' if (said := nouns.said(job)) else ''}" for job in worst], ""
    told = f": {', '.join(of_it[:3])}{f' and {len(of_it) - 3} more' if len(of_it) > 3 else ''}{why}" if of_it else ""
    return terminal.headline(state, terminal.plain(f"#{run['id']} {words.status(state)}{told}"))


class Watch:
    """One run while it is watched; with `streams` its logs are printed."""

    def __init__(
        self, where: source.Source, run: int, *, streams: dict[int, joblog.Stream] | None, raw: bool = False
    ) -> None:
        self._where = where
        self._run = run
        self._streams = streams
        self._raw = raw
        self._waits: dict[int, str] = {}
        self._fetch: str | None = None
        self._served_at = clock.monotonic()
        self._looked_at = 0.0
        self.jobs: tuple[nouns.Job, ...] = ()

    def to_the_end(self, only: Collection[int] | None) -> nouns.Run:
        """Watch until the run, or those of its jobs, have ended."""
        # Among lines as they are written, a progress would be one of them.
        shown = terminal.progress if self._streams is None else terminal.unseen
        with shown(f"#{self._run} waits") as progress:
            while True:
                run = self._look(only)
                if run is not None:
                    if self._is_over(run, only):
                        return run
                    progress.text = self._doing()
                self._look_for_server()
                session.pause(self._where.pause_s)

    def _look(self, only: Collection[int] | None) -> nouns.Run | None:
        """Look once, and show what is new; None while nobody answers. Raises Refused."""
        try:
            run = self._where.get("/runs/{run}", run=self._run)
            self.jobs = tuple(job for job in run["jobs"] if only is None or job["id"] in only)
            self._show(run)
        except wire.UnreachableError:
            if clock.monotonic() - self._served_at > (AWAY_S if self._where.ground is not None else FAR_S):
                raise
            if self._where.ground is not None and not self._where.served:
                # The server has stopped, and its ledger is still there.
                self._where = source.find()
            return None
        except session.Refused as error:
            if error.code != session.ABSENT:
                raise
            raise session.Refused(f"#{self._run} has been forgotten meanwhile", session.ABSENT) from None
        self._served_at = clock.monotonic() if self._where.ground is None else self._served_at
        return run

    def _is_over(self, run: nouns.Run, only: Collection[int] | None) -> bool:
        if only is None:
            return run["finished_at"] is not None
        return all(nouns.status(job) in FINISHED for job in self.jobs)

    def _show(self, run: nouns.Run) -> None:
        if self._streams is None:
            self._show_fetch(run)
            return
        for job in self.jobs:
            if nouns.status(job) is Status.QUEUED:
                waits = nouns.said(job)
                if self._waits.get(job["id"]) != waits:
                    self._waits[job["id"]] = waits
                    terminal.note(f"{nouns.place(job)} {terminal.plain(waits)}")
            stream = self._streams.get(job["id"])
            if stream is None:
                prefix = f"{nouns.place(job)} | " if len(self.jobs) > 1 else ""
                stream = self._streams[job["id"]] = joblog.Stream(self._where, prefix=prefix, raw=self._raw)
            if stream.told:
                continue
            stream.advance(job)
            if nouns.status(job) in FINISHED:
                stream.told = True
                terminal.note(joblog.ending(job))

    def _show_fetch(self, run: nouns.Run) -> None:
        """Why the commit does not come, where no progress shows it: that may take minutes, and end in nothing."""
        waits = self.jobs[0]["waits_for"] if self.jobs else None
        fetched = waits is None or waits["kind"] != "commit"
        why = run["reason"] if not fetched and run["finished_at"] is None else None
        if why and why != self._fetch and not terminal.watched():
            terminal.note(terminal.plain(f"#{run['id']} {nouns.said(self.jobs[0])}"))
        self._fetch = why

    def _doing(self) -> str:
        running = [nouns.place(job) for job in self.jobs if nouns.status(job) is Status.RUNNING]
        if running:
            return f"#{self._run}: {words.names(running)} {'runs' if len(running) == 1 else 'run'}"
        waiting = [job for job in self.jobs if nouns.status(job) is Status.QUEUED]
        return f"#{self._run} {nouns.said(waiting[0])}" if waiting else f"#{self._run}"

    def _look_for_server(self) -> None:
        now = clock.monotonic()
        ground = self._where.ground
        if now - self._looked_at < 1 or ground is None:
            return
        self._looked_at = now
        if self._where.served:
            self._served_at = now
        elif now - self._served_at > AWAY_S:
            raise session.Refused(
                f"no server is running on {ground.layout.data}: #{self._run} goes on when `ctci serve` starts",
                session.AWAY,
            )
