"""What is told at once to whoever follows, as events: (name, data). Pure."""

from typing import Any

from ctci.model import FINISHED, Happening, short_ref
from ctci.shape import times
from ctci.shape.runs import run_url


def happening(change: Happening, *, public_url: str) -> list[tuple[str, dict[str, Any]]]:
    """`run` or `job`; after a job that ended its run, both."""
    of = {"project": change.project, "run": change.run}
    told = {"change": change.kind, "at": times.time(change.at), "html_url": run_url(public_url, change.run)}
    found: list[tuple[str, dict[str, Any]]] = []
    if change.job is not None:
        job = {"job": change.job, "name": change.place, "status": str(change.job_status) if change.job_status else None}
        found.append(("job", {**of, **job, **told}))
    if change.job is None or change.run_status in FINISHED:
        run = {"branch": short_ref(change.ref), "status": str(change.run_status)}
        found.append(("run", {**of, **run, **told}))
    return found
