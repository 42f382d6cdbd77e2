"""`/badge/PROJECT.svg` and `.json`: how a branch stands, for a README; `/badge`: where one makes such an address.

An unknown name is no error but a grey badge: a broken picture would tell readers nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from ctci import config, ledger
from ctci.config import matrix
from ctci.config.settings import Project
from ctci.model import HEADS, Job, Status, place_of
from ctci.web import badge, conditional, markup, render, sentences
from ctci.web.doors import Doors

#: Others may keep it so long.
KEEP = "max-age=30"
#: What ends the name of a picture in Markdown.
_BRACKET, _ESCAPE = re.compile(r"([\\\[\]])"), r"\\\1"
ASKED = ("branch", "sub", "recipe", "style", "label")


@dataclass(frozen=True, kw_only=True)
class _Badge:
    label: str
    word: str
    bars: tuple[badge.Bar, ...]


def svg(request: Request) -> Response:
    """The picture."""
    found = _badge(request)
    strip = found.bars if request.query_params.get("style") == "strip" else None
    text = badge.svg(found.label, found.word, strip)
    return conditional.answer(request, text, kind="image/svg+xml", keep=KEEP)


def endpoint(request: Request) -> Response:
    """The same as JSON."""
    found = _badge(request)
    return conditional.answer(request, badge.endpoint(found.label, found.word), kind="application/json", keep=KEEP)


def page(request: Request) -> Response:
    """`/badge`: choose, look, copy."""
    doors = render.doors(request)
    asked = {name: request.query_params.get(name, "").strip() for name in ("project", *ASKED)}
    projects = sorted(render.projects(doors))
    project = asked.pop("project") or (projects[0] if projects else "")
    chosen = {name: value for name, value in asked.items() if value and (name, value) != ("style", "flat")}
    path = quote(project, safe="")
    base = doors.current.get().server.public_url
    picture = f"badge/{path}.svg{_query(chosen)}"
    label = markup.line(asked["label"] or _name(project, asked), badge.LABEL)
    ref = _ref(asked["branch"]) if asked["branch"] else None
    leads = sentences.branch_href(project, ref) if ref else f"runs?{urlencode({'project': project})}"
    return render.page(
        request,
        "badge.html",
        verdict=sentences.Verdict(parts=(sentences.Part("A badge tells how a branch stands, wherever it is shown."),)),
        title="Badges and feeds",
        projects=projects,
        project=project,
        asked=asked,
        base=base,
        picture=picture,
        json=f"badge/{path}.json{_query(chosen, but='style')}",
        leads=leads,
        label=label,
        markdown=f"[![{_BRACKET.sub(_ESCAPE, label)}]({base}{picture})]({base}{leads})",
        html=_html(label, base + picture, base + leads),
        feed=f"p/{path}/feed.atom",
        monitor=f"cctray.xml?{urlencode({'project': project})}",
    )


def _query(chosen: Mapping[str, str], but: str = "") -> str:
    kept = {name: value for name, value in chosen.items() if name != but}
    return f"?{urlencode(kept)}" if kept else ""


def _html(label: str, picture: str, leads: str) -> str:
    return markup.element("a", {"href": leads}, markup.element("img", {"src": picture, "alt": label}))


def _badge(request: Request) -> _Badge:
    doors = render.doors(request)
    name = request.path_params["project"]
    asked = {each: request.query_params.get(each, "").strip() for each in ASKED}
    label = asked["label"] or _name(name, asked)
    project = render.projects(doors).get(name)
    if project is None or not _has(project, asked):
        return _Badge(label=label, word="unknown", bars=())
    default = project.default_ref(ledger.default_branch(doors.db, name))
    ref = _ref(asked["branch"]) if asked["branch"] else default
    standing = [
        job
        for (sub, recipe), (job, _) in ledger.bases(doors.db, name, ref).items()
        if _is_asked(asked, sub, recipe) and config.configured(project, sub, recipe)
    ]
    bars: tuple[badge.Bar, ...] = ()
    if asked["style"] == "strip" or not standing:
        bars = _bars(doors, name, ref, asked)
    if not standing and not bars and ref != default:
        return _Badge(label=label, word="unknown", bars=())
    return _Badge(label=label, word=badge.word(standing, bars[-1].status if bars else None), bars=bars)


def _name(project: str, asked: Mapping[str, str]) -> str:
    """`shop`, `shop/api:test`, `shop release/1.0`."""
    place = place_of(asked["sub"], asked["recipe"]) if asked["recipe"] else asked["sub"]
    join = ("/" if asked["sub"] else ":") if place else ""
    return f"{project}{join}{place}{' ' if asked['branch'] else ''}{asked['branch']}"


def _ref(branch: str) -> str:
    return branch if branch.startswith("refs/") else HEADS + branch


def _has(project: Project, asked: Mapping[str, str]) -> bool:
    """Whether the project has what is asked about."""
    return any(_is_asked(asked, sub, recipe) for sub in project.subs for recipe in project.subs[sub].recipes)


def _is_asked(asked: Mapping[str, str], sub: str, recipe: str) -> bool:
    """Whether a recipe is meant; `test` means all of `test[py=3.11]`."""
    return asked["sub"] in ("", sub) and (not asked["recipe"] or bool(matrix.named(asked["recipe"], (recipe,))))


def _bars(doors: Doors, project: str, ref: str, asked: Mapping[str, str]) -> tuple[badge.Bar, ...]:
    """The last runs of the branch, oldest first; with a subproject or recipe only what they did of it."""
    runs = ledger.strips(doors.db, [(project, ref)])[project, ref]
    if not asked["sub"] and not asked["recipe"]:
        return badge.of_runs(runs)
    jobs = ledger.jobs_of(doors.db, [run.id for run in runs])
    return badge.of_jobs(_chosen(jobs[run.id], asked) for run in runs)


def _chosen(jobs: tuple[Job, ...], asked: Mapping[str, str]) -> list[Job]:
    return [
        job
        for job in jobs
        if job.status is not Status.SKIPPED and _is_asked(asked, job.order.subproject, job.order.recipe.name)
    ]
