"""What is there for who asks: what is missing and what may not be seen are one, after the same queries."""

from collections.abc import Mapping

from ctci import config, ledger
from ctci.api.operation import Context
from ctci.api.problem import not_found
from ctci.model import HEADS, Job, Run


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


def last_of(context: Context, project: config.Project, branch: str | None) -> tuple[str, list[Job]]:
    """(the full name of the ref, the last conclusive job of each recipe that is still configured, by their ids).

    Without a branch those of the default branch.
    """
    ref = full(branch) or project.default_ref(ledger.default_branch(context.db, project.name))
    last = (job for job, _ in ledger.bases(context.db, project.name, ref).values())
    here = [job for job in last if config.configured(project, job.order.subproject, job.order.recipe.name)]
    return ref, sorted(here, key=lambda job: job.id)
