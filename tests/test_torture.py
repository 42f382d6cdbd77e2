"""Torture: pushes come all the time while the server and keepers are killed at random moments.

`CTCI_TORTURE=200 scripts/test tests/test_torture.py -rP` has 200 such moments instead of 10, and tells the numbers.
CTCI_TORTURE_SEED takes the chances of an earlier run. Time passes by chance in one place only: `Torture.pause`.
"""

import contextlib
import os
import random
import shlex
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from ctci import ledger
from ctci.model import Job, Run, Status
from ctci.run import keeping, sweeping
from tests.eventually import eventually
from tests.pushing import gitea_headers, gitea_push, post
from tests.serving import Served
from tests.upstream import Upstream

MOMENTS = int(os.environ.get("CTCI_TORTURE", "10"))
SEED = os.environ.get("CTCI_TORTURE_SEED") or os.urandom(4).hex()
SLOTS = 3
#: With so many jobs in the queue the pusher waits: what is pushed must be run in the end.
ENOUGH = 4
#: What a killed server may still do to its jobs is done within so many seconds after the next start.
SOON_S = 5.0
SETTINGS = {"CTCI_MAX_JOBS": str(SLOTS)}


@dataclass(frozen=True, kw_only=True)
class Push:
    """A push that was answered, and what its recipe says."""

    run: int
    commit: str
    code: int


@dataclass(frozen=True, kw_only=True)
class Story:
    """What the recipes told outside the system, line by line."""

    #: (job, attempt), once for each `begin`.
    begun: tuple[tuple[int, int], ...]
    #: (job, attempt, code), once for each `end`.
    ended: tuple[tuple[int, int, int], ...]


class Pusher:
    """Pushes commit after commit, each to a branch of its own, and sends each until it is answered."""

    def __init__(self, served: Served, upstream: Upstream, journal: Path, go: Path) -> None:
        self._served = served
        self._upstream = upstream
        self._journal = journal
        #: Before this file is there, no recipe ends.
        self._go = go
        self._chance = random.Random(f"pusher {SEED}")
        #: Nothing more is pushed: asked for, or because of a fault.
        self.over = threading.Event()
        self.pushes: list[Push] = []
        #: How often something was sent, and how many pushes were answered as known: the first answer was lost.
        self.sent = self.known = 0

    def run(self) -> None:
        # Not the one of `served`, which is closed at each kill.
        db = ledger.connect(self._served.place.ledger)
        try:
            while not self.over.is_set():
                eventually(lambda: self.over.is_set() or ledger.counts(db)["queued"] < ENOUGH, 60)
                self._push()
        finally:
            self.over.set()
            db.close()

    def _push(self) -> None:
        branch = f"topic-{len(self.pushes)}"
        code = self._chance.choice((0, 0, 1, 3, 42))
        script = self._script(code)
        self._upstream.git("checkout", "--quiet", "main")
        # Its own message: two pushes of one second may have the same script, and must not be one commit.
        commit = self._upstream.push({"test.sh": script}, branch=branch, message=branch)
        body = gitea_push(self._upstream, commit, ref=f"refs/heads/{branch}")
        headers = gitea_headers(body, branch)

        answer = eventually(lambda: self._answer(body, headers), 60)
        assert answer.get("decision") in ("queued", "duplicate"), answer
        self.known += answer["decision"] == "duplicate"
        self.pushes.append(Push(run=int(str(answer["run"])), commit=commit, code=code))
        if self._chance.random() < 0.2:
            # As forges do that are not sure.
            again = eventually(lambda: self._answer(body, headers), 60)
            assert (again.get("decision"), again.get("run")) == ("duplicate", answer["run"])

    def _answer(self, body: bytes, headers: Mapping[str, str]) -> Mapping[str, object] | None:
        """None, or an exception, where it has to be sent again."""
        self.sent += 1
        status, answer = post(self._served, body, headers)
        return answer if status != 503 else None

    def _script(self, code: int) -> str:
        journal, go = shlex.quote(str(self._journal)), shlex.quote(str(self._go))
        lines = [
            "trap '' TERM" if self._chance.random() < 0.2 else ":",
            "setsid sleep 100 >/dev/null 2>&1 &" if self._chance.random() < 0.3 else ":",
            f'echo "begin $CTCI_JOB $CTCI_ATTEMPT" >>{journal}',
            f"until [ -e {go} ]; do sleep 0.05; done",
            f"sleep {self._chance.uniform(0.1, 1.5):.2f}",
            f'echo "end $CTCI_JOB $CTCI_ATTEMPT {code}" >>{journal}',
            f"exit {code}",
        ]
        return "\n".join(lines)


class Torture:
    """Kills the server, keepers, or both, starts the server again, and remembers whom it killed and whom it spared."""

    def __init__(self, served: Served, over: threading.Event) -> None:
        self._served = served
        self._over = over
        self._chance = random.Random(f"torture {SEED}")
        self.servers = 0
        #: (job, attempt) of the keepers that were killed, and of those that lived when the server was dead.
        self.keepers: set[tuple[int, int]] = set()
        self.spared: set[tuple[int, int]] = set()

    def pause(self, most_s: float) -> None:
        """Any moment may be the worst one, so it is left to chance. Ends when the pusher has failed."""
        self._over.wait(self._chance.uniform(0.0, most_s))

    def moment(self) -> None:
        """Kill, and have a server that answers again."""
        victim = self._chance.choice(("server", "server", "server", "keeper", "keeper first", "server first"))
        if victim in ("keeper", "keeper first"):
            self.kill_keeper()
        if victim != "keeper":
            self.kill_server()
            if victim == "server first":
                self.kill_keeper()
            if self._chance.random() < 0.3:
                self.kill_while_it_starts()
            self._served.start(**SETTINGS)

    def kill_server(self) -> None:
        self._served.kill()
        self.servers += 1
        self.spared |= self.kept()

    def kill_while_it_starts(self) -> None:
        """The server that comes next is killed while it takes over what the last one left."""
        served = self._served
        process = subprocess.Popen(
            [*served._command(), "serve", "--listen", served._listen],
            env={**served._environ, **SETTINGS, "CTCI_DISK_FLOOR": "0"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.pause(1.5)
        process.kill()
        process.wait(10)
        self.servers += 1
        self.spared |= self.kept()

    def kill_keeper(self) -> None:
        """That of one running job, if there is any."""
        kept = sorted(self.kept())
        self._chance.shuffle(kept)
        for job, attempt in kept:
            folder = self._served.place.attempt(job, attempt)
            pid = keeping.holder(folder)
            if pid is None:
                continue
            with contextlib.suppress(ProcessLookupError), sweeping.pinned(pid) as pidfd:
                # Asked again now that the number is pinned.
                if keeping.holder(folder) == pid:
                    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                    self.keepers.add((job, attempt))
                    return

    def kept(self) -> set[tuple[int, int]]:
        """(job, attempt) of the running jobs whose keeper lives."""
        running = ledger.in_state(self._served.db, Status.RUNNING)
        place = self._served.place
        return {(job.id, job.attempt) for job in running if keeping.holder(place.attempt(job.id, job.attempt))}


def marked(url: str) -> dict[int, tuple[int, int]]:
    """pid -> (job, attempt) of every living process that has the environment of a job of this server."""
    found = {}
    ours = f"CTCI_RUN_URL={url}runs/".encode()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        # Gone meanwhile, or not ours to see.
        with contextlib.suppress(OSError):
            facts = Path("/proc", pid, "environ").read_bytes().split(b"\0")
            if any(fact.startswith(ours) for fact in facts):
                told = dict(fact.split(b"=", 1) for fact in facts if b"=" in fact)
                found[int(pid)] = (int(told[b"CTCI_JOB"]), int(told[b"CTCI_ATTEMPT"]))
    return found


def strays(served: Served) -> dict[int, tuple[int, int]]:
    """The processes of attempts that do not run, as the ledger has it."""
    seen = marked(served.url)
    running = {(job.id, job.attempt) for job in ledger.in_state(served.db, Status.RUNNING)}
    return {pid: whose for pid, whose in seen.items() if whose not in running}


def none_left(found: Collection[int]) -> bool:
    assert not found, found
    return True


def told(journal: Path) -> Story:
    lines = [line.split() for line in journal.read_text().splitlines()]
    return Story(
        begun=tuple((int(job), int(attempt)) for kind, job, attempt, *_ in lines if kind == "begin"),
        ended=tuple(
            (int(job), int(attempt), int(code)) for kind, job, attempt, *rest in lines for code in rest if kind == "end"
        ),
    )


def faults_of_job(job: Job, code: int, story: Story, torture: Torture) -> list[str]:
    """What is not true of a job whose recipe says `code`."""
    begun = [attempt for number, attempt in story.begun if number == job.id]
    ended = [(attempt, said) for number, attempt, said in story.ended if number == job.id]
    last = (job.id, job.attempt)
    spared = {each for each in torture.spared - torture.keepers if each[0] == job.id}
    found = []
    if begun not in ([], [job.attempt]) or len(ended) > 1:
        found.append(f"tried again after it had begun: attempts begun {begun}, ended {ended}")
    if spared - {last}:
        found.append(f"its keeper of {spared} was spared, and it was tried again")
    if job.status in (Status.SUCCEEDED, Status.FAILED):
        if ended != [(job.attempt, code)]:
            found.append(f"said to have ended with {code} in its last attempt, and told {ended}")
        if (job.status is Status.SUCCEEDED) != (code == 0) or job.exit is None or job.exit.code != code:
            found.append(f"ended with {code}")
    elif job.status is not Status.ERRORED:
        found.append("neither ended nor errored")
    elif last in spared or (last not in torture.keepers and job.attempt in begun):
        found.append("errored, and nobody had killed its keeper")
    return [f"job {job.id}, attempt {job.attempt}, {job.status} ({job.reason}): {each}" for each in found]


def faults(
    pusher: Pusher, torture: Torture, runs: Mapping[int, Run], jobs: Mapping[int, Job], story: Story
) -> list[str]:
    """What is not true after all: nothing, it is hoped. `jobs` by run."""
    found = []
    for push in pusher.pushes:
        run = runs.get(push.run)
        if run is None or run.finished_at is None or run.commit != push.commit:
            found.append(f"the push of {push.commit} was answered with #{push.run}, which is {run}")
        else:
            found += faults_of_job(jobs[run.id], push.code, story, torture)
    twice = [commit for commit, count in Counter(run.after for run in runs.values()).items() if count > 1]
    if twice or len(runs) != len(pusher.pushes):
        found.append(f"{len(runs)} runs for {len(pusher.pushes)} pushes; more than one for {twice}")
    return found


@pytest.mark.timeout(120 + 10 * MOMENTS)
def test_whoever_is_killed_no_push_is_lost_no_job_runs_twice_none_is_misjudged_and_none_outlives_its_end(
    served: Served, upstream: Upstream, tmp_path: Path
) -> None:
    print(f"CTCI_TORTURE={MOMENTS} CTCI_TORTURE_SEED={SEED}")  # noqa: T201 - shown when it fails
    journal, go = tmp_path / "journal", tmp_path / "go"
    upstream.push({"readme": "A shop"})
    served.start(**SETTINGS)
    pusher = Pusher(served, upstream, journal, go)
    torture = Torture(served, pusher.over)

    with ThreadPoolExecutor(1) as threads:
        pushing = threads.submit(pusher.run)
        try:
            # The first ones are adopted for certain: they end when the next server is there.
            eventually(lambda: len(torture.kept()) == SLOTS)
            torture.kill_server()
            served.start(**SETTINGS)
            go.touch()
            for _ in range(MOMENTS - 1):
                torture.pause(3.0)
                torture.moment()
                assert ledger.integrity(served.db) is None
                eventually(lambda: none_left(strays(served)), SOON_S)
        finally:
            pusher.over.set()
        pushing.result()
    eventually(lambda: not any(ledger.counts(served.db).values()), 60)

    runs = {run.id: run for run in ledger.runs_(served.db, limit=10**6)}
    jobs = {run: job for run, (job,) in ledger.jobs_of(served.db, runs).items()}
    adopted = {each.job for each in ledger.changes_after(served.db, 0, limit=10**6) if each.kind == "adopted"}
    story = told(journal)
    count = Counter(job.status for job in jobs.values())
    print(  # noqa: T201 - the numbers
        f"killed: {torture.servers} servers, {len(torture.keepers)} keepers; "
        f"{len(pusher.pushes)} pushes, sent {pusher.sent} times, {pusher.known} known; "
        f"{len(torture.spared)} keepers spared, {len(adopted)} jobs adopted; "
        f"{sum(job.attempt > 1 for job in jobs.values())} put back, {dict(count)}, "
        f"{sum(job.id not in dict(story.begun) for job in jobs.values())} never begun"
    )
    found = faults(pusher, torture, runs, jobs, story)
    assert found == [], "\n".join(found)
    # Without any the rest says nothing.
    assert adopted & {job for job, _ in torture.spared - torture.keepers}
    assert ledger.integrity(served.db) is None
    assert eventually(lambda: none_left(marked(served.url)))
