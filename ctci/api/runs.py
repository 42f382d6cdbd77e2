"""Runs, their jobs, how branches stand, and what results mean: what is read."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from ctci import clock, config, ledger, shape
from ctci.api import inputs, outputs, sentences
from ctci.api.operation import Context, Operation
from ctci.api.problem import ApiError, not_found
from ctci.model import HEADS, Job, Run, Tier, Verdict
from ctci.report import judging, known, letter, life, verdict

#: A branch that is no default branch is not told of when nothing has happened on it for so long, milliseconds.
QUIET_MS = 14 * 86400 * 1000
#: Characters that a cursor stands for; a longer number is in no ledger.
CURSOR = 19


def cursor(last: int) -> str:
    """Where the next page begins: opaque, so that it may become another."""
    return base64.urlsafe_b64encode(f"<{last}".encode()).decode().rstrip("=")


def before(text: str | None) -> int | None:
    """The number that a cursor stands for. Raises ApiError."""
    if text is None:
        return None
    try:
        plain = base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)).decode()
    except (ValueError, binascii.Error):
        plain = ""
    if not plain.startswith("<") or not plain[1:].isdecimal() or len(plain) > CURSOR:
        raise ApiError(
            "invalid", "The cursor is none that a page gave.", errors=[{"pointer": "cursor", "detail": "not a cursor"}]
        )
    return int(plain[1:])


def full(branch: str | None) -> str | None:
    """The full name of a ref."""
    return None if branch is None else branch if branch.startswith("refs/") else HEADS + branch


def run_of(context: Context, number: int) -> Run:
    """A run that who asks may see. Raises ApiError."""
    found = ledger.run(context.db, number)
    if found is None or not context.sees(found.project):
        raise not_found(f"run {number}")
    return found


def job_of(context: Context, number: int) -> tuple[Job, Run]:
    """A job that who asks may see, and its run. Raises ApiError."""
    found = ledger.job(context.db, number)
    run = ledger.run(context.db, found.run) if found is not None and context.sees(found.order.project) else None
    if found is None or run is None:
        raise not_found(f"job {number}")
    return context.unnamed([found])[0], run


def project_of(context: Context, name: str) -> config.Project:
    """A project that is there for who asks. Raises ApiError."""
    found = projects_of(context).get(name)
    if found is None:
        raise not_found(f"project {name}")
    return found


def projects_of(context: Context) -> Mapping[str, config.Project]:
    """Every project that is there for who asks, by name."""
    found = config.named(context.settings, ledger.projects_(context.db))
    return {name: project for name, project in sorted(found.items()) if context.sees(name)}


def _runs(context: Context, query: inputs.Runs, _: None) -> Mapping[str, Any]:
    found = ledger.runs_(
        context.db,
        ref=full(query.branch),
        statuses=query.status or None,
        before=query.before or before(query.cursor),
        within=context.among(query.project),
        limit=query.limit + 1,
    )
    more, found = len(found) > query.limit, found[: query.limit]
    jobs = ledger.jobs_of(context.db, [run.id for run in found])
    shapes = [shape.run(run, context.unnamed(jobs[run.id]), public_url=context.public_url) for run in found]
    return shape.items(shapes, more=cursor(found[-1].id) if more else None)


def _run(context: Context, query: inputs.RunId, _: None) -> Mapping[str, Any]:
    run = run_of(context, query.run)
    jobs = context.unnamed(ledger.jobs_of(context.db, [run.id], ahead=True)[run.id])
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


def readings(context: Context, jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """What was read of each job, every finding with its life."""
    now = clock.now()
    read = ledger.found(context.db, {job.same_as or job.id for job in jobs})
    found = [(job, *read[job.same_as or job.id]) for job in jobs if (job.same_as or job.id) in read]
    acks = ledger.acks_of(context.db, {job.order.project for job, _, _ in found})
    wanted = {each.fingerprint for _, _, findings in found for each in findings}
    looks = ledger.looks(context.db, [job.id for job, _, _ in found], fingerprints=wanted) if wanted else {}
    shapes = []
    for job, reading, findings in found:
        theirs = acks[job.order.project]
        first = known.sift(reading, findings, theirs, now).first
        position = None if first is None else next(at for at, each in enumerate(findings) if each is first)
        told = shape.reading(reading, findings, lives=life.lives(looks.get(job.id, ())), acks=theirs, now=now)
        shapes.append({**told, "job": job.id, "first": position})
    return shapes


def _jobs_of_run(context: Context, query: inputs.RunId, _: None) -> Mapping[str, Any]:
    run = run_of(context, query.run)
    jobs = context.unnamed(ledger.jobs_of(context.db, [run.id], ahead=True)[run.id])
    return shape.items([shape.job_(job, run, public_url=context.public_url) for job in jobs])


def _jobs(context: Context, query: inputs.Jobs, _: None) -> Mapping[str, Any]:
    found = ledger.jobs_(
        context.db,
        run=query.run,
        statuses=query.status or None,
        before=before(query.cursor),
        within=context.among(query.project),
        limit=query.limit + 1,
    )
    more, found = len(found) > query.limit, found[: query.limit]
    shapes = [
        shape.job_(job, run, public_url=context.public_url)
        for job, (_, run) in zip(context.unnamed([job for job, _ in found]), found, strict=True)
    ]
    return shape.items(shapes, more=cursor(found[-1][0].id) if more else None)


def _job(context: Context, query: inputs.JobId, _: None) -> Mapping[str, Any]:
    return shape.job_(*job_of(context, query.job), public_url=context.public_url)


def placed(context: Context, query: inputs.JobPlace) -> tuple[Job, Run]:
    """The job of a run at a place. Raises ApiError."""
    run = run_of(context, query.run)
    jobs = context.unnamed(ledger.jobs_of(context.db, [run.id], ahead=True)[run.id])
    wanted = (query.sub or "", query.recipe)
    job = next((job for job in jobs if (job.order.subproject, job.order.recipe.name) == wanted), None)
    if job is None:
        raise not_found(f"job {'/'.join(filter(None, wanted))} in run {run.id}")
    return job, run


def _placed(context: Context, query: inputs.JobPlace, _: None) -> Mapping[str, Any]:
    return shape.job_(*placed(context, query), public_url=context.public_url)


def _findings(context: Context, query: inputs.JobId, _: None) -> Mapping[str, Any]:
    job, _run = job_of(context, query.job)
    return shape.items(readings(context, [job]))


# --- what results mean -----------------------------------------------------------------------------------------------


def _verdicts_of_run(context: Context, query: inputs.RunId, _: None) -> Mapping[str, Any]:
    run = run_of(context, query.run)
    return shape.items(verdicts(context, ledger.jobs_of(context.db, [run.id])[run.id]))


def _verdicts(context: Context, query: inputs.Verdicts, _: None) -> Mapping[str, Any]:
    project = project_of(context, query.project)
    ref = full(query.branch) or project.default_ref(ledger.default_branch(context.db, project.name))
    last = [job for job, _ in ledger.bases(context.db, project.name, ref).values() if is_configured(project, job)]
    if not last and not ledger.runs_(context.db, project=project.name, ref=ref, limit=1):
        raise not_found(f"run of {project.name} on {query.branch or 'its default branch'}")
    return shape.items(verdicts(context, sorted(last, key=lambda job: job.id)))


def is_configured(project: config.Project, job: Job) -> bool:
    """Whether a place is still there: a recipe that was removed is red for nobody."""
    sub = project.subs.get(job.order.subproject)
    return sub is not None and job.order.recipe.name in sub.recipes


def verdicts(context: Context, jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """The verdict of each of the jobs that came to a result."""
    pasts = judging.pasts(context.db, context.settings, {job.id for job in jobs})
    judged = {id_: verdict.judge(past) for id_, past in pasts.items()}
    now = clock.now()
    read = ledger.found(context.db, {job.same_as or job.id for job in jobs})
    acks = ledger.acks_of(context.db, {job.order.project for job in jobs})
    firsts = {each.first.fingerprint for each in judged.values() if each.first is not None}
    looks = ledger.looks(context.db, list(judged), fingerprints=firsts) if firsts else {}

    def told(job: Job, found: Verdict) -> dict[str, Any]:
        reading, findings = read.get(job.same_as or job.id, (None, ()))
        sifted = None if reading is None else known.sift(reading, findings, acks[job.order.project], now)
        hidden = sifted.known if sifted is not None else ()
        lives = life.lives(looks.get(job.id, ()))
        return shape.verdict(
            found,
            life=lives.get(found.first.fingerprint) if found.first is not None else None,
            acks=tuple({ack.id: ack for ack in hidden}.values()),
            again=letter.again(found.run, job),
            said=sentences.of(found, verdict.mended(pasts[job.id]), hidden),
            now=now,
            public_url=context.public_url,
        )

    return [told(job, judged[job.id]) for job in jobs if job.id in judged]


# --- how branches stand ----------------------------------------------------------------------------------------------


def _branches(context: Context, query: inputs.Branches, _: None) -> Mapping[str, Any]:
    projects = projects_of(context)
    for name in query.project:
        if name not in projects:
            raise not_found(f"project {name}")
    chosen = {name: projects[name] for name in query.project or projects}
    return shape.items(branches(context, chosen))


def _branches_of(context: Context, query: inputs.ProjectName, _: None) -> Mapping[str, Any]:
    project = project_of(context, query.project)
    return shape.items(branches(context, {project.name: project}))


def branches(context: Context, projects: Mapping[str, config.Project]) -> list[dict[str, Any]]:
    """A line for each branch worth one: the default branches, and those on which something happened lately."""
    now = clock.now()
    learnt = ledger.default_branches(context.db)
    defaults = {name: project.default_ref(learnt.get(name)) for name, project in projects.items()}
    places = [place for place in ledger.branches(context.db, within=projects.keys()) if place[1].startswith(HEADS)]
    strips = ledger.strips(context.db, places, length=1) if places else {}
    shown = {
        place: runs[-1]
        for place, runs in strips.items()
        if runs and (place[1] == defaults[place[0]] or now - runs[-1].created_at < QUIET_MS)
    }
    jobs = ledger.jobs_of(context.db, [run.id for run in shown.values()])
    red: dict[tuple[str, str], list[Job]] = {place: [] for place in shown}
    for job in ledger.standing(context.db, within=projects.keys()):
        place = (job.order.project, job.order.ref)
        if place in red and job.is_red and is_configured(projects[place[0]], job):
            red[place].append(job)
    since = ledger.broken_since(context.db)
    order = sorted(shown, key=lambda place: (place[0], place[1] != defaults[place[0]], place[1]))
    return [
        shape.branch(
            *place,
            shown[place],
            context.unnamed(jobs[shown[place].id]),
            red[place],
            since=since,
            public_url=context.public_url,
        )
        for place in order
    ]


def _projects(context: Context, _: object, __: None) -> Mapping[str, Any]:
    learnt = ledger.default_branches(context.db)
    found = projects_of(context).items()
    return shape.items([_project_shape(context, project, learnt.get(name)) for name, project in found])


def _project(context: Context, query: inputs.ProjectName, _: None) -> Mapping[str, Any]:
    project = project_of(context, query.project)
    return _project_shape(context, project, ledger.default_branch(context.db, project.name))


def _project_shape(context: Context, project: config.Project, learnt: str | None) -> dict[str, Any]:
    return shape.project(
        project.name,
        description=project.description,
        default_branch=project.default_ref(learnt).removeprefix(HEADS),
        recipes=[
            f"{sub.name}:{recipe}" if sub.name else recipe for sub in project.subs.values() for recipe in sub.recipes
        ],
        schedules=list(project.schedules),
        public_url=context.public_url,
    )


OPERATIONS = (
    Operation(
        name="list_projects",
        method="GET",
        path="/projects",
        tier=Tier.READ,
        summary="Every project that the caller may see.",
        answer=outputs.Projects,
        do=_projects,
        tag="projects",
    ),
    Operation(
        name="get_project",
        method="GET",
        path="/projects/{project}",
        tier=Tier.READ,
        summary="One project.",
        query=inputs.ProjectName,
        answer=outputs.Project,
        do=_project,
        refusals=("not_found",),
        tag="projects",
    ),
    Operation(
        name="list_branches_of_project",
        method="GET",
        path="/projects/{project}/branches",
        tier=Tier.READ,
        summary="How the branches of a project stand.",
        query=inputs.ProjectName,
        answer=outputs.Branches,
        do=_branches_of,
        refusals=("not_found",),
        tag="projects",
    ),
    Operation(
        name="list_verdicts_of_branch",
        method="GET",
        path="/projects/{project}/verdicts",
        tier=Tier.READ,
        summary="What the last result of each recipe of a branch means, and what may be to blame.",
        query=inputs.Verdicts,
        answer=outputs.Verdicts,
        do=_verdicts,
        refusals=("not_found",),
        tag="projects",
    ),
    Operation(
        name="list_branches",
        method="GET",
        path="/branches",
        tier=Tier.READ,
        summary="How the branches of all projects stand.",
        query=inputs.Branches,
        answer=outputs.Branches,
        do=_branches,
        refusals=("not_found",),
        tag="projects",
    ),
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
        name="list_verdicts_of_run",
        method="GET",
        path="/runs/{run}/verdicts",
        tier=Tier.READ,
        summary="What each result of a run means, and what may be to blame.",
        query=inputs.RunId,
        answer=outputs.Verdicts,
        do=_verdicts_of_run,
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
