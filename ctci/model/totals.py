"""What is counted for who watches over time: which total an event adds to. Totals only grow, and outlive the history.

Their labels are names of the configuration and words of ctci, never a branch, a commit, a person or a number of a run.
"""

from dataclasses import dataclass

from ctci.model.statuses import CONCLUSIVE, Status

#: Upper ends of the spans by which times are told, seconds.
BUCKETS_S = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400)
#: The bucket of what took longer than all of them, and of what took no time that could be told.
LONGER, UNTIMED = 2**31 - 1, 0
#: Names of totals, each with the names of its labels.
RUNS = ("runs", ("project", "event", "status"))
JOBS = ("jobs", ("project", "subproject", "recipe", "status"))
WAITS = ("waits", ("project",))
CALLS = ("calls", ("project", "forge", "decision"))
MISSED = ("missed", ("project", "schedule"))
TRIES = ("tries", ("sink", "project", "result"))


@dataclass(frozen=True, kw_only=True)
class Total:
    """How often something happened, and how long it took in all, milliseconds."""

    name: str
    #: In the order of the names.
    labels: tuple[str, ...]
    #: It took at most so many seconds, and more than the bucket before; or LONGER, or UNTIMED.
    bucket: int = UNTIMED
    times: int = 1
    ms: int = 0


def run_ended(project: str, event: str, status: str) -> Total:
    """A run has come to its end."""
    return Total(name=RUNS[0], labels=(project, event, status))


def job_ended(project: str, subproject: str, recipe: str, status: str, seconds: float | None) -> Total:
    """A job has come to its end; `seconds` is how long its last attempt took, None where it was not run.

    What was ended by somebody tells nothing of how long the recipe takes.
    """
    labels = (project, subproject, recipe, str(status))
    if seconds is None or Status(status) not in CONCLUSIVE:
        return Total(name=JOBS[0], labels=labels)
    return Total(name=JOBS[0], labels=labels, bucket=bucket(seconds), ms=round(seconds * 1000))


def waited(project: str, ms: int) -> Total:
    """A job that might have run for so long begins at last."""
    return Total(name=WAITS[0], labels=(project,), bucket=bucket(ms / 1000), ms=max(ms, 0))


def called(project: str, forge: str, decision: str) -> Total:
    """A forge's hook has called, about one ref."""
    return Total(name=CALLS[0], labels=(project, forge, decision))


def missed(project: str, schedule: str, times: int) -> Total:
    """So many times of a schedule have not fired."""
    return Total(name=MISSED[0], labels=(project, schedule), times=times)


def tried(sink: str, to: str, result: str, times: int = 1) -> Total:
    """Somebody outside was told, or was not: `sent`, `failed`, or `given_up` where that was the last try."""
    # Who is told is nobody's label; of a status it begins with the project.
    return Total(name=TRIES[0], labels=(sink, to.partition("/")[0] if sink == "status" else "", result), times=times)


def bucket(seconds: float) -> int:
    """The first end that is not passed."""
    return next((end for end in BUCKETS_S if seconds <= end), LONGER)
