"""What outgoing webhooks are told, as JSON: a run that finished, a branch that broke or is fixed, a fault of ctci.

Run and job have the keys of `shape`, as far as they are here; a test holds them to it. Keys may be added, never
changed. What comes from commits, logs and pushers has passed `plain`. Pure.
"""

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ctci.config import Problem
from ctci.model import Commit, Finding, Job, Run, Seen, Verdict
from ctci.report import saying

TYPES = ("run.finished", "branch.broke", "branch.fixed", "job.errored", "config.invalid")
#: Bytes of a body: receivers are told to take so many, and many a one takes no more.
MOST_BYTES = 20_000
#: Of jobs or problems as many are told as fit; how many there are is told beside them.
STEPS = (50, 25, 12, 6, 3, 2, 1, 0)
#: Suspects told of a job, and characters of a message.
MOST_COMMITS, MESSAGE = 5, 300
#: The words of what turned red.
BROKE = ("broke", "failed")


@dataclass(frozen=True, kw_only=True)
class Event:
    """One call that is owed."""

    #: One of TYPES.
    type: str
    #: Tells it from others of its type: `run.finished/1482`, `job.errored/1482/3501`.
    key: str
    #: When it happened, Unix milliseconds.
    at: int
    #: JSON in UTF-8, at most MOST_BYTES.
    body: bytes
    #: The jobs that it tells of, those that did not fit into it too.
    jobs: tuple[int, ...] = ()


def of_run(run: Run, verdicts: Sequence[Verdict], *, red: bool, public_url: str) -> tuple[Event, ...]:
    """The events of a run that has finished; `red`: whether anything of its branch is red now."""
    told = [each for each in verdicts if each.change]
    broke = [each for each in told if each.word in BROKE]
    fixed = [each for each in told if each.word == "fixed"]
    found = [_of_jobs("run.finished", run, verdicts, public_url)]
    if broke:
        found.append(_of_jobs("branch.broke", run, broke, public_url))
    if fixed and not red:
        found.append(_of_jobs("branch.fixed", run, fixed, public_url))
    found += [_errored(run, each, public_url) for each in told if each.word == "errored"]
    return tuple(found)


def config_invalid(problems: Sequence[Problem], *, at: int) -> Event:
    """The event of a configuration that cannot be put in force; the one before goes on."""
    errors = [each for each in problems if each.severity == "error"]
    told = [_problem(each) for each in errors[: STEPS[0]]]

    def data(most: int) -> dict[str, Any]:
        return {"problems_total": len(errors), "problems": told[:most]}

    return _event("config.invalid", f"config.invalid/{at}", at, data)


def _of_jobs(type_: str, run: Run, verdicts: Sequence[Verdict], public_url: str) -> Event:
    """An event about a run and some of its jobs, the worst first."""
    at = run.finished_at or max((each.job.finished_at or 0 for each in verdicts), default=run.created_at)
    ordered = sorted(verdicts, key=lambda each: (_rank(each), each.job.id))
    jobs = [_told(each, public_url) for each in ordered[: STEPS[0]]]
    about = _run(run, verdicts, public_url)

    def data(most: int) -> dict[str, Any]:
        return {"run": about, "jobs_total": len(ordered), "jobs": jobs[:most]}

    return _event(type_, f"{type_}/{run.id}", at, data, jobs=tuple(each.job.id for each in ordered))


def _errored(run: Run, verdict: Verdict, public_url: str) -> Event:
    job, data = verdict.job, {"run": _run(run, [verdict], public_url), "job": _told(verdict, public_url)}
    at = job.finished_at or run.created_at
    return _event("job.errored", f"job.errored/{run.id}/{job.id}", at, lambda _: data, jobs=(job.id,))


def _event(
    type_: str, key: str, at: int, data: Callable[[int], Mapping[str, Any]], *, jobs: tuple[int, ...] = ()
) -> Event:
    """The event with as much of its data as fits."""
    for most in STEPS:
        whole = {"type": type_, "timestamp": time(at), "data": data(most)}
        body = json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()
        if len(body) <= MOST_BYTES:
            break
    return Event(type=type_, key=key, at=at, body=body, jobs=jobs)


def _rank(verdict: Verdict) -> int:
    words = (*BROKE, "errored", "still broken", "fixed")
    return words.index(verdict.word) if verdict.word in words else len(words)


def time(at: int | None) -> str | None:
    """`2026-11-24T09:43:53.120Z`, of Unix milliseconds."""
    if at is None:
        return None
    whole, rest = divmod(at, 1000)
    moment = dt.datetime.fromtimestamp(whole, dt.UTC).replace(microsecond=rest * 1000)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# --- nouns -----------------------------------------------------------------------------------------------------------


def _run(run: Run, verdicts: Sequence[Verdict], public_url: str) -> dict[str, Any]:
    began = min((each.job.began_at for each in verdicts if each.job.began_at is not None), default=None)
    took = None if began is None or run.finished_at is None else max(0, run.finished_at - began) / 1000
    return {
        "id": run.id,
        "project": run.project,
        "branch": _plain(run.branch),
        "ref": _plain(run.ref),
        "sha": run.commit,
        "subject": _plain(run.subject),
        "author": _plain(run.author),
        "event": run.kind,
        "status": str(run.status),
        "reason": _plain(run.reason),
        "queued_at": time(run.created_at),
        "started_at": time(began),
        "finished_at": time(run.finished_at),
        "duration_s": took,
        "pushed_by": _plain(run.pusher),
        "rerun_of": run.rerun_of,
        "html_url": f"{public_url.rstrip('/')}/runs/{run.id}",
    }


def _told(verdict: Verdict, public_url: str) -> dict[str, Any]:
    """A job with what its result means."""
    job = verdict.job
    return {
        "id": job.id,
        "name": job.name,
        "subproject": job.order.subproject or None,
        "recipe": job.order.recipe.name,
        "status": str(job.status),
        "reason": _plain(job.reason),
        "allow_failure": job.order.recipe.allow_failure,
        "attempt": job.attempt,
        "started_at": time(job.began_at),
        "finished_at": time(job.finished_at),
        "duration_s": _seconds(job),
        "html_url": f"{public_url.rstrip('/')}/jobs/{job.id}",
        "verdict": {
            "word": verdict.word,
            "cause": verdict.cause or None,
            "first_error": _finding(verdict.first),
            "last_green": _seen(verdict.green),
            "first_red": _seen(verdict.red),
            "suspects_total": len(verdict.suspects),
            "suspects": [_commit(each) for each in verdict.suspects[:MOST_COMMITS]],
            "flaky": _plain(verdict.flaky) or None,
        },
    }


def _seconds(job: Job) -> float | None:
    """How long it took, as its keeper measured: it may have been settled long after, by the next server."""
    if job.began_at is None or job.finished_at is None:
        return None
    measured = job.exit is not None and job.exit.how != "lost"
    return job.exit.seconds if job.exit and measured else max(0, job.finished_at - job.began_at) / 1000


def _finding(finding: Finding | None) -> dict[str, Any] | None:
    if finding is None:
        return None
    return {
        "severity": finding.severity,
        "tool": _plain(finding.tool),
        "rule": _plain(finding.rule),
        "file": _plain(finding.file),
        "line": finding.line,
        "message": saying.plain(finding.message, MESSAGE),
        "test": _plain(finding.test),
    }


def _seen(seen: Seen | None) -> dict[str, Any] | None:
    return None if seen is None else {"run": seen.run, "job": seen.job, "sha": seen.commit, "at": time(seen.at)}


def _commit(commit: Commit) -> dict[str, Any]:
    return {"sha": commit.sha, "author": saying.plain(commit.author, 100), "subject": saying.plain(commit.subject)}


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "message": saying.plain(problem.message, MESSAGE),
        "file": _plain(problem.file),
        "line": problem.line,
        "column": problem.column,
        "hint": saying.plain(problem.hint, MESSAGE) or None,
    }


def _plain(text: str | None) -> str | None:
    return None if text is None else saying.plain(text)
