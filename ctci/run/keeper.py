"""Keeps one job: runs its command, writes its log, ends all its processes, and leaves the verdict in result.json.

Stands alone: standard library only, nothing of ctci, and nothing that is slow to import. When the result is there, no
process of the job is left, but for `survivors` that the kernel would not let it end.
"""

# python -I -S -B keeper.py 1 DIR timeout=SECONDS grace=SECONDS cap=BYTES [nice=N] [lease=PATH] [cgroup=DIR]
#     [sandbox=pid]
# The environment it is given is the command's, byte for byte. Keepers outlive upgrades of the server, so this contract,
# version 1, only grows. In DIR it finds
#   command      NUL between them: working directory, program, arguments
#   facts        NUL between them: seconds, and commands that have so long to print a line before it; may be missing
#   cancel       if TERM comes because somebody asked for the end; without it that is an interruption
# (the lease is CLOCK_BOOTTIME seconds as text: once past, or not to be read, the job is ended; the cgroup is an empty
# one, ours to kill; sandbox=pid asks for a PID namespace: without one nothing is run), and makes
#   lock         locked (lockf) while it lives, so F_GETLK names the keeper
#   state.json   the command's pid, and when it began (Unix ms)
#   facts.told   NUL between them: the seconds that this took, and of each its first line, empty: not to be had
#   log          what the command printed; lines of ours begin with "[ctci] "
#   log.idx      <QQ: offset in the log, Unix ms; at most one per 50 ms
#   result.json  by rename, once; the fields are in `publish`
# Exit: 0 the result is there, 64 not arguments of version 1, 71 no subreaper, 75 another keeper has or had this job.

import ctypes
import fcntl
import os
import resource
import select
import sys
import time

# As mypy reads it; `typing` and `signal` (its enums) cost 4 ms of the 20 that a job may cost.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from typing import Any
else:
    import _signal as signal

#: Seconds that what the command left behind has to end by itself, then after TERM; and all have after KILL.
LINGER_S, LEFT_S, GIVE_UP_S = 0.25, 2.0, 30.0
CHUNK = 256 * 1024
PIPE_BYTES = 1 << 20
#: Also reaps children that were cloned without SIGCHLD.
WALL = 0x40000000
RUN, LINGER, TERM, KILL, GONE = range(5)

# The path of an isolated interpreter has the standard library only, and keeps first place.
sys.path.append(os.path.dirname(os.path.abspath(__file__)))
import keeper_log  # noqa: E402 - found by the line above
from keeper_log import store, unix_ms  # noqa: E402


def main(arguments: list[str]) -> int:
    """Keep the job of a folder until nothing of it is left; the exit code."""
    options = understood(arguments)
    if options is None:
        sys.stderr.write(
            "usage: keeper.py 1 DIR timeout=S grace=S cap=BYTES [nice=N] [lease=PATH] [cgroup=DIR] [sandbox=pid]\n"
        )
        return 64
    os.chdir(arguments[1])
    os.umask(0o077)
    lock = os.open("lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return 75
    if os.path.lexists("result.json"):
        return 75
    # Room for the verdict is taken now: the job may fill the disk.
    result = os.open("result.tmp", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    tried(os.posix_fallocate, result, 0, 4096)
    with open("/proc/self/environ", "rb") as file:
        # Not os.environ: Python adds LC_CTYPE to it in the C locale.
        environment = dict(each.split(b"=", 1) for each in file.read().split(b"\0") if b"=" in each)
    if not prctl(36, 1):  # PR_SET_CHILD_SUBREAPER
        return 71
    keeper = Keeper(options)
    fault = None
    if options["sandbox"]:
        import keeper_space as space  # noqa: PLC0415 - 2 ms, for those who ask for it

        # While we are dumpable: an ordinary user may not write the maps later.
        fault, keeper.space = space.enter(), space
    if os.path.lexists("facts"):
        import keeper_facts as facts  # noqa: PLC0415 - for those who ask

        keeper.facts = facts
    prctl(4, 0)  # PR_SET_DUMPABLE: the recipe cannot trace or read us
    if fault is None:
        keeper.start(environment)
        keeper.keep()
    else:
        keeper.refuse(fault)
    keeper.publish(result)
    return 0


def understood(arguments: list[str]) -> "dict[str, str] | None":
    """The options of `1 DIR key=value...`, or None."""
    if len(arguments) < 2 or arguments[0] != "1":
        return None
    given = dict(each.partition("=")[::2] for each in arguments[2:])
    options = {"nice": "0", "lease": "", "cgroup": "", "sandbox": "", **given}
    try:
        float(options["timeout"]), float(options["grace"]), int(options["cap"]), int(options["nice"])
    except (KeyError, ValueError):
        return None
    return options if len(options) == 7 and options["sandbox"] in ("", "pid") else None


class Keeper:
    """One command and everything that descends from it."""

    def __init__(self, options: "dict[str, str]") -> None:
        self.options = options
        self.log = keeper_log.Log(int(options["cap"]))
        self.grace_s = float(options["grace"])
        self.began = boottime()
        self.deadline = self.began + float(options["timeout"])
        self.phase, self.until = RUN, self.deadline
        self.how = "exit"
        #: As waitpid gave it; None while the command runs.
        self.status: int | None = None
        self.asked = False
        #: Children that have had their TERM.
        self.told: set[int] = set()
        self.leftovers: list[str] = []
        self.survivors: list[int] = []
        #: With a PID namespace `pid` is its first process, and `report` what that tells us.
        self.space: Any = None
        #: What asks the tools of their versions, where that is wanted.
        self.facts: Any = None
        self.pid = self.pipe = self.wake = self.report = -1
        self.poller = select.poll()

    def start(self, environment: "dict[bytes, bytes]") -> None:
        """Fork the command; signals wait until both sides have their handlers."""
        with open("command", "rb") as file:
            cwd, *argv = file.read().split(b"\0")
        self.pipe, writer = os.pipe2(os.O_CLOEXEC)
        tried(fcntl.fcntl, writer, 1031, PIPE_BYTES)  # F_SETPIPE_SZ
        os.set_blocking(self.pipe, False)
        self.wake, notice = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        heard = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
        signal.pthread_sigmask(signal.SIG_BLOCK, heard)
        for number in heard:
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(notice, warn_on_full_buffer=False)
        if self.space is not None:
            self.report, teller = os.pipe2(os.O_CLOEXEC)
            os.set_blocking(self.report, False)
        self.pid = os.fork()
        if self.pid == 0:
            command = lambda: become(cwd, argv, environment, writer, self.options, self.facts)  # noqa: E731 - its one line
            if self.space is None:
                command()
            self.space.first(teller, writer, command)
        if self.space is not None:
            os.close(teller)
            self.poller.register(self.report, select.POLLIN)
        os.close(writer)
        tried(put, "state.json", f'{{"pid": {self.pid}, "started": {unix_ms()}}}\n')
        self.poller.register(self.pipe, select.POLLIN)
        self.poller.register(self.wake, select.POLLIN)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    def keep(self) -> None:
        """Until the kernel says that no process is left: never until the pipe's end, which a stranger may hold."""
        while self.phase != GONE:
            for fd, _ in self.poller.poll(self.patience_s() * 1000):
                if fd == self.pipe:
                    self.pump()
                elif fd == self.report:
                    self.hear()
                else:
                    self.asked |= bool({*os.read(fd, 4096)} - {signal.SIGCHLD})
            if not self.reap():
                break
            self.decide()
        self.hear()
        room = PIPE_BYTES
        while room > 0 and (taken := self.pump()):
            room -= taken
        if self.status is None and self.how == "exit":
            # The namespace's first process was killed before it could tell.
            self.how = "lost"
        if self.survivors:
            self.log.say(f"could not be ended: pid {', '.join(map(str, self.survivors))}")

    def patience_s(self) -> float:
        """How long to sleep at most: poll's clock stands still while the machine sleeps, ours does not."""
        most = {RUN: 1.0 if self.options["lease"] else 5.0, KILL: 0.01}.get(self.phase, 0.05)
        return max(0.0, min(most, self.until - boottime()) + 0.001)

    def pump(self) -> int:
        """Pipe to log; how many bytes."""
        if self.pipe < 0:
            return 0
        try:
            chunk = os.read(self.pipe, CHUNK)
        except BlockingIOError:
            return 0
        if chunk:
            self.log.write(chunk)
        else:
            self.poller.unregister(self.pipe)
            os.close(self.pipe)
            self.pipe = -1
        return len(chunk)

    def hear(self) -> None:
        """What the namespace's first process tells."""
        if self.report < 0:
            return
        try:
            told = os.read(self.report, 4096)
        except BlockingIOError:
            return
        if not told:
            self.poller.unregister(self.report)
            os.close(self.report)
            self.report = -1
        for line in told.decode().splitlines():
            kind, _, rest = line.partition(" ")
            if kind == "status":
                self.status = int(rest)
            elif kind == "fault":
                self.refuse(rest)

    def refuse(self, fault: str) -> None:
        """The namespace that was asked for is not to be had, so nothing is run."""
        self.how = "sandbox"
        self.log.say(f"not run: this machine gives no PID namespace: {fault}")

    def reap(self) -> bool:
        """Bury the dead; whether anybody is left."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG | WALL | os.WUNTRACED)
                if pid == 0:
                    return True
                if os.WIFSTOPPED(status):
                    if pid == self.pid and self.space is not None:
                        # A recipe of root's can stop its namespace's first process, and nobody else would go on.
                        tried(os.kill, pid, signal.SIGCONT)
                    continue
                self.told.discard(pid)
                if pid == self.pid and self.space is None:
                    self.status = status
        except ChildProcessError:
            return False

    def decide(self) -> None:
        """Move on when it is time, and act as the phase demands."""
        over = boottime() >= self.until
        if self.phase == RUN:
            self.look(over)
        elif over:
            inner = self.pid if self.space is not None else -1
            self.escalate([each for each in descendants() if each[0] != inner])
        if self.phase == TERM:
            self.ask()
        elif self.phase == KILL:
            self.slay()

    def look(self, over: bool) -> None:  # noqa: FBT001 - of one caller
        """Whether the command has ended, or must."""
        if self.status is not None:
            self.enter(LINGER, LINGER_S)
        elif self.asked:
            self.stop("cancelled" if os.path.lexists("cancel") else "interrupted")
        elif over:
            # The time in which tools were asked of their versions is not the command's.
            self.until = self.deadline + self.asked_s(boottime() - self.began)
            if boottime() >= self.until:
                self.stop("timeout")
        elif self.options["lease"] and lapsed(self.options["lease"]):
            self.stop("lease")

    def asked_s(self, default: float) -> float:
        """How long tools were asked of their versions; `default` while that is not known."""
        return 0.0 if self.facts is None else float(self.facts.spent_s(default))

    def escalate(self, left: "list[tuple[int, str]]") -> None:
        """The time of a phase is over, and these are still there."""
        if self.phase == LINGER:
            self.leftovers = [name for _, name in left[:20]]
            if left:
                self.log.say(f"still running after the command ended, so ended: {listed(left)}")
            self.enter(TERM, LEFT_S)
        elif self.phase == TERM:
            if left:
                self.log.say(f"still there after TERM, so KILL: {listed(left)}")
            self.enter(KILL, GIVE_UP_S)
        else:
            self.survivors = [pid for pid, _ in left[:50]]
            self.phase = GONE

    def enter(self, phase: int, for_s: float) -> None:
        self.phase, self.until = phase, boottime() + for_s

    def stop(self, how: str) -> None:
        """Begin the end of a command that still runs."""
        words = {
            "timeout": f"timed out after {float(self.options['timeout']):g} s",
            "cancelled": "cancelled",
            "interrupted": "interrupted",
            "lease": "the lease of this machine has run out",
        }
        self.how = how
        self.log.say(f"{words[how]}: TERM, and KILL after {self.grace_s:g} s")
        self.enter(TERM, self.grace_s)
        # The group's number is the command's, which nobody else can have before we have reaped it.
        if tried(os.killpg, self.pid, signal.SIGTERM):
            tried(os.killpg, self.pid, signal.SIGCONT)
            self.told.add(self.pid)

    def ask(self) -> None:
        """TERM, once, to each direct child: only their numbers are safe, and orphans become direct children."""
        for pid in children():
            if pid not in self.told:
                self.told.add(pid)
                tried(os.kill, pid, signal.SIGTERM)
                tried(os.kill, pid, signal.SIGCONT)

    def slay(self) -> None:
        if self.options["cgroup"]:
            # Also another user's, which we may not signal.
            tried(put, f"{self.options['cgroup']}/cgroup.kill", "1")
        for pid in children():
            tried(os.kill, pid, signal.SIGKILL)

    def publish(self, result: int) -> None:
        """The verdict, whole or not at all."""
        size = self.log.finish()
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        ended = -1 if self.status is None else os.waitstatus_to_exitcode(self.status)
        code, number = (ended, "null") if ended >= 0 else ("null", "null" if self.status is None else -ended)
        names = ", ".join(f'"{name}"' for name in self.leftovers)
        took = max(0.0, boottime() - self.began - self.asked_s(0.0))
        text = (
            f'{{"how": "{self.how}", "code": {code}, "signal": {number}, "seconds": {took:.3f}, '
            f'"cpu_s": {usage.ru_utime + usage.ru_stime:.3f}, "peak_memory": {usage.ru_maxrss * 1024}, '
            f'"leftovers": [{names}], "survivors": {self.survivors}, '
            f'"log_bytes": {size}, "log_dropped": {self.log.dropped + self.log.refused}}}\n'
        ).encode()
        while store(result, text, 0) < len(text):
            # A file system without preallocation, and full: the verdict is worth more than the times.
            tried(os.truncate, "log.idx", 0)
            time.sleep(0.5)
        os.ftruncate(result, len(text))
        tried(os.fsync, result)
        os.rename("result.tmp", "result.json")
        tried(os.fsync, os.open(".", os.O_RDONLY | os.O_CLOEXEC))


def become(
    cwd: bytes,
    argv: "list[bytes]",
    environment: "dict[bytes, bytes]",
    writer: int,
    options: "dict[str, str]",
    facts: "Any",
) -> None:
    """In the child: turn into the command, or say in the log why not and end with 127. Never returns."""
    doing, what = b"enter", cwd
    try:
        os.setsid()
        for number in range(1, 65):
            tried(signal.signal, number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.dup2(writer, 1)
        os.dup2(writer, 2)
        os.umask(0o022)
        prctl(4, 1)  # dumpable again: else an ordinary user may not write the next one
        tried(put, "/proc/self/oom_score_adj", "500")
        if options["cgroup"]:
            tried(put, f"{options['cgroup']}/cgroup.procs", "0")
        tried(os.nice, int(options["nice"]))
        folder = os.getcwdb()
        os.chdir(cwd)
        if facts is not None:
            facts.ask(folder, environment, children)
        doing, what = b"start", argv[0]
        os.execvpe(what, argv, environment)  # noqa: S606 - the argv is all that is wanted
    except BaseException as error:  # noqa: BLE001 - whatever it is, this process must not go on as a second keeper
        reason = getattr(error, "strerror", None) or repr(error)
        os.write(2, b"[ctci] cannot %s %s: %s\n" % (doing, what, reason.encode()))
    finally:
        os._exit(127)


def processes() -> "dict[int, tuple[int, str]]":
    """All that live: pid -> (parent, name)."""
    found = {}
    for each in os.listdir("/proc"):
        if each.isdigit():
            try:
                with open(f"/proc/{each}/stat", "rb") as file:
                    front, _, rest = file.read().rpartition(b")")
            except OSError:
                continue
            state, parent = rest.split()[:2]
            if state not in (b"Z", b"X"):
                found[int(each)] = (int(parent), plain(front.partition(b"(")[2]))
    return found


def plain(name: bytes) -> str:
    """Fit for a log and for JSON as it is."""
    return "".join(chr(c) if 32 <= c < 127 and c not in b'"\\' else "?" for c in name)


def descendants() -> "list[tuple[int, str]]":
    """(pid, name) of every process that descends from this one."""
    alive, mine = processes(), {os.getpid()}
    while more := {pid for pid, (parent, _) in alive.items() if parent in mine} - mine:
        mine |= more
    return sorted((pid, alive[pid][1]) for pid in mine if pid != os.getpid())


def children() -> "list[int]":
    """Those that nobody but us can reap, so that their numbers stay theirs."""
    me = os.getpid()
    try:
        with open(f"/proc/self/task/{me}/children") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        # A kernel without CONFIG_PROC_CHILDREN.
        return [pid for pid, (parent, _) in processes().items() if parent == me]


def listed(some: "list[tuple[int, str]]") -> str:
    """`sleep (pid 123), make (pid 124)`."""
    names = ", ".join(f"{name} (pid {pid})" for pid, name in some[:20])
    return names + (f" and {len(some) - 20} more" if len(some) > 20 else "")


def lapsed(lease: str) -> bool:
    """Whether a lease is past, or not to be read."""
    try:
        with open(lease) as file:
            return float(file.read()) < boottime()
    except (OSError, ValueError):
        return True


def put(path: str, text: str) -> None:
    """Write a small file."""
    with open(path, "w") as file:
        file.write(text)


def tried(act: "Callable[..., object]", *arguments: object) -> bool:
    """Whether it could be done; where nothing better can be done about it."""
    try:
        act(*arguments)
    except OSError:
        return False
    return True


def boottime() -> float:
    """Seconds, also those that the machine slept."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def prctl(option: int, value: int) -> bool:
    """Whether the kernel took it."""
    return bool(ctypes.CDLL(None).prctl(option, *map(ctypes.c_ulong, (value, 0, 0, 0))) == 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
