"""What the tools of a job say of their versions: asked in the process that is about to become the command.

Standard library only, and loaded by keeper.py alone, when there is something to ask. Whatever is asked, it takes no
longer than ALL_S, nothing of it is left when the command begins, and its end says nothing of the command.
"""

import ctypes
import os
import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Mapping
else:
    import _signal as signal

#: Seconds that all of them may take together, and that what one leaves behind has until it is left to the keeper.
ALL_S, LEFT_S = 30.0, 2.0
#: Bytes that one may print, and those of its first line that are kept.
MOST, LINE = 64 * 1024, 300
CHUNK = 16 * 1024
#: prctl(2) of Linux; and waitpid's flag for children that were cloned without SIGCHLD.
SUBREAPER, WALL = 36, 0x40000000


def ask(folder: bytes, environment: "Mapping[bytes, bytes]", children: "Callable[[], list[int]]") -> None:
    """Ask each command in the folder's `facts`, and leave what they said in `facts.told`. Never raises.

    `children` tells the pids of this process's own. The working directory is the command's.
    """
    began = time.monotonic()
    try:
        _subreaper(1)
        with open(folder + b"/facts", "rb") as file:
            each_s, *commands = file.read().split(b"\0")
        told = []
        for command in commands:
            until = min(time.monotonic() + float(each_s), began + ALL_S)
            told.append(_first_line(command, environment, until))
            _clear(children)
        with open(folder + b"/facts.tmp", "wb") as file:
            file.write(b"\0".join([b"%.3f" % (time.monotonic() - began), *told]))
        os.rename(folder + b"/facts.tmp", folder + b"/facts.told")
    except Exception as error:  # noqa: BLE001 - whatever it is, the command is to run
        os.write(2, f"[ctci] the versions of tools could not be asked: {error!r}\n".encode())
    finally:
        _subreaper(0)


def spent_s(default: float) -> float:
    """How long it took to ask, by the keeper's folder, where it is; `default` while that is not known."""
    # A recipe of the same user can write there, or lay a pipe that nobody ever writes to.
    try:
        file = os.open("facts.told", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            taken = float(os.read(file, 64).partition(b"\0")[0])
        finally:
            os.close(file)
    except (OSError, ValueError):
        taken = default
    return min(max(taken, 0.0), ALL_S + LEFT_S) if taken == taken else default  # noqa: PLR0124 - not a number


def _first_line(command: bytes, environment: "Mapping[bytes, bytes]", until: float) -> bytes:
    """What a command says first; nothing where it fails, takes too long, or says too much."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        try:
            # A group of its own, so that a signal to its group is none to us.
            os.setsid()
            os.dup2(writer, 1)
            os.dup2(writer, 2)
            os.execve("/bin/sh", [b"sh", b"-c", command], environment)  # noqa: S606 - a shell is what is wanted
        finally:
            os._exit(127)
    os.close(writer)
    said = _heard(reader, pid, until)
    os.close(reader)
    # Looked at and not buried: until then the number of its group is nobody else's.
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    _kill(os.killpg, pid)
    well = ended is not None and (ended.si_code, ended.si_status) == (os.CLD_EXITED, 0) and len(said) <= MOST
    lines = [line.strip() for line in said.replace(b"\0", b"").splitlines()] if well else []
    return next((line[:LINE] for line in lines if line), b"")


def _heard(reader: int, pid: int, until: float) -> bytes:
    """What a process prints until it ends, or until its time or measure is full."""
    said = b""
    poller = select.poll()
    poller.register(reader, select.POLLIN)
    ended = os.pidfd_open(pid)
    poller.register(ended, select.POLLIN)
    while len(said) <= MOST:
        ready = {fd for fd, _ in poller.poll(max(0.0, until - time.monotonic()) * 1000)}
        if reader in ready:
            chunk = os.read(reader, CHUNK)
            said += chunk
            if not chunk:
                poller.unregister(reader)
        elif ready or time.monotonic() >= until:
            break
    os.close(ended)
    return said


def _clear(children: "Callable[[], list[int]]") -> None:
    """End what a command left behind: whatever its parents were, it is our child now."""
    until = time.monotonic() + LEFT_S
    while time.monotonic() < until:
        for pid in children():
            _kill(os.kill, pid)
        try:
            while os.waitpid(-1, os.WNOHANG | WALL)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.005)


def _kill(send: "Callable[[int, int], None]", number: int) -> None:
    try:
        send(number, signal.SIGKILL)
    except OSError:
        # Another user's, which it may have become: the keeper's cgroup has it, and says so if it cannot end it.
        return


def _subreaper(on: int) -> None:
    """Whether orphans below this process become its children, which lasts over the start of the command."""
    ctypes.CDLL(None).prctl(SUBREAPER, *map(ctypes.c_ulong, (on, 0, 0, 0)))
