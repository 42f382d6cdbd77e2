"""`/config`: what is in force, with file and line, and what is wrong with what is not."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from ctci.config.settings import Config, Project
from ctci.model import place_of
from ctci.web import overviews, render


@dataclass(frozen=True, kw_only=True)
class Row:
    """A project that is in force."""

    project: Project
    #: `projects.toml:12`; of one that [each] stands for, where that is.
    at: str
    #: Its recipes by place.
    recipes: tuple[str, ...]


def configuration(request: Request) -> Response:
    """The whole page."""
    doors = render.doors(request)
    settings = doors.current.get()
    rows = tuple(_row(settings, project) for project in render.projects(doors).values())
    error = doors.current.error
    return render.page(
        request,
        "config.html",
        verdict=overviews.configuration(len(rows), sum(len(row.recipes) for row in rows), broken=error is not None),
        title="Config",
        state="broken" if error is not None else "idle",
        nav="config",
        rows=rows,
        refused=error.problems if error is not None else (),
        noted=settings.problems,
        loaded_at=doors.current.loaded_at,
        tried_at=doors.current.tried_at,
        files=tuple(settings.shown(path) for path in settings.files if path.exists()),
        folder=settings.folder,
        each={name: (each, settings.where("each", name) or "") for name, each in settings.each.items()},
        notify={name: (notify, settings.where("notify", name) or "") for name, notify in settings.notify.items()},
    )


def _row(settings: Config, project: Project) -> Row:
    recipes = tuple(place_of(sub.name, name) for sub in project.subs.values() for name in sub.recipes)
    return Row(project=project, at=settings.where_of(project) or "", recipes=recipes)
