"""One job's whole life, top to bottom, and the loop that takes the next: one thread per slot."""

import logging
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from ctci import clock, config, git, ledger
from ctci.layout import Layout
from ctci.model import Exit, Job, Run, Status
from ctci.run import keeping, outcome, prepare, trees, workspace

log = logging.getLogger(__name__)

#: How long a recipe has between TERM and KILL, seconds.
GRACE_S = 10.0
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


def _mib(count: int) -> str:
    return f"{count / 2**20:,.0f} MiB"


def settle_remains(db: ledger.Ledger, layout: Layout, *, host: int) -> int:
    """Settle what the last life of this data folder left running; how many there were.

    What never began goes back to the queue. What began is ended, with its true result where it has one.
    """
    remains = ledger.in_state(db, Status.RUNNING, host=host)
    for job in remains:
        try:
            if job.began_at is None:
                ledger.put_back(
                    db, job=job.id, attempt=job.attempt, host=host, reason="put back: the server was restarted"
                )
                continue
            ended = keeping.end(layout.attempt(job.id, job.attempt), grace_s=GRACE_S)
            status, reason = outcome.judge(ended, job.cancel_as, job.cancel_reason)
            if status is Status.ERRORED:
                reason = f"the server was restarted while it ran; {reason}"
            ledger.settle(db, job=job.id, attempt=job.attempt, host=host, status=status, reason=reason, exit=ended)
            log.warning("%s of #%s was left running by the last life: %s", job.name, job.run, status)
        except ledger.Fenced as error:
            log.warning("%s of #%s: %s", job.name, job.run, error)
    return len(remains)


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
        self._stop = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Take and do jobs until `stop`."""
        self._stop = stop
        seen = 0
        while not stop.is_set():
            try:
                if not self.tick():
                    seen = self._db.nudge.wait(seen, 1.0)
            except Exception:  # a loop that dies silently is the worst fault
                log.exception("slot %s failed; trying again", self._slot)
                clock.wait(stop, 2.0)

    def tick(self) -> bool:
        """Do one job, if there is one and room for it; whether there was."""
        if self._floor.remark() is not None:
            return False
        claimed = ledger.claim(self._db, host=self._host, slot=self._slot, boot_id=self._boot_id)
        if claimed is None:
            return False
        job, run = claimed
        try:
            self._work(job, run)
        except ledger.Fenced as error:
            log.warning("%s of #%s: %s", job.name, run.id, error)
        except Exception as error:  # around one job: it must not stay running for ever
            log.exception("%s of #%s", job.name, run.id)
            self._settle(job, Status.ERRORED, f"ctci failed: {type(error).__name__}: {error}", None)
        return True

    def _work(self, job: Job, run: Run) -> None:
        folder = self._layout.attempt(job.id, job.attempt)
        left_running = False
        try:
            try:
                place = workspace.prepare(self._layout, self._slot, job.order, commit=run.commit or "")
                self._submodules(job, place)
            except (git.GitError, config.SecretError, workspace.WorkspaceError) as error:
                self._settle(job, Status.ERRORED, str(error), None)
                return
            if ledger.wish(self._db, job=job.id, attempt=job.attempt) is not None:
                # Asked to end before it began: put_back knows what becomes of it.
                ledger.put_back(self._db, job=job.id, attempt=job.attempt, host=self._host, reason="never began")
                return
            ended = self._keep(job, run, place, folder)
            if ended is None:
                left_running = True
                return
            wish = ledger.job(self._db, job.id)
            status, reason = outcome.judge(
                ended,
                wish.cancel_as if wish else None,
                wish.cancel_reason if wish else None,
            )
            self._settle(job, status, reason, ended)
        finally:
            if not left_running:
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

    def _keep(self, job: Job, run: Run, place: workspace.Workspace, folder: Path) -> Exit | None:
        """Begin the attempt and wait for its end; None when the server stops first and the job goes on."""
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
        kept = keeping.start(
            folder,
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
        return keeping.wait(kept, wishes=self._wishes(job), wake=self._wake, poll_s=WISH_POLL_S)

    def _wishes(self, job: Job) -> Callable[[], bool]:
        def wished() -> bool:
            try:
                return ledger.wish(self._db, job=job.id, attempt=job.attempt) is not None
            except ledger.Away:
                # The wish is still there when the ledger is again.
                return False

        return wished

    def _settle(self, job: Job, status: Status, reason: str | None, ended: Exit | None) -> None:
        """Tell the ledger, however long it is away; when the server stops first, the next life reads the result."""
        wait_s = 0.2
        while not self._stop.is_set():
            try:
                ledger.settle(
                    self._db,
                    job=job.id,
                    attempt=job.attempt,
                    host=self._host,
                    status=status,
                    reason=reason,
                    exit=ended,
                )
            except ledger.Away:
                log.exception("the end of %s cannot be written yet", job.name)
                clock.wait(self._stop, wait_s)
                wait_s = min(wait_s * 2, 10.0)
            else:
                return
