"""No process outlives its job: every recipe of escapes.py, however the job ends, as root and as an ordinary user.

    recipe          what gets away from a kill of the process group, and more; see escapes.py
    ending          normal end, timeout, cancel, or a kill -9 of the server and its next life
    user            root, and an ordinary user with a uid of its own (the user we are, where we are not root)
    room            what the job is kept in: nothing, a PID namespace (pid), a cgroup of its own (cgroup)

The server is a small process that knows only ctci.run.keeping. When it says that the job has ended, nothing that
belongs to the case may live, by the ground truth of observing.py. Most of a case is waiting, so all cases that were
selected start together, some at a time, with the first test.

With CTCI_ESCAPES=some in the environment, the timeout, the cancel and the cgroup are for some recipes only.
"""

import functools
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from tests.eventually import eventually
from tests.run import escapes, observing
from tests.run.escapes import Recipe
from tests.run.observing import WE_ARE_ROOT

ALL = os.environ.get("CTCI_ESCAPES") != "some"
#: How many cases are played at a time; how many processes one may have.
AT_A_TIME, PROCESSES = 14, 600
#: The recipes that are always played to every ending: one for each way to get away.
ALWAYS = {
    "double fork and setsid",
    "ghost",
    "stopped children",
    "storm of 200",
    "hydra at full speed",
    "subreaper of its own",
    "setuid-root helper's daemon",
    "kill -STOP PPID",
    "kill -KILL PPID",
    "kill -9 -1",
    "leaves its cgroup",
}

#: A life of the server: starts the job it is ordered to, or in a later life takes over what there is.
SERVER = """
import dataclasses, json, os, resource, sys
from pathlib import Path
from ctci.run import keeping, sweeping

# Storms and hydras leave the other tests of this machine their share.
os.nice(10)
order = json.loads(sys.stdin.readline())
folder, wish = Path(order["folder"]), Path(order["wish"])
if order["processes"]:
    # The limit counts all that the user has, also outside the case.
    mine = 0
    for each in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.stat(f"/proc/{each}").st_uid == os.getuid():
                mine += len(os.listdir(f"/proc/{each}/task"))
        except OSError:
            pass
    resource.setrlimit(resource.RLIMIT_NPROC, (mine + order["processes"],) * 2)
sweeping.become_subreaper(others=lambda: ())
keeping.undumpable()
if order["start"]:
    cgroups = Path(order["cgroups"]) if order["cgroups"] else None
    kept = keeping.start(folder, cwd=Path(order["cwd"]), cgroups=cgroups, **order["start"])
elif kept := keeping.adopt(folder, timeout_s=60.0):
    kept.cancel()
if kept is None:
    ended = keeping.end(folder, grace_s=0.3)
else:
    ended = keeping.wait(kept, wishes=wish.exists, poll_s=0.05)
print(json.dumps(dataclasses.asdict(ended)), flush=True)
# Our end would change the picture: stay until it has been looked for what lives.
sys.stdin.read()
"""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One recipe, one ending, one user, one room."""

    recipe: Recipe
    #: `normal`, `timeout`, `cancel` or `killed`.
    ending: str
    #: `root` or `ordinary`.
    user: str
    #: `none`, `pid` or `cgroup`.
    room: str

    def __str__(self) -> str:
        return f"{self.room}-{self.user}-{self.ending}-{self.recipe.name}"

    @property
    def left_out(self) -> bool:
        often = self.ending in ("normal", "killed") and self.room != "cgroup"
        return not (ALL or often or self.recipe.name in ALWAYS)

    @property
    def is_root(self) -> bool:
        return self.user == "root"

    @property
    def expected(self) -> set[str]:
        """How the job may end."""
        if self.recipe.fatal and self.room != "pid":
            return {"lost"}
        expected = {
            "normal": {"exit"},
            "timeout": {"timeout"},
            "cancel": {"cancelled"},
            "killed": {"cancelled", "interrupted"},
        }
        return expected[self.ending]

    @property
    def out_of_reach(self) -> bool:
        """Whether a keeper of the same user cannot end it, so that it must be named."""
        return self.recipe.needs == "setuid" and not self.is_root and self.room == "none"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a case came to."""

    ended: dict[str, Any]
    log: str
    #: Alive when the server said that the job had ended, by pid.
    left: dict[int, str]
    #: Whether the recipe had got away before the end.
    ready: bool


CASES = [
    Case(recipe=recipe, ending=ending, user=user, room=room)
    for recipe in escapes.RECIPES
    for room in ("none", "pid", "cgroup")
    for user in ("ordinary", "root")
    for ending in ("normal", "timeout", "cancel", "killed")
]
CASES = [case for case in CASES if not case.left_out]


class Life:
    """One life of the server."""

    def __init__(self, python: str, library: Path, uid: int | None, groups: list[Path], order: dict[str, Any]) -> None:
        self.process: subprocess.Popen[str] = subprocess.Popen(
            [python, "-B", "-c", SERVER],
            env={"PATH": observing.PATH, "LANG": "C.UTF-8", "PYTHONPATH": str(library)},
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **observing.as_user(uid),
        )
        # It waits for its order until it is where it is seen.
        for group in groups:
            (group / "cgroup.procs").write_text(str(self.process.pid))
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any] | None:
        """How the job ended; None when this life ended first."""
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], 80)
        assert ready, "the server does not see the end of the job"
        line = self.process.stdout.readline()
        answer: dict[str, Any] | None = json.loads(line) if line else None
        return answer

    def kill(self) -> str:
        """What it said on its standard error."""
        self.process.kill()
        return self.process.communicate()[1]


class Stage:
    """Where cases are played; each has its own folder, uid, cgroups and marker."""

    def __init__(self, scratch: Path, groups: observing.Groups) -> None:
        self.scratch = scratch
        self.groups = groups
        self.numbers = itertools.count()
        self.library = observing.library(scratch)
        self.python = {"root": sys.executable, "ordinary": observing.ordinary_python(self.library)}
        observing.lighten(self.library, *self.python.values())

    def play(self, case: Case) -> Outcome:
        """On a busy machine, a recipe may need longer to get away than the job has time."""
        for timeout_s in (1.0, 3.0, 9.0) if case.ending == "timeout" else (30.0,):
            outcome = self._play(case, timeout_s)
            if outcome.ready:
                break
        return outcome

    def _play(self, case: Case, timeout_s: float) -> Outcome:
        number = next(self.numbers)
        mark = f".{os.getpid():07d}{number:04d}"
        uid = None if case.is_root or not WE_ARE_ROOT else 1_000_000_000 + os.getpid() % 1_000_000 * 1000 + number
        name = f"ctci-escape-{os.getpid()}-{number}-"
        place = self.scratch / str(number)
        place.mkdir(mode=0o755)
        if uid is not None:
            os.chown(place, uid, uid)
        if case.ending != "killed":
            (place / "go").touch()
        group = str(self.groups.v2 / name) if self.groups.v2 else ""
        env = {
            "PATH": observing.PATH,
            "NAP": f"20{mark}",
            "LONG": f"45{mark}",
            "PY": self.python[case.user],
            "END": case.ending,
            "HELPER": str(setuid_helper(place, uid)) if case.recipe.needs == "setuid" else "",
            "HOP": f"{group}/cgroup.procs",
            "ROOM": case.room,
        }
        order = {
            "folder": str(place / "7" / "1"),
            "cwd": str(place),
            "wish": str(place / case.recipe.sign) if case.ending == "cancel" else "/-",
            "processes": 0 if case.is_root else PROCESSES,
            "cgroups": group if case.room == "cgroup" else "",
            "start": {
                "script": case.recipe.script,
                "shell": "sh",
                "env": env,
                "timeout_s": timeout_s,
                "cap": 1 << 20,
                "grace_s": 0.3,
                "sandbox": "pid" if case.room == "pid" else "none",
            },
        }
        watch = observing.Watch(marker=mark, uid=uid, group=name if WE_ARE_ROOT else None)
        with self.groups.made(name, uid, PROCESSES) as groups:
            live = functools.partial(Life, self.python[case.user], self.library, uid, groups)
            try:
                return self._watched(case, order, watch, live)
            finally:
                watch.clear()

    def _watched(self, case: Case, order: dict[str, Any], watch: observing.Watch, live: Callable[..., Life]) -> Outcome:
        place = Path(order["cwd"])
        life = live(order)
        said = ""
        try:
            if case.ending == "killed":
                eventually((place / "ready").exists, 40)
                said += life.kill()
                (place / "go").touch()
                if case.recipe.attack:
                    eventually((place / "done").exists, 20)
                life = live({**order, "start": None})
            ended = life.answer()
            if ended is None:
                # The recipe took the server along.
                said += life.kill()
                life = live({**order, "start": None})
                ended = life.answer()
            left = watch.living(besides=life.process.pid)
        finally:
            said += life.kill()
        assert ended is not None, said
        log = Path(order["folder"], "log")
        # Who kills the keeper is killed by the server, perhaps before the next line.
        struck = case.recipe.fatal and ended["how"] == "lost"
        return Outcome(
            ended=ended,
            log=log.read_text(errors="replace") if log.exists() else "",
            left=left,
            ready=struck or (place / case.recipe.sign).exists(),
        )


def setuid_helper(place: Path, uid: int | None) -> Path:
    """A setuid-root program, only for the user of the case to reach."""
    room = place / "helper"
    room.mkdir(mode=0o750)
    found = shutil.which("setpriv", path=observing.PATH)
    assert found is not None
    copy = room / "setpriv"
    shutil.copyfile(found, copy)
    copy.chmod(0o4755)
    os.chown(room, 0, 0 if uid is None else uid)
    return copy


def why_not(case: Case, stage: Stage) -> str | None:
    """What a case lacks on this machine."""
    if case.is_root and not WE_ARE_ROOT:
        return "root's half wants root"
    if not stage.python[case.user]:
        return "no Python of 3.11 or later that an ordinary user can start"
    if case.room == "pid" and not case.is_root and not may_unshare():
        return "an ordinary user may not make a PID namespace here"
    if case.recipe.hides and case.ending == "killed" and case.room == "none":
        return "an orphan of init that shed its environment: only a cgroup or a namespace would find it"
    needs = case.recipe.needs
    if needs == "userns" and not may_unshare():
        return "no user namespaces here"
    if needs == "own_uid" and (case.is_root or not WE_ARE_ROOT):
        return "kill -9 -1 only under a uid that nobody else has; root to make one"
    if "cgroup" in (needs, case.room) and stage.groups.v2 is None:
        return "no cgroup v2 to make groups in; root to do so"
    if needs == "setuid" and not WE_ARE_ROOT:
        return "root to make a setuid-root program"
    if needs == "setuid" and os.statvfs(stage.scratch).f_flag & os.ST_NOSUID:
        return "setuid programs are not honoured in the temporary folder"
    return None


@functools.cache
def may_unshare() -> bool:
    """Whether an ordinary user can have a user and PID namespace with a /proc."""
    argv = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "true"]
    someone = observing.as_user(observing.NOBODY if WE_ARE_ROOT else None)
    return subprocess.run(argv, capture_output=True, check=False, cwd="/", **someone).returncode == 0


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """All selected cases, on their way."""

    skipped: dict[str, str]
    playing: dict[str, Future[Outcome]]


@pytest.fixture(scope="module")
def fleet(request: pytest.FixtureRequest) -> Iterator[Fleet]:
    selected: list[Case] = [
        case
        for item in request.session.items
        if item.path == request.path and isinstance(case := cast("pytest.Function", item).callspec.params["case"], Case)
    ]
    with tempfile.TemporaryDirectory(prefix="ctci-escapes-") as scratch, observing.groups() as groups:
        Path(scratch).chmod(0o755)
        stage = Stage(Path(scratch), groups)
        skipped = {str(case): reason for case in selected if (reason := why_not(case, stage))}
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            # What waits for a process that cannot be ended waits longest.
            order = sorted(selected, key=lambda case: not case.out_of_reach)
            yield Fleet(
                skipped=skipped,
                playing={str(case): pool.submit(stage.play, case) for case in order if str(case) not in skipped},
            )
            pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_process_outlives_its_job(fleet: Fleet, case: Case) -> None:
    if reason := fleet.skipped.get(str(case)):
        pytest.skip(reason)

    outcome = fleet.playing[str(case)].result()

    assert outcome.ready, outcome
    assert outcome.ended["how"] in case.expected, outcome
    if case.out_of_reach:
        assert sorted(outcome.left) == sorted(outcome.ended["survivors"]), outcome
        assert len(outcome.left) == 1
        assert f"could not be ended: pid {outcome.ended['survivors'][0]}" in outcome.log
    else:
        assert (outcome.left, outcome.ended["survivors"]) == ({}, []), outcome
    if outcome.ended["how"] == "exit" and case.room == "none":
        assert outcome.ended["code"] == 4, outcome
