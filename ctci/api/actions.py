"""What is asked for: run, rerun, cancel; each is written down with who asked."""

from collections.abc import Mapping, Sequence
from typing import Any

from ctci import ledger, shape
from ctci.api import inputs, outputs, visible
from ctci.api.operation import Context, Operation
from ctci.api.problem import ApiError
from ctci.model import Recorded, Tier
from ctci.receive import desk


def _run(context: Context, _: object, body: inputs.Ask) -> Mapping[str, Any]:
    return ask(
        context,
        project=body.project,
        subproject=body.subproject,
        recipe=body.recipe,
        ref=visible.full(body.ref),
        commit=body.commit,
        variables=body.variables,
        reason=body.reason,
    )


def _run_of_project(context: Context, query: inputs.ProjectName, body: inputs.AskOfProject) -> Mapping[str, Any]:
    return ask(
        context,
        project=query.project,
        subproject=body.subproject,
        recipe=body.recipe,
        ref=visible.full(body.branch),
        commit=body.commit,
        variables={},
    )


def ask(
    context: Context,
    *,
    project: str,
    subproject: str | None,
    recipe: str | None,
    ref: str | None,
    commit: str | None,
    variables: Mapping[str, str],
    reason: str = "",
) -> Mapping[str, Any]:
    """Ask for recipes of a project. Raises ApiError."""
    visible.project_of(context, project)
    try:
        recorded = desk.request(
            context.db,
            context.settings,
            project=project,
            subproject=subproject,
            recipe=recipe,
            ref=ref,
            commit=commit,
            variables=variables,
            by=context.visitor.name,
        )
    except desk.DeskError as error:
        raise ApiError("invalid", str(error)) from error
    named = f"{project}{f'/{subproject}' if subproject else ''}{f':{recipe}' if recipe else ''}"
    context.did(f"ran {named}{f': {reason}' if reason else ''}", project=project, run=recorded.run)
    return asked(context, recorded)


def asked(context: Context, recorded: Recorded) -> Mapping[str, Any]:
    """What became of a wish, as JSON."""
    return shape.asked(
        run=recorded.run,
        decision=recorded.decision,
        reason=recorded.reason,
        jobs=[place for _, place in recorded.jobs],
        public_url=context.public_url,
    )


def _rerun(context: Context, query: inputs.RunId, body: inputs.Again) -> Mapping[str, Any]:
    run = visible.run_of(context, query.run)
    settings = context.settings if body.current else None
    try:
        recorded = desk.rerun(context.db, run.id, by=context.visitor.name, failed=body.failed, current=settings)
    except desk.DeskError as error:
        raise ApiError("conflict", str(error)) from error
    context.did(f"ran #{run.id} again", project=run.project, run=recorded.run)
    return asked(context, recorded)


def _cancel(context: Context, query: inputs.RunId, body: inputs.Cancel) -> Mapping[str, Any]:
    run = visible.run_of(context, query.run)
    by, reason = context.visitor.name, body.reason
    told: Sequence[tuple[int, int]]
    if body.jobs:
        theirs = {job.id for job in ledger.jobs_of(context.db, [run.id])[run.id]}
        strange = [job for job in body.jobs if job not in theirs]
        if strange:
            raise ApiError(
                "invalid",
                f"Run {run.id} has no job {strange[0]}.",
                errors=[{"pointer": "/jobs", "detail": f"{job} is no job of run {run.id}"} for job in strange],
            )
        told = [ledger.ask_cancel(context.db, by=by, reason=reason, job=job) for job in body.jobs]
    else:
        told = [ledger.ask_cancel(context.db, by=by, reason=reason, run=run.id)]
    ended, wished = (sum(each) for each in zip(*told, strict=True))
    context.did(f"cancelled #{run.id}", project=run.project, run=run.id)
    return {
        "run": run.id,
        "ended": ended,
        "asked": wished,
        "html_url": shape.run_url(context.public_url, run.id),
    }


OPERATIONS = (
    Operation(
        name="create_run",
        method="POST",
        path="/runs",
        tier=Tier.TRIGGER,
        summary="Run recipes of a project on a branch's head, or at one commit.",
        body=inputs.Ask,
        answer=outputs.Asked,
        status=202,
        do=_run,
        refusals=("not_found", "invalid"),
    ),
    Operation(
        name="create_run_of_project",
        method="POST",
        path="/projects/{project}/jobs",
        tier=Tier.TRIGGER,
        summary="Run recipes of a project, asked for as scripts of small CI servers do.",
        query=inputs.ProjectName,
        body=inputs.AskOfProject,
        answer=outputs.Asked,
        status=202,
        do=_run_of_project,
        refusals=("not_found", "invalid"),
        tag="projects",
    ),
    Operation(
        name="rerun",
        method="POST",
        path="/runs/{run}/rerun",
        tier=Tier.TRIGGER,
        summary="Run a run again, at the same commit.",
        query=inputs.RunId,
        body=inputs.Again,
        answer=outputs.Asked,
        status=202,
        do=_rerun,
        refusals=("not_found", "conflict"),
    ),
    Operation(
        name="cancel",
        method="POST",
        path="/runs/{run}/cancel",
        tier=Tier.TRIGGER,
        summary="End a run, or some of its jobs; what runs is dead within ten seconds.",
        query=inputs.RunId,
        body=inputs.Cancel,
        answer=outputs.Cancelled,
        do=_cancel,
        refusals=("not_found", "invalid"),
    ),
)
