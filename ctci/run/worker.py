"""One job's whole life, top to bottom, and the loop that takes the next: one thread per slot."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from ctci import clock, config, git, ledger, trail
from ctci.access import access
from ctci.layout import Layout
from ctci.model import ASIDE, Job, Run, Status
from ctci.run import ending, keeping, machine, prepare, workspace
from ctci.run.adoption import Adopted
from ctci.run.capacity import Busy, Floor

log = logging.getLogger(__name__)

#: How often a running job is asked whether somebody wants it to end, seconds.
WISH_POLL_S = 0.3


class Worker:
    """The loop of one slot."""

    def __init__(
        self,
        db: ledger.Ledger,
        layout: Layout,
        current: config.Current,
        environ: Mapping[str, str],
        *,
        host: int,
        slot: int,
        boot_id: str,
        floor: Floor,
        wake: int,
        cgroups: Path | None = None,
        adopted: Adopted | None = None,
        pause: threading.Event | None = None,
        busy: Busy | None = None,
    ) -> None:
        self._db = db
        self._layout = layout
        self._current = current
        self._environ = environ
        self._host = host
        self._slot = slot
        self._boot_id = boot_id
        self._floor = floor
        #: Readable once the server stops.
        self._wake = wake
        self._cgroups = cgroups
        #: What runs in the slot already; seen to its end first.
        self._adopted = adopted
        #: While set, nothing is claimed.
        self._pause = pause or threading.Event()
        self._busy = busy or Busy()
        self._stop = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Take and do jobs until `stop`, first the one that runs already."""
        try:
            self.see_out(stop)
        except Exception:  # a loop that dies silently is the worst fault
            log.exception("slot %s failed at the job it took over", self._slot)
        seen = 0
        while not stop.is_set():
            try:
                if not self.tick():
                    seen = self._db.nudge.wait(seen, 1.0)
            except Exception:  # a loop that dies silently is the worst fault
                log.exception("slot %s failed; trying again", self._slot)
                clock.wait(stop, 2.0)

    def see_out(self, stop: threading.Event) -> None:
        """Wait for the end of the job that was adopted, if there is one, or for `stop`."""
        self._stop = stop
        adopted, self._adopted = self._adopted, None
        if adopted is not None:
            with self._busy, self._guarded(adopted.job):
                self._finish(adopted.job, adopted.kept)

    def tick(self) -> bool:
        """Do one job, if there is one and room for it; whether there was."""
        if self._pause.is_set() or self._floor.remark() is not None:
            return False
        with self._busy.claiming:
            # Looked at again: the floor may have taken its time.
            claimed = (
                None
                if self._pause.is_set()
                else ledger.claim(self._db, host=self._host, slot=self._slot, boot_id=self._boot_id)
            )
        if claimed is None:
            return False
        job, run = claimed
        with self._busy, self._guarded(job):
            self._work(job, run)
        return True

    @contextmanager
    def _guarded(self, job: Job) -> Iterator[None]:
        """Around one job: it must not stay running for ever, and must not end the loop."""
        with trail.about(run=job.run, job=job.id):
            try:
                yield
            except ledger.Fenced as error:
                log.warning("%s of #%s: %s", job.name, job.run, error)
            except ledger.Away as error:
                log.warning("%s of #%s: %s", job.name, job.run, error)
                self._give_back(job, f"put back: {error}")
            except Exception as error:
                log.exception("%s of #%s", job.name, job.run)
                with suppress(ledger.Fenced):
                    self._error(job, f"ctci failed: {type(error).__name__}: {error}")

    def _work(self, job: Job, run: Run) -> None:
        kept = None
        try:
            place = workspace.prepare(self._layout, self._slot, job.order, commit=run.commit or "")
            self._submodules(job, place)
            if not self._unwanted(job):
                kept = self._begin(job, run, place)
        except (git.GitError, config.SecretError, workspace.WorkspaceError, keeping.KeepingError) as error:
            # What was being laid out for it was ended too.
            if not self._unwanted(job):
                self._error(job, str(error))
        finally:
            if kept is None:
                workspace.clean(self._layout, self._slot)
        if kept is not None:
            self._finish(job, kept)

    def _unwanted(self, job: Job) -> bool:
        """Whether it was asked to end before it began, or the server stops: then it is given back."""
        if ledger.wish(self._db, job=job.id, attempt=job.attempt) is None and not self._stop.is_set():
            return False
        with suppress(ledger.Fenced):
            # put_back knows what becomes of one that was asked to end.
            ledger.put_back(self._db, job=job.id, attempt=job.attempt, host=self._host, reason="put back: not begun")
            return True
        # It had begun, or is not ours: what went wrong is to be told.
        return False

    def _give_back(self, job: Job, reason: str) -> None:
        """The ledger was away: once it is there again, what never began is queued again, and what did is errored."""

        def tell() -> None:
            try:
                ledger.put_back(self._db, job=job.id, attempt=job.attempt, host=self._host, reason=reason)
            except ledger.Fenced:
                with suppress(ledger.Fenced):
                    self._errored(job, reason.replace("put back", "ctci failed"))

        self._insist(job, tell)

    def _finish(self, job: Job, kept: keeping.Kept) -> None:
        """Wait for the end of what runs, and write it down. When the server stops first, it goes on."""
        try:
            ended = keeping.wait(kept, wishes=self._wishes(job), wake=self._wake, poll_s=WISH_POLL_S)
            if ended is None:
                return
        except BaseException:
            # Nothing of it may run when the ledger is told that it failed.
            keeping.end(kept.folder, grace_s=keeping.GRACE_S)
            workspace.clean(self._layout, self._slot)
            raise
        try:
            most = self._current.get().server.limit_findings
            found = ending.read(self._db, self._layout, job, ended, most=most)
            tools = machine.tools(self._layout, job)
            self._insist(job, lambda: ending.conclude(self._db, job, ended, host=self._host, found=found, tools=tools))
        finally:
            workspace.clean(self._layout, self._slot)

    def _submodules(self, job: Job, place: workspace.Workspace) -> None:
        remote, wished = job.order.remote, self._wishes(job)
        if remote.submodules:
            git.submodules(
                place.worktree,
                remote.url,
                access(remote, self._current.get().folder, self._environ, self._layout),
                deadline_s=prepare.FETCH_S,
                stop=lambda: self._stop.is_set() or wished(),
            )

    def _begin(self, job: Job, run: Run, place: workspace.Workspace) -> keeping.Kept:
        """Begin the attempt: first in the ledger, so that "never began" is a fact."""
        recipe, server = job.order.recipe, self._current.get().server
        env = workspace.environment(
            job.order,
            run,
            job.id,
            job.attempt,
            home=place.home,
            server_environ=self._environ,
            public_url=server.public_url,
            # What is run aside is no news, and no trace of it is sent.
            traced=server.otlp is not None and run.kind not in ASIDE,
        )
        ledger.begin(self._db, job=job.id, attempt=job.attempt, host=self._host, facts=machine.host())
        log.info("%s of #%s begins in slot %s, attempt %s", job.name, job.run, self._slot, job.attempt)
        return keeping.start(
            self._layout.attempt(job.id, job.attempt),
            script=recipe.run,
            shell=recipe.shell,
            cwd=place.directory,
            env=env,
            timeout_s=recipe.timeout_s,
            grace_s=keeping.GRACE_S,
            cap=job.order.log_cap,
            nice=recipe.nice,
            sandbox=recipe.sandbox,
            cgroups=self._cgroups,
            facts=recipe.facts,
        )

    def _wishes(self, job: Job) -> Callable[[], bool]:
        def wished() -> bool:
            try:
                return ledger.wish(self._db, job=job.id, attempt=job.attempt) is not None
            except ledger.Away:
                # The wish is still there when the ledger is again.
                return False

        return wished

    def _error(self, job: Job, reason: str) -> None:
        """It could not be begun, or not be seen to its end: ours, and said so."""
        self._insist(job, lambda: self._errored(job, reason))

    def _errored(self, job: Job, reason: str) -> None:
        ledger.settle(
            self._db,
            job=job.id,
            attempt=job.attempt,
            host=self._host,
            status=Status.ERRORED,
            reason=reason,
            exit=None,
        )
        log.warning("%s of #%s: %s, %s", job.name, job.run, Status.ERRORED, reason)

    def _insist(self, job: Job, tell: Callable[[], object]) -> None:
        """Tell the ledger, however long it is away; when the server stops first, the next life reads the result."""
        wait_s = 0.2
        while not self._stop.is_set():
            try:
                tell()
            except ledger.Away:
                log.exception("the end of %s cannot be written yet", job.name)
                clock.wait(self._stop, wait_s)
                wait_s = min(wait_s * 2, 10.0)
            else:
                return
