"""The server's side of a keeper: start, find, watch, cancel and end it; the only file that starts one.

Knows a job by its folder, whose files are the contract of keeper.py. It promises an Exit for every job, truthfully
`lost` where the keeper left none, and then that nothing of the job runs on. Never touches what the job prints.
"""

import contextlib
import fcntl
import json
import logging
import os
import select
import shlex
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ctci import clock
from ctci.model import Exit
from ctci.run import sweeping

log = logging.getLogger(__name__)

KEEPER = Path(__file__).with_name("keeper.py")
#: How long a recipe has between TERM and KILL, seconds.
GRACE_S = 10.0
#: What a keeper needs beyond its grace at the most, seconds: leftovers, what does not die, a slow disk, and tools that
#: are asked of their versions.
SLACK_S = 90.0
#: How long a tool may take to tell its version, seconds.
FACT_S = 10.0
#: How often a keeper is told to go on, should its job have stopped it, seconds.
CONTINUE_S = 5.0
#: `struct flock` of Linux: type, whence, start, length, pid.
_FLOCK = struct.Struct("hhqqi")


class KeepingError(Exception):
    """The keeper cannot be started; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A job whose keeper lives, whoever started it; `wait` closes it."""

    folder: Path
    pidfd: int
    #: On clock.monotonic(): a keeper that still lives then has failed.
    overdue: float

    def cancel(self) -> None:
        """Ask it to end its job; harmless when it is over, and when it was asked before."""
        # Whatever the job did to the folder, it is told to end.
        with contextlib.suppress(OSError):
            _unlock(self.folder)
            # By the name of a file that is there: the job may have used up the disk.
            (self.folder / "uncancelled").rename(self.folder / "cancel")
        _signal(self.pidfd, signal.SIGCONT)
        _signal(self.pidfd, signal.SIGTERM)


def start(
    folder: Path,
    *,
    script: str,
    shell: str,
    cwd: Path,
    env: Mapping[str, str],
    timeout_s: float,
    cap: int,
    grace_s: float = GRACE_S,
    nice: int = 0,
    lease: Path | None = None,
    sandbox: str = "none",
    cgroups: Path | None = None,
    facts: Sequence[str] = (),
    fact_s: float = FACT_S,
) -> Kept:
    """Start the keeper of a new job in a folder of its own; its environment is `env` and a cookie.

    `cap` is in bytes. `lease` is a file with a CLOCK_BOOTTIME deadline in seconds. `sandbox` is `none` or `pid`.
    `cgroups` is a cgroup of ours to make the job's in. `facts` are commands that have
    `fact_s` each to tell a first line. Raises KeepingError.
    """
    folder = folder.absolute()
    cookie = f"{folder.parent.name}-{folder.name}-{clock.new_key()}"
    cgroup = cgroups / f"ctci-{cookie}" if cgroups else None
    options: dict[str, object] = {"timeout": timeout_s, "grace": grace_s, "cap": cap, "nice": nice}
    options |= {"lease": lease, "cgroup": cgroup}
    options |= {"sandbox": sandbox} if sandbox != "none" else {}
    argv = [sys.executable, "-I", "-S", "-B", str(KEEPER), "1", str(folder)]
    argv += [f"{key}={value}" for key, value in options.items() if value is not None]
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Must be new: a result that lies there would be taken for this one's.
        folder.mkdir(mode=0o700)
        _put(folder / "script.sh", f"{script}\n".encode())
        _put(folder / "command", os.fsencode("\0".join([str(cwd), *shlex.split(shell), f"{folder}/script.sh"])))
        _put(folder / "cookie", cookie.encode())
        _put(folder / "uncancelled", b"")
        if facts:
            _put(folder / "facts", os.fsencode("\0".join([f"{fact_s:g}", *facts])))
        if cgroup is not None:
            # Named before it is made, so that the next life finds it.
            _put(folder / "cgroup", os.fsencode(cgroup))
            cgroup.mkdir()
        with (folder / "keeper.err").open("wb") as errors, _term_held(), sweeping.starting:
            process = subprocess.Popen(
                argv,
                env={**env, sweeping.COOKIE: cookie},
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                start_new_session=True,
            )
            sweeping.keepers.add(process.pid)
    except (OSError, ValueError) as error:
        raise KeepingError(f"the command cannot be started: {error}") from error
    # Ours to reap, by its pidfd; Popen would complain of it when the server stops and it goes on.
    process.returncode = 0
    try:
        pidfd = os.pidfd_open(process.pid)
    except OSError as error:
        # Not to be watched, so it must not run. Nobody else has buried it, so the number is its own.
        os.kill(process.pid, signal.SIGKILL)
        os.waitpid(process.pid, 0)
        end(folder)
        raise KeepingError(f"the command cannot be watched: {error}") from error
    return Kept(folder=folder, pidfd=pidfd, overdue=clock.monotonic() + timeout_s + grace_s + SLACK_S)


def adopt(folder: Path, *, timeout_s: float) -> Kept | None:
    """The job whose keeper lives in a folder, whoever started it and when; None when none does."""
    pid = holder(folder)
    if pid is None:
        return None
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    # Asked again now that the number is pinned: had the keeper gone meanwhile, it could be anybody's.
    if holder(folder) != pid:
        os.close(pidfd)
        return None
    left_s = max(0.0, timeout_s - _age_s(pid)) + GRACE_S + SLACK_S
    return Kept(folder=folder, pidfd=pidfd, overdue=clock.monotonic() + left_s)


def wait(kept: Kept, *, wishes: Callable[[], bool], wake: int | None = None, poll_s: float = 0.5) -> Exit | None:
    """How the job ended; None when `wake` becomes readable first: the job then goes on without us.

    Asks `wishes` every `poll_s` and cancels when it says so. To be called once.
    """
    poller = select.poll()
    poller.register(kept.pidfd, select.POLLIN)
    if wake is not None:
        poller.register(wake, select.POLLIN)
    cancelled = False
    go_on_at = clock.monotonic() + CONTINUE_S
    try:
        while True:
            ready = {fd for fd, _ in poller.poll(poll_s * 1000)}
            if kept.pidfd in ready:
                _bury(kept.pidfd)
                return end(kept.folder)
            if ready:
                return None
            if not cancelled and wishes():
                cancelled = True
                kept.cancel()
            now = clock.monotonic()
            if now > kept.overdue:
                log.error("the keeper of %s is overdue and is killed", kept.folder)
                _signal(kept.pidfd, signal.SIGKILL)
            elif now > go_on_at:
                go_on_at = now + CONTINUE_S
                _signal(kept.pidfd, signal.SIGCONT)
    except BaseException:
        # Whoever waits has failed: the job must not run on unwatched.
        kept.cancel()
        raise
    finally:
        os.close(kept.pidfd)


def end(folder: Path, *, grace_s: float = 0.0) -> Exit:
    """Make sure that nothing of a job runs, whoever started it, and say how it ended.

    A keeper that lives is told to stop (`interrupted`) and killed when it does not within `grace_s` and some slack. No
    keeper can start in this folder afterwards.
    """
    _unlock(folder)
    while not fence(folder):
        pid = holder(folder)
        if pid is not None:
            _stop(folder, pid, within_s=grace_s + SLACK_S)
    result = read(folder) or Exit(how="lost")
    if result.how == "lost":
        # Always: the life that set the fence may have been killed before it came to this line.
        with contextlib.suppress(FileNotFoundError):
            said = (folder / "keeper.err").read_text(errors="replace")[-2000:].strip()
            log.warning("the keeper of %s left no result: %s", folder, said or "it was killed")
        result = replace(result, survivors=sweeping.sweep(folder))
    sweeping.discard_cgroup(folder)
    return result


def read(folder: Path) -> Exit | None:
    """How a job ended; None while there is no result."""
    try:
        fields = json.loads((folder / "result.json").read_bytes())
        return Exit(**{**fields, "leftovers": tuple(fields["leftovers"]), "survivors": tuple(fields["survivors"])})
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):
        # A recipe of the same user can write there.
        log.warning("result.json of %s is not a keeper's", folder)
        return Exit(how="lost")


def holder(folder: Path) -> int | None:
    """The pid of the keeper that lives in a folder, as the kernel knows it from the lock."""
    _unlock(folder)
    try:
        fd = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = _FLOCK.unpack(fcntl.fcntl(fd, fcntl.F_GETLK, asked))
    finally:
        os.close(fd)
    return pid if kind != fcntl.F_UNLCK else None


def fence(folder: Path) -> bool:
    """No keeper can start here any more; without a result, the job is `lost`. False when a keeper lives here."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return False
        if not (folder / "result.json").exists():
            _put(folder / "tombstone", b'{"how": "lost", "leftovers": [], "survivors": []}\n')
            (folder / "tombstone").rename(folder / "result.json")
    finally:
        os.close(fd)
    return True


def undumpable() -> None:
    """Let no process of the same user read our environment or trace us."""
    sweeping.prctl(4, 0)  # PR_SET_DUMPABLE


def _unlock(folder: Path) -> None:
    """Make our own folder ours again: a job of the same user may have locked us out of it."""
    for path in (folder, folder / "lock", folder / "result.json", folder / "cookie"):
        with contextlib.suppress(OSError):
            os.chmod(path, 0o700 if path == folder else 0o600, follow_symlinks=False)


def _age_s(pid: int) -> float:
    """For how long a process has lived, by the clock that nobody sets."""
    try:
        started = int(Path("/proc", str(pid), "stat").read_bytes().rpartition(b")")[2].split()[19])
        return float(Path("/proc/uptime").read_text().split()[0]) - started / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return 0.0


def _stop(folder: Path, pid: int, *, within_s: float) -> None:
    """TERM to a living keeper, KILL when it does not obey."""
    with contextlib.suppress(ProcessLookupError, ChildProcessError), sweeping.pinned(pid) as pidfd:
        # Asked again now that the number is pinned: had the keeper died meanwhile, it could be anybody's.
        if holder(folder) != pid:
            return
        _signal(pidfd, signal.SIGCONT)
        _signal(pidfd, signal.SIGTERM)
        poller = select.poll()
        poller.register(pidfd, select.POLLIN)
        if not poller.poll(within_s * 1000):
            log.error("keeper %s of %s does not stop and is killed", pid, folder)
            _signal(pidfd, signal.SIGKILL)
            poller.poll()
        _bury(pidfd)


def _bury(pidfd: int) -> None:
    """Reap a keeper that has ended, if it is a child of ours: another life of the server may have started it."""
    with contextlib.suppress(ChildProcessError), sweeping.starting:
        found = os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
        if found is not None:
            sweeping.keepers.discard(found.si_pid)


def _signal(pidfd: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, number)


@contextlib.contextmanager
def _term_held() -> Iterator[None]:
    """A child of this block starts with TERM held back, so that a cancel cannot hit it before it listens."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _put(path: Path, content: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(content)
