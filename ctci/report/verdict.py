"""Whether the end of a job is worth a letter, and by which word it is told.

Only a change is told: what is red already, or green already, is not. Pure.
"""

from collections.abc import Iterable

from ctci.model import RED, Commit, Job, Status

#: Every word there is, in the order in which a letter tells them.
WORDS = ("broke", "failed", "errored", "fixed")


def worth(job: Job, baseline: Job | None, last: Job | None) -> str | None:
    """The word for a settled job, or None where nobody needs to be told.

    `broke` red after green; `failed` red as the first result here; `fixed` green after red; `errored` where ctci could
    not run what was not red. What is allowed to fail is told only as errored. `baseline`: the last conclusive job of
    the place before this one; `last`: the last one that was conclusive or errored, so that an outage is told once.
    """
    if job.order.recipe.allow_failure and job.status is not Status.ERRORED:
        return None
    was_red = baseline is not None and baseline.status in RED
    if job.status is Status.SUCCEEDED:
        return "fixed" if was_red else None
    if was_red:
        return None
    if job.status in RED:
        return "failed" if baseline is None else "broke"
    if job.status is Status.ERRORED and not (last is not None and last.status is Status.ERRORED):
        return "errored"
    return None


def outright(job: Job) -> str:
    """The word for a job whose history is not known any more."""
    if job.status is Status.SUCCEEDED:
        return "fixed"
    return "failed" if job.status in RED else "errored"


def summary(words: Iterable[str]) -> str:
    """`2 broke, 1 fixed`, in the order of WORDS."""
    said = list(words)
    return ", ".join(f"{said.count(word)} {word}" for word in WORDS if word in said)


def suspects(job: Job, commits: tuple[Commit, ...]) -> tuple[Commit, ...]:
    """Of the commits since the last green one those that touch the job's subproject; all, where none does."""
    mine = tuple(commit for commit in commits if job.order.subproject in commit.touches)
    return mine or commits
