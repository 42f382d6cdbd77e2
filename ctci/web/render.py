"""Facts to pages: the templates, what every page has, the static files with their hash, and a page for what went wrong.

Escapes everything; a name that a template misspells is an error, which a test finds.
"""

import hashlib
import mimetypes
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

import ctci
from ctci import clock, config, ledger, logs, words
from ctci.config.settings import Project
from ctci.model import short_ref
from ctci.report import saying
from ctci.web import found, sentences
from ctci.web.doors import Doors

HERE = Path(__file__).parent
#: Where a request keeps who asks.
VISITOR = "ctci.visitor"
#: Characters of a finding's message that a table shows.
MESSAGE = 300
#: What a page may load and do: its own files, nothing else.
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Static:
    """The static files, read once; a URL carries its file's hash, so it never changes."""

    def __init__(self, folder: Path) -> None:
        self._files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
        self._hashes = {name: hashlib.sha256(content).hexdigest()[:12] for name, content in self._files.items()}

    def path(self, name: str) -> str:
        """`static/HASH/NAME`."""
        return f"static/{self._hashes[name]}/{name}"

    def answer(self, hash_: str, name: str) -> Response | None:
        """The file, for good under its own hash; under an older one as it is now; None for no such file."""
        content = self._files.get(name)
        if content is None:
            return None
        kept = "public, max-age=31536000, immutable" if hash_ == self._hashes[name] else "no-cache"
        kind = "text/javascript" if name.endswith(".js") else mimetypes.guess_type(name)[0]
        return Response(content, media_type=kind, headers={"cache-control": kept})


static = Static(HERE / "static")


def environment() -> Environment:
    """The templates with the words they may use."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        number=words.number,
        size=words.size,
        duration=words.duration,
        sha=words.sha,
        veiled=words.veiled,
        status=words.status,
        job_href=sentences.job_href,
        iso=lambda at: clock.local(at).isoformat(timespec="seconds"),
        full=lambda at: clock.local(at).strftime("%a %d %b %Y, %H:%M:%S %Z"),
        weekday=lambda at: clock.local(at).strftime("%A"),
        clocked=clock.moment,
        branch=short_ref,
        query=lambda asked: urlencode({name: value for name, value in asked.items() if value}),
        shell=shlex.quote,
        first_line=_first_line,
        elapsed=_elapsed,
        short_name=words.short_name,
        brief=_brief,
    )
    made.globals.update(
        called=words.called,
        static=static.path,
        count=words.count,
        ago=words.ago,
        age=words.age,
        said=words.said,
        lived=words.lived,
        lives=words.LIVES,
        tallied=found.tally,
        novel=words.novel,
        seconds=words.seconds,
        branch_href=sentences.branch_href,
        asked=words.ASKED,
        silence=lambda silence: words.silence(silence, clock.moment),
        saying=saying,
        version=ctci.__version__,
    )
    return made


def doors(request: Request) -> Doors:
    """What the roof gave, and who asks."""
    given: Doors = request.app.state.doors
    visitor = request.scope.get(VISITOR)
    return given if visitor is None else replace(given, visitor=visitor)


def root(given: Doors) -> str:
    """The path that all pages are under: `/`, or `/ci/` behind a proxy that says so in `public-url`."""
    path = urlsplit(given.current.get().server.public_url).path
    return path if path.endswith("/") else f"{path}/"


def projects(doors: Doors) -> dict[str, Project]:
    """Every project that who asks may see: of a table of its own, of a folder, or seen before."""
    found = config.named(doors.current.get(), ledger.projects_(doors.db))
    return {name: project for name, project in found.items() if doors.sees(name)}


def project_names(doors: Doors, *more: str) -> list[str]:
    """What a page lets people choose from; `more` is what they have chosen."""
    return sorted({*projects(doors), *filter(None, more)})


def page(
    request: Request,
    template: str,
    *,
    verdict: sentences.Verdict,
    title: str = "",
    state: str = "idle",
    status: int = 200,
    **facts: Any,
) -> Response:
    """A whole page under its verdict."""
    given = doors(request)
    server = given.current.get().server
    text = _templates.get_template(template).render(
        root=root(given),
        server=server,
        verdict=verdict,
        title=sentences.PREFIX[state] + (title or verdict.text.rstrip(".")),
        state=state,
        broken=given.current.error,
        visitor=given.visitor,
        came_from=_here(request),
        now=clock.now(),
        short=short,
        **facts,
    )
    return HTMLResponse(text, status, headers={"cache-control": "no-cache"})


def fragment(request: Request, template: str, headers: dict[str, str], **facts: Any) -> Response:
    """A piece of a page, for its script."""
    text = _templates.get_template(template).render(root=root(doors(request)), **facts)
    return HTMLResponse(text, headers={"cache-control": "no-store", **headers})


def wrong(request: Request, status: int, sentence: str, advice: str = "") -> Response:
    """A page for what went wrong, in the look of the others."""
    verdict = sentences.Verdict(parts=(sentences.Part(sentence),))
    return page(request, "wrong.html", verdict=verdict, status=status, advice=advice, code=status)


def _here(request: Request) -> str:
    """Where one comes back to after signing in: the page that was asked for, without a secret in it."""
    asked = "" if "token" in request.query_params else request.url.query
    path = str(request.scope["path"]).removeprefix("/")
    return f"{path}?{asked}" if asked else path


def short(at: int, now: int) -> str:
    """`18:05` today, `23 Nov, 18:05` this year, `23 Nov 2025` before."""
    then, today = clock.local(at), clock.local(now)
    if then.date() == today.date():
        return then.strftime("%H:%M")
    return then.strftime("%-d %b, %H:%M" if then.year == today.year else "%-d %b %Y")


def _first_line(command: str) -> str:
    """A recipe's command in one line."""
    first, more, _ = command.strip().partition("\n")
    return f"{first} …" if more else first


def _brief(message: str) -> str:
    """What a tool said in one line of a table, with nothing in it that one would not see."""
    said = logs.clean(" ".join(message.split()).encode("utf-8", "replace"))
    return said if len(said) <= MESSAGE else f"{said[:MESSAGE]}…"


def _elapsed(seconds: float | None) -> str:
    """`31.0`, `12:05`, `1:02:03`; empty for an unknown time."""
    if seconds is None:
        return ""
    if seconds < 600:
        return f"{seconds:.1f}"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


_templates = environment()
