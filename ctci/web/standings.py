"""What results mean, for the pages that tell of them: of jobs each, and of one run in a sentence."""

from collections.abc import Collection, Mapping, Sequence

from ctci import config, ledger, words
from ctci.model import CONCLUSIVE, Job, Run, Status, Verdict
from ctci.report import judging
from ctci.web import sentences
from ctci.web.doors import Doors

#: Red places of its branch that the sentence of a green run names.
SHOWN = 3


def verdicts(doors: Doors, ids: Collection[int]) -> Mapping[int, Verdict]:
    """What these jobs (ids) mean against what was before, of those that are still there; always as many queries."""
    if not ids:
        return {}
    return judging.verdicts(doors.db, doors.current.get(), ids)


def of_jobs(doors: Doors, jobs: Sequence[Job]) -> Mapping[int, Verdict]:
    """Those of the jobs that came to a result, by id."""
    return verdicts(doors, {job.id for job in jobs if job.status in CONCLUSIVE})


def of_run(doors: Doors, run: Run, jobs: Sequence[Job], judged: Mapping[int, Verdict], now: int) -> sentences.Verdict:
    """The sentence of a run; a green one does not make a branch green that is red for something it did not try."""
    beside = _beside(doors, run)
    if not beside:
        return sentences.run_(run, jobs, now, judged=judged)
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
        if since < run.id and config.configured(project, job.order.subproject, job.order.recipe.name)
    )
