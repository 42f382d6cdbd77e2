"""The verdict of one run, for its page and for who waits for it: with what it broke, and what it left red."""

from collections.abc import Sequence

from ctci import config, ledger, words
from ctci.model import Job, Run, Status
from ctci.web import sentences
from ctci.web.doors import Doors

#: Red jobs of a run that are held against what was before, and whose last lines its page shows.
SHOWN = 3


def reds(doors: Doors, jobs: Sequence[Job]) -> tuple[sentences.Red, ...]:
    """The first red jobs of a run, each with what was before it."""
    found = []
    for job in [job for job in jobs if job.is_red][:SHOWN]:
        green, first = ledger.since(doors.db, job)
        found.append(sentences.Red(job=job, green=green, first=first))
    return tuple(found)


def verdict(doors: Doors, run: Run, jobs: Sequence[Job], reds: Sequence[sentences.Red], now: int) -> sentences.Verdict:
    """The sentence of a run; a green one does not make a branch green that is red for something it did not try."""
    beside = _beside(doors, run)
    if not beside:
        return sentences.run_(run, jobs, now, broke={red.job.id for red in reds if red.broke})
    at = run.finished_at or run.created_at
    stays = words.names([f"{job.place} since #{since}" for job, since in beside[:SHOWN]])
    more = f" and {len(beside) - SHOWN} more" if len(beside) > SHOWN else ""
    parts = (
        sentences.Part(f"#{run.id}: {sentences.succeeded(jobs)} "),
        sentences.Part(words.ago(at, now), at=at),
        sentences.Part(f"; {run.branch} stays red: {stays}{more}."),
    )
    return sentences.Verdict(parts=parts, status=run.status)


def _beside(doors: Doors, run: Run) -> tuple[tuple[Job, int], ...]:
    """What is red on the branch of a green run since before it; a recipe that was removed is red for nobody."""
    project = config.project(doors.current.get(), run.project)
    if run.status is not Status.SUCCEEDED or project is None:
        return ()
    return tuple(
        (job, since)
        for job, since in ledger.red_on(doors.db, run.project, run.ref)
        if since < run.id
        and job.order.subproject in project.subs
        and job.order.recipe.name in project.subs[job.order.subproject].recipes
    )
