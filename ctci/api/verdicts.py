"""What results mean against what was before, and what may be to blame."""

from collections.abc import Mapping, Sequence
from typing import Any

from ctci import clock, ledger, model, shape
from ctci.api import inputs, outputs, sentences, visible
from ctci.api.operation import Context, Operation
from ctci.api.problem import not_found
from ctci.model import Job, Tier
from ctci.report import judging, letter, read, verdict


class Seen(outputs.Given):
    """A result of the past."""

    run: int
    job: int
    sha: str | None
    author: str | None
    at: str | None


class Changed(outputs.Given):
    """Something of the machine, or a version, that is another now."""

    name: str
    before: str | None
    now: str | None


class Slower(outputs.Given):
    """That a recipe takes longer than it did."""

    usual_s: float
    now_s: float
    since: Seen | None


class Mended(outputs.Given):
    """The end of the last break of a place that is green."""

    run: int
    at: str | None
    sentence: str


class Verdict(outputs.Given):
    """What a result means against what was before, and what may be to blame.

    In words: `sentences`; `held`, of a try, against the branch; `known`, what is acknowledged; `asides`, what else is
    not well.
    """

    project: str
    branch: str
    subproject: str | None
    recipe: str
    name: str
    word: str
    red: bool
    since: Seen | None
    last_green: Seen | None
    first: outputs.Finding | None
    tests: outputs.Tests | None
    errors: int
    new_errors: int
    cause: str | None
    suspects: list[outputs.Commit]
    changed: list[Changed]
    flaky: Any
    slower: Slower | None
    acknowledged: list[Any]
    again: list[str]
    held: str | None
    sentences: list[str]
    known: list[str]
    asides: list[str]
    mended: Mended | None
    run: int
    job: int
    status: str
    reason: str | None
    finished_at: str | None
    html_url: str


class Verdicts(outputs.Given):
    """The verdict of each recipe."""

    items: list[Verdict]
    next: str | None


def _of_run(context: Context, query: inputs.RunId, _: None) -> Mapping[str, Any]:
    run = visible.run_of(context, query.run)
    return shape.items(_told(context, ledger.jobs_of(context.db, [run.id])[run.id]))


def _of_branch(context: Context, query: inputs.Verdicts, _: None) -> Mapping[str, Any]:
    project = visible.project_of(context, query.project)
    ref, last = visible.last_of(context, project, query.branch)
    if not last and not ledger.runs_(context.db, project=project.name, ref=ref, limit=1):
        raise not_found(f"run of {project.name} on {query.branch or 'its default branch'}")
    return shape.items(_told(context, last))


def _told(context: Context, jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """The verdict of each of the jobs that came to a result."""
    pasts = judging.pasts(context.db, context.settings, {job.id for job in jobs})
    judged = {id_: verdict.judge(past) for id_, past in pasts.items()}
    now = clock.now()
    known = read.of(context.db, jobs, now)
    firsts = {each.first.fingerprint for each in judged.values() if each.first is not None}
    lives = read.lives(context.db, list(judged), firsts)

    def told(job: Job, found: model.Verdict) -> dict[str, Any]:
        hidden = known[job.id].sifted.known if job.id in known else ()
        return shape.verdict(
            found,
            life=lives[job.id].get(found.first.fingerprint) if found.first is not None else None,
            acks=tuple({ack.id: ack for ack in hidden}.values()),
            again=letter.again(found.run, job),
            said=sentences.of(found, verdict.mended(pasts[job.id]), hidden),
            now=now,
            public_url=context.public_url,
        )

    return [told(job, judged[job.id]) for job in jobs if job.id in judged]


OPERATIONS = (
    Operation(
        name="list_verdicts_of_branch",
        method="GET",
        path="/projects/{project}/verdicts",
        tier=Tier.READ,
        summary="What the last result of each recipe of a branch means, and what may be to blame.",
        query=inputs.Verdicts,
        answer=Verdicts,
        do=_of_branch,
        refusals=("not_found",),
        tag="projects",
    ),
    Operation(
        name="list_verdicts_of_run",
        method="GET",
        path="/runs/{run}/verdicts",
        tier=Tier.READ,
        summary="What each result of a run means, and what may be to blame.",
        query=inputs.RunId,
        answer=Verdicts,
        do=_of_run,
        refusals=("not_found",),
    ),
)
