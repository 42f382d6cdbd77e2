"""`/feed.atom` and `/p/PROJECT/feed.atom`: what broke and what was fixed, for readers of feeds; `?only=broke,fixed`."""

from collections.abc import Iterator
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from ctci import ledger
from ctci.model import Verdict
from ctci.report import verdict
from ctci.web import atom, conditional, render, standings
from ctci.web.doors import Doors

#: Entries of a feed.
ENTRIES = 50
#: Jobs that may be worth an entry: a run may break many at once, and each is judged by all that was before it.
JOBS = 120


def feed(request: Request) -> Response:
    """The whole feed; it asks the ledger a fixed number of times, whatever there is."""
    doors = render.doors(request)
    project: str | None = request.path_params.get("project")
    if project is not None and project not in render.projects(doors):
        return render.wrong(request, 404, f"There is no project {project}.")
    asked = request.query_params.get("only", "")
    only = sorted({word.strip() for word in asked.split(",") if word.strip()})
    if set(only) - set(verdict.WORDS):
        return render.wrong(request, 400, f"There is no word {asked}.", f"`only` takes {', '.join(verdict.WORDS)}.")
    server = doors.current.get().server
    changes = (each for each in _changes(doors, project) if each.word in (only or verdict.WORDS))
    news = atom.entries(changes, most=ENTRIES)
    base = f"p/{quote(project, safe='')}/feed.atom" if project else "feed.atom"
    text = atom.document(
        news,
        title=f"{server.title}: {project or 'all projects'}",
        public_url=server.public_url,
        path=f"{base}?only={','.join(only)}" if only else base,
        page=f"runs?{urlencode({'project': project})}" if project else "",
    )
    kind, modified = "application/atom+xml", news[0].updated if news else None
    return conditional.answer(request, text, kind=kind, keep="no-cache", modified=modified)


def _changes(doors: Doors, project: str | None) -> Iterator[Verdict]:
    """What each of the last jobs means that may have changed how its place stands; of those that did."""
    turned = ledger.turned(doors.db, project=project, within=doors.within, limit=JOBS)
    known = standings.verdicts(doors, turned)
    yield from (known[id_] for id_ in turned if id_ in known and known[id_].change)
