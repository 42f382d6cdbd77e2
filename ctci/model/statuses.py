"""The statuses of a job. `MOVES` is the only statement of what may follow what."""

from collections.abc import Mapping
from enum import StrEnum


class Status(StrEnum):
    """What has become of a job, and of a run as the worst of its jobs."""

    #: Waiting; `Job.reason` or the page says for what.
    QUEUED = "queued"
    #: Claimed by a worker; its keeper runs or is about to.
    RUNNING = "running"
    #: Exit code 0.
    SUCCEEDED = "succeeded"
    #: Theirs: any other exit.
    FAILED = "failed"
    #: Theirs: ended by us at the recipe's `timeout`.
    TIMED_OUT = "timed_out"
    #: A person, named in `Job.cancel_by`, stopped it.
    CANCELLED = "cancelled"
    #: A newer push of the ref replaced it.
    SUPERSEDED = "superseded"
    #: Nothing to do; `Job.reason` says why.
    SKIPPED = "skipped"
    #: Ours: no checkout, disk full, a crash. Never blames an author, never counts in history.
    ERRORED = "errored"


#: The only results that count in history.
CONCLUSIVE = frozenset({Status.SUCCEEDED, Status.FAILED, Status.TIMED_OUT})
#: The results that turn a branch red.
RED = frozenset({Status.FAILED, Status.TIMED_OUT})
#: Nothing follows these.
FINISHED = frozenset(Status) - {Status.QUEUED, Status.RUNNING}

#: Which status may follow which, and by which verb of the ledger.
MOVES: Mapping[str, tuple[frozenset[Status], frozenset[Status]]] = {
    "claim": (frozenset({Status.QUEUED}), frozenset({Status.RUNNING})),
    # Never begun: the attempt is given back, not closed; one that was asked to end, ends.
    "put_back": (frozenset({Status.RUNNING}), frozenset({Status.QUEUED, Status.CANCELLED, Status.SUPERSEDED})),
    # The attempt is closed, and the recipe allows another.
    "retry": (frozenset({Status.RUNNING}), frozenset({Status.QUEUED})),
    "settle": (
        frozenset({Status.RUNNING}),
        frozenset(
            {
                Status.SUCCEEDED,
                Status.FAILED,
                Status.TIMED_OUT,
                Status.CANCELLED,
                Status.SUPERSEDED,
                Status.ERRORED,
            }
        ),
    ),
    # Not run, because nothing it depends on has changed: it has the result of the last one.
    "repeat": (frozenset({Status.QUEUED}), CONCLUSIVE),
    # Ended before it ran: by a wish, a newer push, a skip, or a commit that cannot be had.
    "drop": (
        frozenset({Status.QUEUED}),
        frozenset({Status.CANCELLED, Status.SUPERSEDED, Status.SKIPPED, Status.ERRORED}),
    ),
}

#: A run shows the first of these that one of its jobs has.
WORST_FIRST = (
    Status.FAILED,
    Status.TIMED_OUT,
    Status.ERRORED,
    Status.RUNNING,
    Status.QUEUED,
    Status.CANCELLED,
    Status.SUPERSEDED,
    Status.SUCCEEDED,
    Status.SKIPPED,
)
