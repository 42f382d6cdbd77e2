"""One job's whole life, top to bottom, and the loop that takes the next: one thread per slot."""

import logging
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ctci import clock, config, git, ledger
from ctci.layout import Layout
from ctci.model import Job, Run, Status
from ctci.run import ending, keeping, prepare, trees, workspace
from ctci.run.adoption import GRACE_S, Adopted

log = logging.getLogger(__name__)

#: How old the measured size of the worktrees may be, seconds.
MEASURE_S = 30.0
#: How often a running job is asked whether somebody wants it to end, seconds.
WISH_POLL_S = 0.3


class Floor:
    """Whether there is room for another job on the disk; said by /readyz, the log and the letter."""

    def __init__(self, layout: Layout, current: config.Current) -> None:
        self._layout = layout
        self._current = current
        #: Guards the two below: every slot asks.
        self._lock = threading.Lock()
        self._said: str | None = None
        self._measured: tuple[float, int] | None = None

    def remark(self) -> str | None:
        """A sentence when there is no room, else None."""
        server = self._current.get().server
        free = shutil.disk_usage(self._layout.data).free
        said = None
        if free < server.disk_floor:
            said = f"{_mib(free)} free on the disk, under disk-floor = {_mib(server.disk_floor)}: no job is started"
        elif (taken := self._worktrees()) > server.limit_worktrees:
            said = (
                f"worktrees take {_mib(taken)}, over [limits] worktrees = {_mib(server.limit_worktrees)}: "
                "no other job is started"
            )
        with self._lock:
            if (said is None) != (self._said is None):
                log.warning("%s", said) if said else log.info("there is room on the disk again")
            self._said = said
        return said

    def _worktrees(self) -> int:
        """Bytes in the slots, measured anew every half minute: a large tree takes a while to walk."""
        at = clock.monotonic()
        with self._lock:
            if self._measured is None or at - self._measured[0] > MEASURE_S:
                self._measured = (at, trees.size(self._layout.slots))
            return self._measured[1]


class Busy:
    """How many jobs run here now, and the most that ran at once since the start."""

    def __init__(self) -> None:
        # Guards the two below.
        self._lock = threading.Lock()
        self.running = self.peak = 0

    def __enter__(self) -> None:
        with self._lock:
            self.running += 1
            self.peak = max(self.peak, self.running)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.running -= 1


def _mib(count: int) -> str:
    return f"{count / 2**20:,.0f} MiB"


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
        self.see_out(stop)
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
        claimed = ledger.claim(self._db, host=self._host, slot=self._slot, boot_id=self._boot_id)
        if claimed is None:
            return False
        job, run = claimed
        with self._busy, self._guarded(job):
            self._work(job, run)
        return True

    @contextmanager
    def _guarded(self, job: Job) -> Iterator[None]:
        """Around one job: it must not stay running for ever, and must not end the loop."""
        try:
            yield
        except ledger.Fenced as error:
            log.warning("%s of #%s: %s", job.name, job.run, error)
        except Exception as error:
            log.exception("%s of #%s", job.name, job.run)
            self._error(job, f"ctci failed: {type(error).__name__}: {error}")

    def _work(self, job: Job, run: Run) -> None:
        try:
            place = workspace.prepare(self._layout, self._slot, job.order, commit=run.commit or "")
            self._submodules(job, place)
            if ledger.wish(self._db, job=job.id, attempt=job.attempt) is not None:
                # Asked to end before it began: put_back knows what becomes of it.
                ledger.put_back(self._db, job=job.id, attempt=job.attempt, host=self._host, reason="never began")
                kept = None
            else:
                kept = self._begin(job, run, place)
        except (git.GitError, config.SecretError, workspace.WorkspaceError, keeping.KeepingError) as error:
            self._error(job, str(error))
            kept = None
        except BaseException:
            workspace.clean(self._layout, self._slot)
            raise
        if kept is None:
            workspace.clean(self._layout, self._slot)
        else:
            self._finish(job, kept)

    def _finish(self, job: Job, kept: keeping.Kept) -> None:
        """Wait for the end of what runs, and write it down. When the server stops first, it goes on."""
        try:
            ended = keeping.wait(kept, wishes=self._wishes(job), wake=self._wake, poll_s=WISH_POLL_S)
            if ended is None:
                return
        except BaseException:
            # Nothing of it may run when the ledger is told that it failed.
            keeping.end(kept.folder, grace_s=GRACE_S)
            workspace.clean(self._layout, self._slot)
            raise
        try:
            self._insist(job, lambda: ending.conclude(self._db, job, ended, host=self._host))
        finally:
            workspace.clean(self._layout, self._slot)

    def _submodules(self, job: Job, place: workspace.Workspace) -> None:
        remote = job.order.remote
        if remote.submodules:
            git.submodules(
                place.worktree,
                remote.url,
                prepare.access(remote, self._current.get().folder, self._environ, self._layout),
                deadline_s=prepare.FETCH_S,
                stop=self._wishes(job),
            )

    def _begin(self, job: Job, run: Run, place: workspace.Workspace) -> keeping.Kept:
        """Begin the attempt: first in the ledger, so that "never began" is a fact."""
        recipe = job.order.recipe
        env = workspace.environment(
            job.order,
            run,
            job.id,
            job.attempt,
            home=place.home,
            server_environ=self._environ,
            public_url=self._current.get().server.public_url,
        )
        ledger.begin(self._db, job=job.id, attempt=job.attempt, host=self._host)
        return keeping.start(
            self._layout.attempt(job.id, job.attempt),
            script=recipe.run,
            shell=recipe.shell,
            cwd=place.directory,
            env=env,
            timeout_s=recipe.timeout_s,
            grace_s=GRACE_S,
            cap=job.order.log_cap,
            nice=recipe.nice,
            sandbox=recipe.sandbox,
            cgroups=self._cgroups,
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

        def settle() -> None:
            ledger.settle(
                self._db,
                job=job.id,
                attempt=job.attempt,
                host=self._host,
                status=Status.ERRORED,
                reason=reason,
                exit=None,
            )

        self._insist(job, settle)

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
