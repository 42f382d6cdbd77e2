"""Nouns -> the one JSON that `--json` prints, and that API and events will speak. Pure.

Times are RFC 3339 in UTC, durations seconds as numbers, enums lower snake. Keys may be added, never changed.
"""

from collections.abc import Mapping

from ctci.model import FINISHED, Status
from ctci.shape.events import happening
from ctci.shape.findings import ACK, ack, acknowledged, finding, finding_said, life_, novel, reading
from ctci.shape.lists import items, log_line, pick, project
from ctci.shape.runs import (
    BRANCH,
    DELIVERY,
    JOB,
    PLAN,
    RUN,
    RUN_WHOLE,
    SENDING,
    asked,
    attempt,
    branch,
    commit,
    delivery,
    exit_,
    hunt,
    job_,
    plan,
    run,
    run_url,
    run_whole,
    sending,
    wait,
)
from ctci.shape.times import time
from ctci.shape.tokens import DEED, TOKEN, deed, token
from ctci.shape.verdicts import VERDICT, verdict

__all__ = [
    "ACK",
    "AHEAD",
    "BRANCH",
    "CODES",
    "DEED",
    "DELIVERY",
    "JOB",
    "PLAN",
    "RUN",
    "RUN_WHOLE",
    "SENDING",
    "TOKEN",
    "VERDICT",
    "ack",
    "acknowledged",
    "asked",
    "attempt",
    "branch",
    "code",
    "commit",
    "deed",
    "delivery",
    "exit_",
    "finding",
    "finding_said",
    "happening",
    "hunt",
    "items",
    "job_",
    "life_",
    "log_line",
    "novel",
    "pick",
    "plan",
    "project",
    "reading",
    "run",
    "run_url",
    "run_whole",
    "sending",
    "time",
    "token",
    "verdict",
    "wait",
]

AHEAD = (
    "project",
    "schedule",
    "at",
    "local",
    "timezone",
    "branches",
    "recipes",
    "skip_unchanged",
    "jitter_s",
    "takes_s",
)

#: Exit code of `run --wait`, by what became of the run.
CODES: Mapping[Status, int] = {
    Status.SUCCEEDED: 0,
    Status.SKIPPED: 0,
    Status.FAILED: 1,
    Status.TIMED_OUT: 124,
    Status.ERRORED: 125,
    Status.CANCELLED: 130,
    Status.SUPERSEDED: 130,
}


def code(status: Status) -> int:
    """What a script is told of a finished run: 0 succeeded or skipped, 1, 124, 125 or 130."""
    assert status in FINISHED  # noqa: S101 - whoever asks has waited
    return CODES[status]
