"""What is to be said of a commit to its forge: its runs, their jobs and verdicts -> one status a job, and the roll-up.

Of several runs of a commit the newest counts, recipe by recipe. Nothing waits for ever: what is over is never pending.
Pure.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ctci import words
from ctci.forges import status
from ctci.model import FINISHED, HEADS, RED, Finding, Job, Run, Say, Status, Verdict
from ctci.report import wording

#: The context of the roll-up, and how all others begin.
ALL = "ctci"
#: The longest context, and the longest link (GitLab's).
CONTEXT, LINK = 200, 255
#: The roll-up is the first of these that one of its jobs is; what is not over counts before all of them.
WORST_FIRST = (
    Status.FAILED,
    Status.TIMED_OUT,
    Status.ERRORED,
    Status.CANCELLED,
    Status.SUPERSEDED,
    Status.SUCCEEDED,
    Status.SKIPPED,
)
#: What did not come to a result says nothing against what another run found of the same commit.
SAYS_NOTHING = frozenset({Status.SKIPPED, Status.SUPERSEDED, Status.CANCELLED, Status.ERRORED})
_SUPERSEDED = re.compile(r"superseded by #(\d{1,18})")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that the statuses of one commit are made of."""

    #: The jobs of the commit that count, each with its run: see `standing`.
    standing: Sequence[tuple[Run, Job]]
    #: Where people reach the server.
    public_url: str
    #: Of jobs that have ended, by id; one that repeats a result needs none.
    verdicts: Mapping[int, Verdict] = field(default_factory=dict)
    #: By id of the jobs in `repeated` their first error.
    firsts: Mapping[int, Finding] = field(default_factory=dict)
    #: By number of the runs in `replacing` their commit.
    commits: Mapping[int, str] = field(default_factory=dict)


def commit_of(run: Run) -> str | None:
    """The commit that a run's statuses belong to; None where it is not known.

    Before it is fetched a branch's is what was pushed; a tag may be an object that no status can be set on.
    """
    return run.commit or (run.after if run.ref.startswith(HEADS) else None)


def standing(runs: Iterable[tuple[Run, Sequence[Job]]]) -> list[tuple[Run, Job]]:
    """Of the runs of one commit the job of each context that counts, in the order of names.

    That is the newest that says something, else the newest.
    """
    best: dict[str, tuple[tuple[bool, int], Run, Job]] = {}
    for run, jobs in runs:
        for job in jobs:
            rank = (job.status not in SAYS_NOTHING, run.id)
            context = context_of(job)
            if context not in best or best[context][0] < rank:
                best[context] = (rank, run, job)
    return [(run, job) for _, (_, run, job) in sorted(best.items(), key=lambda item: item[0])]


def replacing(jobs: Iterable[Job]) -> frozenset[int]:
    """The runs that replaced these jobs: `Facts` is to bring their commits along."""
    return frozenset(number for job in jobs if (number := _replaced_by(job)) is not None)


def repeated(jobs: Iterable[Job]) -> frozenset[int]:
    """The jobs whose results these repeat: `Facts` is to bring their first errors along."""
    return frozenset(job.same_as for job in jobs if job.same_as is not None)


def statuses(facts: Facts) -> tuple[Say, ...]:
    """What is to be said, the roll-up last; nothing where the commit is not known, or nothing was asked of it."""
    sha = next((sha for run, _ in facts.standing if (sha := commit_of(run))), None)
    if sha is None:
        return ()
    return (*(_of_job(facts, sha, run, job) for run, job in facts.standing), _roll_up(facts, sha))


def context_of(job: Job) -> str:
    """`ctci/api:test`, `ctci/test` where the project has no subprojects."""
    return status.short(f"{ALL}/{wording.name(job)}", CONTEXT)


def _of_job(facts: Facts, sha: str, run: Run, job: Job) -> Say:
    return Say(
        sha=sha,
        ref=run.ref,
        context=context_of(job),
        state=_counted(job),
        description=wording.cut(_line(facts, job), _took(job)),
        target_url=_link(facts, job),
    )


def _counted(job: Job) -> Status:
    """A forge has no word for what may fail: a failure would close the way that `allow-failure` leaves open."""
    return Status.SUCCEEDED if wording.spared(job) else job.status


def _line(facts: Facts, job: Job) -> str:
    return wording.line(job, facts.verdicts.get(job.id), facts.commits.get(_replaced_by(job) or 0))


def _replaced_by(job: Job) -> int | None:
    """The run that superseded a job: its reason alone says which."""
    found = _SUPERSEDED.fullmatch(job.reason or "") if job.status is Status.SUPERSEDED else None
    return int(found[1]) if found is not None else None


def _took(job: Job) -> str:
    """`1m12s`, of what was run to its end."""
    run = job.exit is not None and job.same_as is None and job.status in FINISHED - SAYS_NOTHING
    return words.briefly(job.exit.seconds) if run and job.exit is not None else ""


def _link(facts: Facts, job: Job) -> str:
    """The job's page, at the first error; of a result that is repeated, where it was run."""
    verdict = facts.verdicts.get(job.id)
    first = verdict.first if verdict is not None else None
    page, by_id = job.page, f"jobs/{job.id}"
    if job.same_as is not None:
        first = facts.firsts.get(job.same_as)
        page = by_id = f"jobs/{job.same_as}"
    line = f"#L{first.log_line}" if first is not None and first.log_line and job.status in RED else ""
    whole = f"{_root(facts)}{page}{line}"
    return whole if len(whole) <= LINK else f"{_root(facts)}{by_id}{line}"


def _root(facts: Facts) -> str:
    return f"{facts.public_url.rstrip('/')}/"


# --- the roll-up -----------------------------------------------------------------------------------------------------


def _roll_up(facts: Facts, sha: str) -> Say:
    """The worst of all; pending while one of them is. Of one that is red it says what that says, else how many."""
    run = max((run for run, _ in facts.standing), key=lambda run: run.id)
    jobs = [job for _, job in facts.standing]
    url = f"{_root(facts)}runs/{run.id}"
    if any(job.status not in FINISHED for job in jobs):
        begun = any(job.status is not Status.QUEUED for job in jobs)
        state = Status.RUNNING if begun else Status.QUEUED
        # These words stay while jobs end: each call is one of the thousand that GitHub takes.
        said = f"{state}: {words.count(len(jobs), 'job')}"
    else:
        state = min(map(_counted, jobs), key=WORST_FIRST.index)
        alike = RED if state in RED else {state}
        worst = [job for job in jobs if _counted(job) in alike]
        said = _good(facts, state, jobs) if state in WORST_FIRST[-2:] else _bad(facts, state, worst, len(jobs))
        if state in RED and len(worst) == 1:
            url = _link(facts, worst[0])
    return Say(sha=sha, ref=run.ref, context=ALL, state=state, description=wording.cut(said), target_url=url)


def _bad(facts: Facts, state: Status, worst: Sequence[Job], all_: int) -> str:
    if state is Status.SUPERSEDED:
        return _line(facts, worst[-1])
    if len(worst) == 1:
        return f"{wording.name(worst[0])} {_line(facts, worst[0])}"
    names = ", ".join(map(wording.name, worst))
    return f"{len(worst)} of {words.count(all_, 'job')} {words.status(state)}: {names}"


def _good(facts: Facts, state: Status, jobs: Sequence[Job]) -> str:
    reasons = {wording.plain(job.reason) for job in jobs}
    if state is Status.SKIPPED and len(reasons) == 1:
        return f"skipped: {reasons.pop() or words.count(len(jobs), 'job')}"
    skipped = sum(job.status is Status.SKIPPED for job in jobs)
    spared = [wording.name(job) for job in jobs if wording.spared(job)]
    fixed = [wording.name(job) for job in jobs if (told := facts.verdicts.get(job.id)) and told.word == "fixed"]
    good = len(jobs) - skipped - len(spared)
    parts = (
        f"fixed {', '.join(fixed)}" if fixed else "",
        f"{words.count(good, 'job')} succeeded" if good else "",
        f"{words.count(skipped, 'job')} skipped" if skipped else "",
        f"failed, allowed to: {', '.join(spared)}" if spared else "",
    )
    return "; ".join(filter(None, parts))
