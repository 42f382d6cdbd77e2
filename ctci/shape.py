"""Nouns -> the one JSON that `--json` prints, and that API and events will speak. Pure.

Times are RFC 3339 in UTC, durations seconds as numbers, enums lower snake. Keys may be added, never changed.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ctci import words
from ctci.model import (
    FINISHED,
    Ack,
    Attempt,
    Commit,
    Delivery,
    Exit,
    Finding,
    Hunt,
    Job,
    Life,
    Novel,
    Plan,
    Reading,
    Run,
    Sending,
    Status,
    Wait,
)

JOB = (
    "id",
    "run",
    "name",
    "project",
    "subproject",
    "recipe",
    "status",
    "reason",
    "waits_for",
    "repeats",
    "needs",
    "lock",
    "allow_failure",
    "attempt",
    "queued_at",
    "started_at",
    "finished_at",
    "duration_s",
    "exit",
    "cancelled_by",
    "html_url",
)
RUN = (
    "id",
    "project",
    "branch",
    "ref",
    "sha",
    "subject",
    "author",
    "before",
    "event",
    "status",
    "reason",
    "queued_at",
    "started_at",
    "finished_at",
    "duration_s",
    "pushed_by",
    "rerun_of",
    "waits_behind",
    "jobs",
    "html_url",
)
#: What `show` tells beyond a run of a list.
RUN_WHOLE = (*RUN, "commits", "attempts", "deliveries", "readings", "hunts")
BRANCH = ("project", "branch", "ref", "red", "failing", "run")
DELIVERY = ("id", "project", "forge", "event", "ref", "pushed_by", "received_at", "decision", "reason", "run")
SENDING = ("id", "by", "to", "run", "due_at", "sent_at", "state", "tries", "error", "message_id")
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
ACK = (
    "fingerprint",
    "project",
    "finding",
    "until",
    "why",
    "acknowledged_by",
    "acknowledged_at",
    "lapsed",
)
PLAN = ("project", "ref", "reason", "orders", "unordered")


def time(at: int | None) -> str | None:
    """`2026-11-24T09:43:53.120Z`, of Unix milliseconds."""
    if at is None:
        return None
    moment = dt.datetime.fromtimestamp(at // 1000, dt.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % 1000:03d}Z"


def run_url(public_url: str, run: int) -> str:
    """The page of a run; `public_url` as configured."""
    return f"{public_url.rstrip('/')}/runs/{run}"


def run(run: Run, jobs: Sequence[Job], *, public_url: str) -> dict[str, Any]:
    """A run with its jobs, the same everywhere."""
    began = min((job.began_at for job in jobs if job.began_at is not None), default=None)
    return {
        "id": run.id,
        "project": run.project,
        "branch": run.branch,
        "ref": run.ref,
        "sha": run.commit,
        "subject": run.subject,
        "author": run.author,
        "before": run.before,
        "event": run.kind,
        "status": str(run.status),
        "reason": run.reason,
        "queued_at": time(run.created_at),
        "started_at": time(began),
        "finished_at": time(run.finished_at),
        "duration_s": _seconds(began, run.finished_at),
        "pushed_by": run.pusher,
        "rerun_of": run.rerun_of,
        "waits_behind": run.behind,
        "jobs": [job_(job, run, public_url=public_url) for job in jobs],
        "html_url": run_url(public_url, run.id),
    }


def run_whole(
    run_: Run,
    jobs: Sequence[Job],
    *,
    commits: Sequence[Commit],
    attempts: Sequence[Attempt],
    deliveries: Sequence[Delivery],
    readings: Sequence[dict[str, Any]],
    hunts: Mapping[int, Hunt],
    public_url: str,
) -> dict[str, Any]:
    """A run with all that is known of it.

    `readings`: what was read of each job's last attempt, in its shape; `hunts`: of each job that broke a place the
    search for why.
    """
    return {
        **run(run_, jobs, public_url=public_url),
        "commits": [commit(each) for each in commits],
        "attempts": [attempt(each) for each in attempts],
        "deliveries": [delivery(each) for each in deliveries],
        "readings": list(readings),
        "hunts": [hunt(each) for each in hunts.values()],
    }


def hunt(hunt: Hunt) -> dict[str, Any]:
    """A search for the commit that broke a place; `open` while it may tell more."""
    return {
        "job": hunt.red_job,
        "word": hunt.word,
        "sha": hunt.commit,
        "sentence": hunt.sentence,
        "reruns": hunt.reruns,
        "open": hunt.open,
    }


def reading(
    reading: Reading,
    findings: Sequence[Finding],
    *,
    lives: Mapping[str, Life],
    acks: Mapping[str, Ack],
    now: int,
) -> dict[str, Any]:
    """What was read of the reports and the log of an attempt; `first` is the position of its first error.

    `lives` and `acks` by fingerprint; both are told of each finding that has one.
    """
    tests = reading.tests
    return {
        "job": reading.job,
        "attempt": reading.attempt,
        "state": reading.state,
        "tests": None if tests is None else {"total": tests.total, "failed": tests.failed, "skipped": tests.skipped},
        "errors": reading.errors,
        "warnings": reading.warnings,
        "first": reading.first,
        "novel": novel(reading.novel),
        "findings": [
            finding(each, life=lives.get(each.fingerprint), ack=acks.get(each.fingerprint), now=now)
            for each in findings
        ],
    }


def novel(novel: Novel | None) -> dict[str, Any] | None:
    """The lines of a red log that were never seen in a green one: how many, and the first of them."""
    if novel is None:
        return None
    return {"count": novel.count, "lines": [{"log_line": each.line, "text": each.text} for each in novel.lines]}


def finding(finding: Finding, *, life: Life | None, ack: Ack | None, now: int) -> dict[str, Any]:
    """One thing that a tool said, what became of it at its place so far, and whether it is acknowledged as known."""
    return {
        "severity": finding.severity,
        "tool": finding.tool,
        "rule": finding.rule,
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
        "message": finding.message,
        "test": finding.test,
        "fingerprint": finding.fingerprint,
        "log_line": finding.log_line,
        "life": None if life is None else life_(life),
        "acknowledged": None if ack is None else acknowledged(ack, now),
    }


def life_(life: Life) -> dict[str, Any]:
    """What became of a finding up to its run: `word` is new, still, fixed, returned or flaky."""
    return {
        "word": life.word,
        "first_run": life.first.run,
        "first_seen_at": time(life.first.at),
        "since_run": life.since.run,
        "since": time(life.since.at),
        "last_run": life.last.run,
        "last_seen_at": time(life.last.at),
        "seen": life.times,
        "looked_for": life.looks,
    }


def acknowledged(ack: Ack, now: int) -> dict[str, Any]:
    """By whom, until when and why a finding is hidden; lapsed: it is shown again."""
    return {
        "until": time(ack.until),
        "why": ack.why,
        "acknowledged_by": ack.acked_by,
        "acknowledged_at": time(ack.acked_at),
        "lapsed": ack.until <= now,
    }


def ack(ack: Ack, now: int) -> dict[str, Any]:
    """A line of `acks`: what is acknowledged, with the finding as it was then."""
    told = {"fingerprint": ack.fingerprint, "project": ack.project, "finding": ack.said}
    return {**told, **acknowledged(ack, now)}


def job_(job: Job, run: Run, *, public_url: str) -> dict[str, Any]:
    """A job; of one that waits, `reason` says for what."""
    return {
        "id": job.id,
        "run": job.run,
        "name": job.name,
        "project": job.order.project,
        "subproject": job.order.subproject or None,
        "recipe": job.order.recipe.name,
        "status": str(job.status),
        "reason": words.said(job, run).replace(words.THIN, " ") or None,
        "waits_for": wait(job.wait) if job.status is Status.QUEUED else None,
        "repeats": job.same_as,
        "needs": list(job.order.recipe.needs),
        "lock": job.order.recipe.lock,
        "allow_failure": job.order.recipe.allow_failure,
        "attempt": job.attempt,
        "queued_at": time(job.queued_at),
        "started_at": time(job.began_at),
        "finished_at": time(job.finished_at),
        "duration_s": None if job.finished_at is None else words.seconds(job, job.finished_at),
        "exit": exit_(job.exit),
        "cancelled_by": job.cancel_by,
        "html_url": f"{public_url.rstrip('/')}/jobs/{job.id}",
    }


def wait(wait: Wait | None) -> dict[str, Any] | None:
    """What a queued job waits for first: `kind` is commit, run, recipe, lock or slot."""
    if wait is None:
        return None
    return {"kind": wait.kind, "run": wait.run, "names": list(wait.names), "held_by": wait.holder, "ahead": wait.ahead}


def exit_(ended: Exit | None) -> dict[str, Any] | None:
    """How a command ended."""
    if ended is None:
        return None
    return {
        "how": ended.how,
        "code": ended.code,
        "signal": ended.signal,
        "seconds": ended.seconds,
        "cpu_s": ended.cpu_s,
        "peak_memory_bytes": ended.peak_memory,
        "log_bytes": ended.log_bytes,
        "log_dropped_bytes": ended.log_dropped,
        "leftovers": list(ended.leftovers),
        "survivors": list(ended.survivors),
    }


def attempt(attempt: Attempt) -> dict[str, Any]:
    """One execution of a job."""
    return {
        "job": attempt.job,
        "number": attempt.number,
        "status": str(attempt.status) if attempt.status else None,
        "started_at": time(attempt.began_at),
        "finished_at": time(attempt.finished_at),
        "exit": exit_(attempt.exit),
        "facts": dict(attempt.facts),
    }


def commit(commit: Commit) -> dict[str, Any]:
    """A commit that a run brought."""
    return {
        "sha": commit.sha,
        "author": commit.author,
        "email": commit.email,
        "subject": commit.subject,
        "committed_at": time(commit.at),
        "touches": list(commit.touches),
    }


def delivery(delivery: Delivery) -> dict[str, Any]:
    """One ref of one call of a hook, with its decision."""
    return {
        "id": f"d_{delivery.id}",
        "project": delivery.project,
        "forge": delivery.forge,
        "event": delivery.event,
        "ref": delivery.ref,
        "pushed_by": delivery.pusher,
        "received_at": time(delivery.at),
        "decision": delivery.decision,
        "reason": delivery.reason,
        "run": delivery.run,
    }


def sending(sending: Sending) -> dict[str, Any]:
    """What somebody outside is told, by mail, webhook and so on; `error` is that of the last try."""
    return {
        "id": f"s_{sending.id}",
        "by": sending.sink,
        "to": sending.to,
        "run": sending.run or None,
        "due_at": time(sending.due),
        "sent_at": time(sending.sent_at),
        "state": sending.state,
        "tries": sending.tries,
        "error": sending.last_error,
        "message_id": sending.message_id or None,
    }


def branch(
    project: str, ref: str, newest: Run, jobs: Sequence[Job], failing: Sequence[Job], *, public_url: str
) -> dict[str, Any]:
    """A line of `status`: the newest run of a branch, and the places whose last conclusive job is red."""
    return {
        "project": project,
        "branch": newest.branch,
        "ref": ref,
        "red": bool(failing),
        "failing": [job.name for job in failing],
        "run": run(newest, jobs, public_url=public_url),
    }


def plan(project: str, ref: str, planned: Plan) -> dict[str, Any]:
    """What a push would run, and why not the rest."""
    return {
        "project": project,
        "ref": ref,
        "reason": planned.reason,
        "orders": [
            {
                "subproject": order.subproject or None,
                "recipe": order.recipe.name,
                "run": order.recipe.run,
                "directory": order.directory,
                "timeout_s": order.recipe.timeout_s,
                "on_new_push": order.on_new_push,
            }
            for order in planned.orders
        ],
        "unordered": [
            {"subproject": each.subproject or None, "recipe": each.recipe, "reason": each.reason}
            for each in planned.unordered
        ],
    }


def items(found: Sequence[Mapping[str, Any]], *, more: str | None = None) -> dict[str, Any]:
    """A list; `more` is the opaque cursor of the next page."""
    return {"items": list(found), "next": more}


def pick(whole: Mapping[str, Any], fields: Collection[str]) -> dict[str, Any]:
    """Only `fields` of a shape, in the order asked for; of a list, of each of its items. No fields: all."""
    if not fields:
        return dict(whole)
    if set(whole) == {"items", "next"}:
        return {"items": [pick(each, fields) for each in whole["items"]], "next": whole["next"]}
    return {name: whole[name] for name in fields}


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


def _seconds(began: int | None, finished: int | None) -> float | None:
    return None if began is None or finished is None else max(0, finished - began) / 1000
