"""Five hundred jobs in the queue of a real server: all run, each once, in order, never more at a time than slots."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, combinations
from pathlib import Path

import pytest
from sqlalchemy import select

from ctci import ledger
from ctci.ledger.tables import attempts
from ctci.model import Job, Status
from tests.eventually import eventually
from tests.pushing import gitea_headers, gitea_push, post
from tests.serving import Served
from tests.upstream import Upstream

SLOTS = 4
RECIPES = 20
#: The branch of each push: some are pushed to again at once, some when all others have been.
BRANCHES = [f"topic-{number}" for number in (*range(10), 9, 10, 10, 10, *range(11, 20), 0, 1)]
JOBS = RECIPES * len(BRANCHES)


@dataclass(frozen=True, kw_only=True)
class Line:
    """What a recipe told outside the system: `begin` or `end`, and of which job."""

    kind: str
    job: int


def told(journal: Path) -> list[Line]:
    if not journal.exists():
        return []
    return [Line(kind=kind, job=int(job)) for kind, job in map(str.split, journal.read_text().splitlines())]


def count(journal: Path, kind: str) -> int:
    return sum(line.kind == kind for line in told(journal))


def has_come_to(share: int, journal: Path) -> bool:
    return count(journal, "end") >= share


def most_at_once(lines: Sequence[Line]) -> int:
    return max(accumulate(1 if line.kind == "begin" else -1 for line in lines))


def configure(served: Served, upstream: Upstream, journal: Path, go: Path) -> None:
    path, gate = shlex.quote(str(journal)), shlex.quote(str(go))
    script = f"echo begin $CTCI_JOB >>{path}; until [ -e {gate} ]; do sleep 0.02; done; echo end $CTCI_JOB >>{path}"
    recipes = "".join(f"recipes.r{number:02} = '''{script}'''\n" for number in range(RECIPES))
    served.configure(
        "[projects.shop]\n"
        f'git = "{upstream.path}"\n'
        'forge = "gitea"\n'
        'webhook-secret = { file = "secret" }\n'
        'on-new-push = "parallel"\n' + recipes
    )


def push_all(served: Served, upstream: Upstream) -> list[int]:
    """The runs of the pushes, in their order."""
    upstream.push({"readme": "A shop"})
    bodies: list[bytes] = []
    for branch in BRANCHES:
        if branch not in upstream.git("branch", "--list", branch):
            upstream.git("checkout", "--quiet", "main")
        commit = upstream.commit({}, branch=branch, message=f"Change {len(bodies)}")
        bodies.append(gitea_push(upstream, commit, ref=f"refs/heads/{branch}"))
    upstream.git("push", "--quiet", "--all", "origin")
    answers = [post(served, body, gitea_headers(body, f"d{number}")) for number, body in enumerate(bodies)]
    assert [status for status, _ in answers] == [202] * len(BRANCHES)
    return [int(str(answer["run"])) for _, answer in answers]


def look(served: Served) -> None:
    """Whether what /readyz says can be true, now that the ledger is asked before and after it."""
    before = _succeeded(served)
    ready = served.get("readyz")[1]
    after = _succeeded(served)

    assert ready["ok"], ready
    assert ready["running"] <= SLOTS
    assert ready["peak"] == SLOTS
    assert before <= JOBS - ready["queued"] - ready["running"] <= after


def _succeeded(served: Served) -> int:
    return len(ledger.in_state(served.db, Status.SUCCEEDED, limit=JOBS + 1))


def overtaken(runs: Sequence[int], jobs: Mapping[int, Sequence[Job]], at: Mapping[int, int], spare: int) -> list[str]:
    """The jobs that come, by `at`, before more than `spare` jobs of an earlier run of their branch."""
    found = []
    for (branch, earlier), (same, later) in combinations(zip(BRANCHES, runs, strict=True), 2):
        if branch != same:
            continue
        for job in jobs[later]:
            late = sum(at[each.id] > at[job.id] for each in jobs[earlier])
            if late > spare:
                found.append(f"job {job.id} of #{later} before {late} jobs of #{earlier}")
    return found


def claimed(served: Served) -> dict[int, int]:
    """Job -> when its only attempt was claimed, Unix milliseconds."""
    with served.db.read() as connection:
        return {row.job: row.claimed_at for row in connection.execute(select(attempts.c.job, attempts.c.claimed_at))}


@pytest.mark.timeout(240)
def test_five_hundred_jobs_all_run_once_in_order_and_never_more_than_there_are_slots(
    served: Served, upstream: Upstream, tmp_path: Path
) -> None:
    journal, go = tmp_path / "journal", tmp_path / "go"
    configure(served, upstream, journal, go)
    served.start(CTCI_MAX_JOBS=str(SLOTS))

    runs = push_all(served, upstream)
    eventually(lambda: count(journal, "begin") == SLOTS)
    full = served.get("readyz")[1]
    go.touch()
    for share in range(50, JOBS + 1, 50):
        look(served)
        eventually(partial(has_come_to, share, journal), 60)
    eventually(lambda: all(run.finished_at for run in ledger.runs_(served.db, limit=JOBS)))

    lines = told(journal)
    jobs = dict(ledger.jobs_of(served.db, runs))
    every = sorted(job.id for run in runs for job in jobs[run])
    assert (full["running"], full["queued"]) == (SLOTS, JOBS - SLOTS)
    assert len(every) == JOBS
    for kind in ("begin", "end"):
        assert sorted(line.job for line in lines if line.kind == kind) == every
    assert {(job.status, job.attempt) for run in runs for job in jobs[run]} == {(Status.SUCCEEDED, 1)}
    assert overtaken(runs, jobs, claimed(served), 0) == []
    # Until their workspaces are laid, those that were claimed together begin as the machine has it.
    began = {job: number for number, job in enumerate(line.job for line in lines if line.kind == "begin")}
    assert overtaken(runs, jobs, began, SLOTS - 1) == []
    assert most_at_once(lines) == served.get("readyz")[1]["peak"] == SLOTS
