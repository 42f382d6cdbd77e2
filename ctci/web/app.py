"""All routes of the server, on one screen."""

from typing import Any

from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from ctci import clock
from ctci.model import Tier
from ctci.web import (
    agents,
    api,
    auth,
    badges,
    configuration,
    digest,
    events,
    feed,
    guard,
    health,
    home,
    hooks,
    joblog,
    letters,
    livelog,
    metrics,
    monitor,
    pages,
    queue,
    rates,
    reference,
    render,
    schedule,
    signing_in,
)
from ctci.web.doors import Doors
from ctci.web.guard import Guard


class Number(Convertor[int]):
    """A number that a ledger can hold; a longer one is no page."""

    regex = "[0-9]{1,18}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


register_url_convertor("number", Number())


def build(doors: Doors) -> Starlette:
    """The application; `doors` lies in its state."""
    app = Starlette(
        routes=[
            Route("/", home.home),
            Route("/runs", pages.runs),
            Route("/runs/{run:number}", pages.run),
            Route("/runs/{run:number}/{recipe}", joblog.of_run),
            Route("/runs/{run:number}/{sub}/{recipe}", joblog.of_run),
            Route("/jobs/{job:number}", joblog.of_job),
            Route("/jobs/{job:number}/log", joblog.raw),
            Route("/queue", queue.queue),
            Route("/schedule", schedule.schedule),
            Route("/deliveries", pages.deliveries),
            Route("/digest", digest.page),
            Route("/digest.json", digest.as_json),
            Route("/config", configuration.configuration),
            Route("/health", health.health),
            Route("/docs/api", reference.page),
            Route("/me/digest", letters.letters, methods=["GET", "POST"]),
            Route("/feed.atom", feed.feed),
            Route("/p/{project}/feed.atom", feed.feed),
            Route("/cctray.xml", monitor.monitor),
            Route("/metrics", metrics.metrics),
            Route("/badge", badges.page),
            Route("/badge/{project}.svg", badges.svg),
            Route("/badge/{project}.json", badges.endpoint),
            Route("/sign-in", signing_in.sign_in, methods=["GET", "POST"]),
            Route("/sign-out", signing_in.sign_out, methods=["POST"]),
            *api.aliases(),
            *api.routes(),
            Route("/mcp", agents.Agents()),
            *hooks.routes(),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/static/{hash}/{name}", static),
            Route("/favicon.ico", favicon),
        ],
        middleware=[Middleware(Guard)],
        exception_handlers={HTTPException: wrong},
    )
    # It would lead to whatever host the caller names.
    app.router.redirect_slashes = False
    app.state.doors = doors
    app.state.wrongs = auth.Wrongs()
    app.state.form_key = clock.new_token()
    app.state.rates = rates.Rates()
    app.state.feed = events.Feed(doors)
    app.state.tails = livelog.Tails(doors)
    #: How many answers go on and on.
    app.state.streams = 0
    return app


async def healthz(_: Request) -> Response:
    """The process is alive; asks nobody."""
    return PlainTextResponse("ok\n", headers={"cache-control": "no-store"})


def readyz(request: Request) -> Response:
    """Whether everything that should run does, with reasons; 503 if not.

    Why it does not, and how much there is to do, is told to who may see all projects.
    """
    doors = render.doors(request)
    said: dict[str, Any] = dict(doors.ready())
    if not (doors.visitor.may(Tier.READ) and doors.visitor.sees_all):
        said = {"ok": said["ok"]}
    return JSONResponse(said, 200 if said["ok"] else 503, headers={"cache-control": "no-store"})


def static(request: Request) -> Response:
    """A static file."""
    found = render.static.answer(request.path_params["hash"], request.path_params["name"])
    return found or render.wrong(request, 404, "There is no such file.")


def favicon(request: Request) -> Response:
    """For who asks without having read a page."""
    return RedirectResponse(render.root(render.doors(request)) + render.static.path("favicon-idle.svg"))


def wrong(request: Request, error: Exception) -> Response:
    """What Starlette itself refuses: no such page, a method that a page does not have."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    sentence = "There is no such page." if status == 404 else "This page is only read."
    advice = "" if status == 404 else "Use `ctci` for what changes something."
    return guard.refuse(request, status, sentence, advice, headers=dict(headers or {}))
