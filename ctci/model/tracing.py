"""What tells the trace of a run, and each span in it, from all others: made of what is recorded, so always the same.

A job is told of its own span (W3C Trace Context) long before the trace is sent anywhere, and whoever sends it twice
sends the same one. Pure.
"""

import hashlib

from ctci.model.done import Run


def trace_id(run: Run) -> str:
    """Of a run, 32 hexadecimal digits. A new ledger counts its runs from 1 again: the time is in it too."""
    return _digits(32, run)


def span_id(run: Run, job: int = 0, attempt: int = 0) -> str:
    """Of the run itself, or of an execution of one of its jobs: 16 hexadecimal digits."""
    return _digits(16, run, job, attempt)


def traceparent(run: Run, job: int, attempt: int) -> str:
    """The variable TRACEPARENT of a job: what it traces itself belongs below this span (W3C Trace Context, 3.2)."""
    return f"00-{trace_id(run)}-{span_id(run, job, attempt)}-01"


def _digits(count: int, run: Run, *more: int) -> str:
    named = "/".join(map(str, ("ctci", run.project, run.id, run.created_at, *more)))
    return hashlib.sha256(named.encode("utf-8", "surrogateescape")).hexdigest()[:count]
