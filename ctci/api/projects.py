"""Projects, and how their branches stand."""

from collections.abc import Mapping
from typing import Any

from ctci import clock, config, ledger, shape
from ctci.api import inputs, outputs
from ctci.api.operation import Context, Operation
from ctci.api.problem import not_found
from ctci.api.visible import project_of, projects_of
from ctci.model import HEADS, Job, Tier, place_of

#: A branch that is no default branch is not told of when nothing has happened on it for so long, milliseconds.
QUIET_MS = 14 * 86400 * 1000


class Break(outputs.Given):
    """A place that is red, by its last job, and the run that broke it."""

    name: str
    place: str
    job: int
    since_run: int


class Branch(outputs.Given):
    """How a branch stands."""

    project: str
    branch: str
    ref: str
    red: bool
    failing: list[str]
    breaks: list[Break]
    run: outputs.Run


class Branches(outputs.Given):
    """How each branch stands."""

    items: list[Branch]
    next: str | None


class Project(outputs.Given):
    """A project as it is configured."""

    name: str
    description: str
    default_branch: str
    recipes: list[str]
    schedules: list[str]
    html_url: str


class Projects(outputs.Given):
    """Every project."""

    items: list[Project]
    next: str | None


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
        if (
            place in red
            and job.is_red
            and config.configured(projects[place[0]], job.order.subproject, job.order.recipe.name)
        ):
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
        recipes=[place_of(sub.name, recipe) for sub in project.subs.values() for recipe in sub.recipes],
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
        answer=Projects,
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
        answer=Project,
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
        answer=Branches,
        do=_branches_of,
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
        answer=Branches,
        do=_branches,
        refusals=("not_found",),
        tag="projects",
    ),
)
