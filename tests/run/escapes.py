"""The recipes that try to outlive their job, as data; the table of what they are is in tests/run/test_escapes.py.

Every one of them ends by itself: what sleeps does so for NAP (20 s; LONG is 45 s), and what forks on and on stops after
some seconds. They are sh, run in a folder of their own, and find in their environment: NAP, LONG; PY, a Python;
END, which is `normal` where they shall exit with 4; HELPER, a setuid-root setpriv; HOP, the cgroup.procs they may
write to; ROOM, what the job is kept in.
"""

from dataclasses import dataclass

READY = ": > ready\n"
#: What all do at last. The sleep is no `exec`: the shell is one more process to end.
LAST = '[ "$END" = normal ] && exit 4\nsleep "$NAP"\n'
#: Attacks wait for their turn, so that a test can kill the server first; and strike the keeper, not init.
TURN = """
turns=0
until [ -e go ] || [ $turns -gt 400 ]; do sleep 0.05; turns=$((turns + 1)); done
[ "$PPID" -gt 1 ] || [ "$ROOM" = pid ] || exit 9
"""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One way to get away."""

    name: str
    escape: str = ""
    #: Done after `ready`, when the file `go` is there; then the file `done` is made.
    attack: str = ""
    #: Kills its keeper: without a namespace the job is lost.
    fatal: bool = False
    #: And what it leaves then has neither the environment nor, if the server is gone too, a parent to be found by.
    hides: bool = False
    #: What must be there for it: `userns`, `setuid`, `own_uid`, `cgroup`.
    needs: str = ""

    @property
    def script(self) -> str:
        attack = f"{TURN}{self.attack}\n: > done\n" if self.attack else ""
        return f"{self.escape}\n{READY}{attack}{LAST}"

    @property
    def sign(self) -> str:
        """The file that is there when it has done its worst."""
        return "done" if self.attack else "ready"


def python(code: str) -> str:
    """Run by the recipe's Python; the code may not have a single quote in it."""
    assert "'" not in code
    return f"\"$PY\" -I -S -c '{code}'"


#: Twice forked, a session of its own, and a sleep in the end.
DAEMON = """
import os
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execvp("sleep", ["sleep", os.environ["NAP"]])
    os._exit(0)
os.wait()
"""

#: Nothing of what a sweep could know it by; the recipe goes on only when it is disguised. NAP is for the observer.
GHOST = """
import ctypes, os, signal, sys, time
waiting, disguised = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        libc = ctypes.CDLL(None)
        libc.prctl(4, 0, 0, 0, 0)
        libc.prctl(15, b"kworker/0:1", 0, 0, 0)
        os.closerange(0, 256)
        time.sleep(float(sys.argv[1]))
    os._exit(0)
os.close(disguised)
os.read(waiting, 1)
"""

#: A server that says nothing and holds no pipe.
SERVER = """
import socket
server = socket.create_server(("127.0.0.1", 0))
server.settimeout(20)
server.accept()
"""

#: Ever a new pid in the same group, as fast as is polite.
ROLLING = """
import os, time
end = time.monotonic() + 10
if os.fork() == 0:
    while time.monotonic() < end:
        time.sleep(0.002)
        try:
            if os.fork():
                os._exit(0)
        except OSError:
            continue
    os._exit(0)
"""

#: Ever a new pid and a new session; arguments: how many heads at which pause.
HYDRA = """
import os, signal, sys, time
end = time.monotonic() + 8
def head(pause):
    if os.fork():
        return
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while time.monotonic() < end:
        time.sleep(pause)
        try:
            if os.fork():
                os._exit(0)
            os.setsid()
        except OSError:
            time.sleep(0.01)
    os._exit(0)
for heads, pause in zip(sys.argv[1::2], sys.argv[2::2]):
    for _ in range(int(heads)):
        head(float(pause))
"""

#: The command itself, so that the clone is a child of the keeper and of nobody in the recipe.
CLONE_PARENT = """
import ctypes, os
number = {"x86_64": 56, "aarch64": 220, "riscv64": 220}[os.uname().machine]
CLONE_PARENT = 0x8000
for _ in range(2):
    if ctypes.CDLL(None).syscall(number, CLONE_PARENT | 17, 0, 0, 0, 0) == 0:
        os.setsid()
        os.execvp("sleep", ["sleep", os.environ["NAP"]])
open("ready", "w").close()
if os.environ["END"] == "normal":
    os._exit(4)
os.execvp("sleep", ["sleep", os.environ["NAP"]])
"""

#: Orphans go to it and not to the keeper, until it dies.
SUBREAPER = """
import ctypes, os, signal, time
waiting, hidden = os.pipe()
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.execvp("sleep", ["sleep", os.environ["NAP"]])
            os._exit(0)
    os.close(hidden)
    time.sleep(20)
    os._exit(0)
os.close(hidden)
os.read(waiting, 1)
"""

#: Holds the keeper for some seconds, where it may.
PTRACE = """
import ctypes, os, sys, time
waiting, tried = os.pipe()
if os.fork() == 0:
    held = ctypes.CDLL(None).ptrace(16, int(sys.argv[1]), None, None) == 0
    os.close(tried)
    time.sleep(6 if held else 20)
    os._exit(0)
os.close(tried)
os.read(waiting, 1)
"""

#: Goes on when both sleeps are there.
NESTED = """
unshare --user --map-root-user --pid --fork --mount-proc sh -c 'setsid -f sleep "$NAP"; touch nested; sleep "$NAP"' &
turns=0
until [ -e nested ] || [ $turns -gt 400 ]; do sleep 0.02; turns=$((turns + 1)); done
"""

RECIPES = (
    # Waits for what the keeper cannot kill: the longest first.
    Recipe(
        name="setuid-root helper's daemon",
        escape='"$HELPER" --reuid 0 --regid 0 --clear-groups setsid -f sleep "$LONG"',
        needs="setuid",
    ),
    Recipe(name="plain"),
    Recipe(name="double fork and setsid", escape=python(DAEMON)),
    Recipe(name="ghost", escape=f'env -i {python(GHOST)} "$NAP"'),
    Recipe(name="setsid -f", escape='setsid -f sleep "$NAP"'),
    Recipe(name="nohup", escape='nohup sleep "$NAP" > /dev/null 2>&1 &'),
    Recipe(name="child holds the pipe", escape='sleep "$NAP" &'),
    Recipe(name="background server", escape=f'{python(SERVER)} "$NAP" > /dev/null 2>&1 < /dev/null &'),
    Recipe(
        name="env -i setsid -f", escape='env -i "$(command -v setsid)" -f "$(command -v sleep)" "$NAP" > /dev/null 2>&1'
    ),
    Recipe(name="ignores TERM HUP INT", escape="trap '' TERM HUP INT\nsleep \"$NAP\" &"),
    Recipe(
        name="stopped children",
        escape='sleep "$NAP" &\nkill -STOP $!\nsetsid sh -c \'kill -STOP $$; sleep "$NAP"\' &',
    ),
    Recipe(
        name="storm of 200",
        escape="trap '' TERM\ni=0\nwhile [ $i -lt 200 ]; do setsid sleep \"$NAP\" & i=$((i + 1)); done",
    ),
    Recipe(name="rolling fork", escape=f'{python(ROLLING)} "$NAP"'),
    Recipe(name="hydra", escape=f'{python(HYDRA)} 1 0.0002 8 0.001 "$NAP"'),
    Recipe(name="hydra at full speed", escape=f'{python(HYDRA)} 2 0 "$NAP"'),
    Recipe(
        name="nested user and pid namespace",
        escape=NESTED,
        needs="userns",
    ),
    Recipe(name="clone(CLONE_PARENT)", escape=f"exec {python(CLONE_PARENT)}"),
    Recipe(name="subreaper of its own", escape=f'{python(SUBREAPER)} "$NAP"'),
    Recipe(name="ptraces its parent", attack=f'{python(PTRACE)} "$PPID" "$NAP"'),
    Recipe(name="kill -STOP PPID", attack='setsid -f sleep "$NAP"\nkill -STOP "$PPID"'),
    Recipe(name="kill -KILL PPID", attack='setsid -f sleep "$NAP"\nkill -KILL "$PPID"', fatal=True),
    Recipe(
        name="ghost kills PPID",
        escape=f'env -i {python(GHOST)} "$NAP"',
        attack='kill -KILL "$PPID"',
        fatal=True,
        hides=True,
    ),
    Recipe(name="kill -9 -1", attack='kill -9 -1\nsetsid -f sleep "$NAP"', fatal=True, needs="own_uid"),
    Recipe(name="leaves its cgroup", escape='setsid -f sh -c \'echo 0 > "$HOP" && exec sleep "$NAP"\'', needs="cgroup"),
)
