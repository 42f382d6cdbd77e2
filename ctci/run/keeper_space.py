"""A PID namespace for a keeper's command: standard library only, and loaded by keeper.py alone, when it is asked for.

Its first process starts the command, buries the dead, and tells the keeper how the command ended. When it goes, or the
keeper does, the kernel ends everything in the namespace.
"""

import ctypes
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from typing import NoReturn
else:
    import _signal as signal

#: clone(2), mount(2) and prctl(2) of Linux.
NEW_NS, NEW_USER, NEW_PID = 0x00020000, 0x10000000, 0x20000000
PRIVATE, RECURSIVE, NO_SUID, NO_DEV, NO_EXEC = 1 << 18, 1 << 14, 2, 4, 8
PDEATHSIG = 1
#: Also buries children that were cloned without SIGCHLD.
WALL = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)


def enter() -> "str | None":
    """Make our next child the first of a new PID namespace; why that cannot be, or None.

    Root needs no user namespace for it, so that sudo goes on working; anybody else keeps number and group in one.
    """
    uid, gid = os.getuid(), os.getgid()
    fault = _refused("unshare", libc.unshare(NEW_PID if uid == 0 else NEW_PID | NEW_USER))
    if fault is not None or uid == 0:
        return fault
    try:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    except OSError as error:
        return f"{name}: {error.strerror}"
    return None


def first(report: int, keep: int, command: "Callable[[], object]") -> "NoReturn":
    """In the child: be the first process. `command` turns a child of ours into the command, with `keep` as its output.

    Reports a line: `status N`, as waitpid gave it, or `fault WORDS` when the namespace is not to be had.
    """
    try:
        libc.prctl(PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
        os.closerange(3, min(report, keep))
        os.closerange(min(report, keep) + 1, max(report, keep))
        os.closerange(max(report, keep) + 1, 1 << 16)
        # Fails, and so ends us, where the keeper went before it could take us along.
        os.write(report, b"here\n")
        os.setsid()
        fault = _own_proc()
        if fault is not None:
            os.write(report, f"fault {fault}\n".encode())
            os._exit(1)
        # It was the keeper's, and is closed here.
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, lambda *_: _tell_all())
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        pid = os.fork()
        if pid == 0:
            os.close(report)
            command()
        os.close(keep)
        while True:
            gone, status = os.waitpid(-1, WALL)
            if gone == pid:
                os.write(report, b"status %d\n" % status)
    except ChildProcessError:
        # Nobody is left.
        os._exit(0)
    finally:
        os._exit(1)


def _own_proc() -> "str | None":
    """A /proc of the namespace's own, seen by nobody outside it."""
    fault = _refused("unshare mounts", libc.unshare(NEW_NS))
    if fault is None:
        fault = _refused("mount /", libc.mount(b"none", b"/", None, ctypes.c_ulong(PRIVATE | RECURSIVE), None))
    if fault is None:
        flags = ctypes.c_ulong(NO_SUID | NO_DEV | NO_EXEC)
        fault = _refused("mount /proc", libc.mount(b"proc", b"/proc", b"proc", flags, None))
    return fault


def _tell_all() -> None:
    """TERM to all in the namespace but us."""
    for number in (signal.SIGTERM, signal.SIGCONT):
        try:
            os.kill(-1, number)
        except ProcessLookupError:
            return


def _refused(what: str, answer: int) -> "str | None":
    return None if answer == 0 else f"{what}: {os.strerror(ctypes.get_errno())}"
