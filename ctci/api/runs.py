"""Runs and their jobs, and what was read of these."""

from collections.abc import Mapping, Sequence
from typing import Any

from ctci import clock, ledger, shape
from ctci.api import inputs, outputs, paging
from ctci.api.operation import Context, Operation
from ctci.api.problem import not_found
from ctci.api.visible import full, job_of, run_of
from ctci.model import Job, Run, Tier
from ctci.report import read


def _runs(context: Context, query: inputs.Runs, _: None) -> Mapping[str, Any]:
    found = ledger.runs_(
        context.db,
        ref=full(query.branch),
        statuses=query.status or None,
        before=query.before or paging.before(query.cursor),
        within=context.among(query.project),
        limit=query.limit + 1,
    )
    jobs = ledger.jobs_of(context.db, [run.id for run in found[: query.limit]])

    def told(run: Run) -> Mapping[str, Any]:
        return shape.run(run, context.unnamed(jobs[run.id]), public_url=context.public_url)

    return paging.page(found, query.limit, told, number=lambda run: run.id)


def _run(context: Context, query: inputs.RunId, _: None) -> Mapping[str, Any]:
    run = run_of(context, query.run)
    jobs = _jobs_in(context, run)
    return shape.run_whole(
        run,
        jobs,
        commits=ledger.commits_of(context.db, run.id),
        attempts=ledger.attempts_of_run(context.db, run.id),
        deliveries=ledger.deliveries_(context.db, run=run.id),
        readings=readings(context, jobs),
        hunts=ledger.hunts_of(context.db, [job.id for job in jobs if job.is_red]),
        public_url=context.public_url,
    )


def _jobs_in(context: Context, run: Run) -> tuple[Job, ...]:
    """The jobs of a run, with what those wait for that do."""
    return context.unnamed(ledger.jobs_of(context.db, [run.id], ahead=True)[run.id])


def readings(context: Context, jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """What was read of each job, every finding with its life."""
    now = clock.now()
    found = read.of(context.db, jobs, now)
    lives = read.lives(context.db, found, {each.fingerprint for one in found.values() for each in one.findings})

    def told(id_: int, one: read.Read) -> dict[str, Any]:
        first = one.sifted.first
        position = None if first is None else next(at for at, each in enumerate(one.findings) if each is first)
        said = shape.reading(one.reading, one.findings, lives=lives[id_], acks=one.acks, now=now)
        return {**said, "job": id_, "first": position}

    return [told(id_, one) for id_, one in found.items()]


def _jobs_of_run(context: Context, query: inputs.RunId, _: None) -> Mapping[str, Any]:
    run = run_of(context, query.run)
    jobs = _jobs_in(context, run)
    return shape.items([shape.job_(job, run, public_url=context.public_url) for job in jobs])


def _jobs(context: Context, query: inputs.Jobs, _: None) -> Mapping[str, Any]:
    found = ledger.jobs_(
        context.db,
        run=query.run,
        statuses=query.status or None,
        before=paging.before(query.cursor),
        within=context.among(query.project),
        limit=query.limit + 1,
    )

    def told(of: tuple[Job, Run]) -> Mapping[str, Any]:
        return shape.job_(context.unnamed([of[0]])[0], of[1], public_url=context.public_url)

    return paging.page(found, query.limit, told, number=lambda of: of[0].id)


def _job(context: Context, query: inputs.JobId, _: None) -> Mapping[str, Any]:
    return shape.job_(*job_of(context, query.job), public_url=context.public_url)


def _placed(context: Context, query: inputs.JobPlace, _: None) -> Mapping[str, Any]:
    run = run_of(context, query.run)
    wanted = (query.sub or "", query.recipe)
    jobs = _jobs_in(context, run)
    job = next((job for job in jobs if (job.order.subproject, job.order.recipe.name) == wanted), None)
    if job is None:
        raise not_found(f"job {'/'.join(filter(None, wanted))} in run {run.id}")
    return shape.job_(job, run, public_url=context.public_url)


def _findings(context: Context, query: inputs.JobId, _: None) -> Mapping[str, Any]:
    job, _run = job_of(context, query.job)
    return shape.items(readings(context, [job]))


OPERATIONS = (
    Operation(
        name="list_runs",
        method="GET",
        path="/runs",
        tier=Tier.READ,
        summary="Runs, newest first.",
        query=inputs.Runs,
        answer=outputs.Runs,
        do=_runs,
    ),
    Operation(
        name="get_run",
        method="GET",
        path="/runs/{run}",
        tier=Tier.READ,
        summary="One run with all that is known of it.",
        query=inputs.RunId,
        answer=outputs.RunWhole,
        do=_run,
        refusals=("not_found",),
    ),
    Operation(
        name="list_jobs_of_run",
        method="GET",
        path="/runs/{run}/jobs",
        tier=Tier.READ,
        summary="The jobs of a run.",
        query=inputs.RunId,
        answer=outputs.Jobs,
        do=_jobs_of_run,
        refusals=("not_found",),
    ),
    Operation(
        name="get_job_of_run",
        method="GET",
        path="/runs/{run}/jobs/{recipe}",
        tier=Tier.READ,
        summary="The job of a recipe, in a project without subprojects.",
        query=inputs.JobPlace,
        answer=outputs.Job,
        do=_placed,
        refusals=("not_found",),
    ),
    Operation(
        name="get_job_of_subproject",
        method="GET",
        path="/runs/{run}/jobs/{sub}/{recipe}",
        tier=Tier.READ,
        summary="The job of a recipe of a subproject.",
        query=inputs.JobPlace,
        answer=outputs.Job,
        do=_placed,
        refusals=("not_found",),
    ),
    Operation(
        name="list_jobs",
        method="GET",
        path="/jobs",
        tier=Tier.READ,
        summary="Jobs, newest first.",
        query=inputs.Jobs,
        answer=outputs.Jobs,
        do=_jobs,
        tag="jobs",
    ),
    Operation(
        name="get_job",
        method="GET",
        path="/jobs/{job}",
        tier=Tier.READ,
        summary="One job; of one that is queued, with what it waits for.",
        query=inputs.JobId,
        answer=outputs.Job,
        do=_job,
        refusals=("not_found",),
        tag="jobs",
    ),
    Operation(
        name="list_findings",
        method="GET",
        path="/jobs/{job}/findings",
        tier=Tier.READ,
        summary="What was read of the reports and the log of a job.",
        query=inputs.JobId,
        answer=outputs.Readings,
        do=_findings,
        refusals=("not_found",),
        tag="jobs",
    ),
)
