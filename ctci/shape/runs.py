"""Runs and jobs, with all that belongs to them, as JSON. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from ctci import words
from ctci.model import Attempt, Commit, Delivery, Exit, Hunt, Job, Plan, Run, Sending, Status, Wait
from ctci.shape import times

JOB = (
    "id",
    "run",
    "name",
    "project",
    "subproject",
    "recipe",
    "command",
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
BRANCH = ("project", "branch", "ref", "red", "failing", "breaks", "run")
DELIVERY = ("id", "project", "forge", "event", "ref", "pushed_by", "received_at", "decision", "reason", "run")
SENDING = ("id", "by", "to", "run", "due_at", "sent_at", "state", "tries", "error", "message_id")
PLAN = ("project", "ref", "reason", "orders", "unordered")


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
        "queued_at": times.time(run.created_at),
        "started_at": times.time(began),
        "finished_at": times.time(run.finished_at),
        "duration_s": times.seconds(began, run.finished_at),
        "pushed_by": run.pusher,
        "rerun_of": run.rerun_of,
        "waits_behind": run.behind,
        "jobs": [job_(job, run, public_url=public_url) for job in jobs],
        "html_url": run_url(public_url, run.id),
    }


def asked(*, run: int | None, decision: str, reason: str, jobs: Sequence[str], public_url: str) -> dict[str, Any]:
    """What became of a wish: a new run, or none and why."""
    return {
        "run": run,
        "decision": decision,
        "reason": reason,
        "jobs": list(jobs),
        "html_url": run_url(public_url, run) if run is not None else None,
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


def job_(job: Job, run: Run, *, public_url: str) -> dict[str, Any]:
    """A job; of one that waits, `reason` says for what."""
    return {
        "id": job.id,
        "run": job.run,
        "name": job.name,
        "project": job.order.project,
        "subproject": job.order.subproject or None,
        "recipe": job.order.recipe.name,
        "command": job.order.recipe.run,
        "status": str(job.status),
        "reason": words.said(job, run).replace(words.THIN, " ") or None,
        "waits_for": wait(job.wait) if job.status is Status.QUEUED else None,
        "repeats": job.same_as,
        "needs": list(job.order.recipe.needs),
        "lock": job.order.recipe.lock,
        "allow_failure": job.order.recipe.allow_failure,
        "attempt": job.attempt,
        "queued_at": times.time(job.queued_at),
        "started_at": times.time(job.began_at),
        "finished_at": times.time(job.finished_at),
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
        "started_at": times.time(attempt.began_at),
        "finished_at": times.time(attempt.finished_at),
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
        "committed_at": times.time(commit.at),
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
        "received_at": times.time(delivery.at),
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
        "due_at": times.time(sending.due),
        "sent_at": times.time(sending.sent_at),
        "state": sending.state,
        "tries": sending.tries,
        "error": sending.last_error,
        "message_id": sending.message_id or None,
    }


def branch(
    project: str,
    ref: str,
    newest: Run,
    jobs: Sequence[Job],
    failing: Sequence[Job],
    *,
    since: Mapping[int, int],
    public_url: str,
) -> dict[str, Any]:
    """A line of `status`: the newest run of a branch, and the places whose last conclusive job is red.

    `since`: the run that broke each of these, by its last job.
    """
    return {
        "project": project,
        "branch": newest.branch,
        "ref": ref,
        "red": bool(failing),
        "failing": [job.name for job in failing],
        "breaks": [
            {"name": job.name, "place": job.place, "job": job.id, "since_run": since.get(job.id, job.run)}
            for job in failing
        ],
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
