"""What the API's answers say, as the terminal needs it: statuses, times, places; findings as nouns. Pure."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from ctci.model import RED, Ack, Finding, Life, Look, NewLine, Novel, Reading, Status, Tally, place_of

#: A run or a job, as the API has it.
Run = Mapping[str, Any]
Job = Mapping[str, Any]


def moment(text: str | None) -> int | None:
    """Unix milliseconds of `2026-11-24T09:43:53.120Z`."""
    if text is None:
        return None
    found = dt.datetime.fromisoformat(text)
    return int((found - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) / dt.timedelta(milliseconds=1))


def at(text: str) -> int:
    """The same of what is there always."""
    return moment(text) or 0


def status(of: Mapping[str, Any]) -> Status:
    """The status of a run, a job or a verdict."""
    return Status(of["status"])


def is_red(job: Job) -> bool:
    """Whether it turns its branch red."""
    return status(job) in RED and not job["allow_failure"]


def place(job: Job) -> str:
    """`api:test`, and `test` in a project without subprojects."""
    return place_of(job["subproject"] or "", job["recipe"])


def said(job: Job) -> str:
    """What there is to say of a job beside its status."""
    return job["reason"] or ""


def seconds(job: Job, now: int) -> float | None:
    """How long a job took, or has been running; None when it never began."""
    if job["duration_s"] is not None or job["started_at"] is None:
        took: float | None = job["duration_s"]
        return took
    return max(0, now - at(job["started_at"])) / 1000


def finding(given: Mapping[str, Any]) -> Finding:
    """What a tool said."""
    names = ("severity", "tool", "rule", "file", "line", "column", "message", "test", "fingerprint", "log_line")
    return Finding(**{name: given[name] for name in names})


def ack(given: Mapping[str, Any], fingerprint: str, project: str) -> Ack:
    """That a finding is known."""
    return Ack(
        id=0,
        project=project,
        fingerprint=fingerprint,
        said="",
        until=at(given["until"]),
        why=given["why"],
        acked_by=given["acknowledged_by"],
        acked_at=at(given["acknowledged_at"]),
    )


def life(given: Mapping[str, Any], fingerprint: str) -> Life:
    """What became of a finding."""

    def look(run: str, seen: str) -> Look:
        return Look(job=0, run=given[run], status=Status.FAILED, at=moment(given[seen]) or 0, trial=0)

    return Life(
        fingerprint=fingerprint,
        word=given["word"],
        first=look("first_run", "first_seen_at"),
        since=look("since_run", "since"),
        last=look("last_run", "last_seen_at"),
        times=given["seen"],
        looks=given["looked_for"],
    )


def reading(given: Mapping[str, Any]) -> Reading:
    """What was read of a job's reports and log."""
    tests, novel = given["tests"], given["novel"]
    return Reading(
        job=given["job"],
        attempt=given["attempt"],
        state=given["state"],
        tests=Tally(**{name: tests[name] for name in ("total", "failed", "skipped")}) if tests else None,
        errors=given["errors"],
        warnings=given["warnings"],
        first=given["first"],
        novel=Novel(
            count=novel["count"],
            lines=tuple(NewLine(line=each["log_line"], text=each["text"]) for each in novel["lines"]),
        )
        if novel
        else None,
    )
