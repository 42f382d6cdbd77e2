"""`/health` and `/health.json`: what ctci itself suffers of, and what mends it. It looks; `ctci doctor` also tries."""

import json
import shutil
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

import ctci
from ctci import clock, ledger, shape, words
from ctci.config.settings import Config
from ctci.model import Sending, Silence
from ctci.receive import sweep
from ctci.web import render, wellness
from ctci.web.doors import Doors

#: The glyph of each state, and the status whose colour it has.
MARKS = {
    wellness.WELL: ("succeeded", "succeeded"),
    wellness.WARNING: ("errored", "timed_out"),
    wellness.WRONG: ("errored", "errored"),
}


def health(request: Request) -> Response:
    """The whole page."""
    facts = _facts(render.doors(request))
    found = wellness.checks(facts)
    wrong = any(check.state == wellness.WRONG for check in found)
    return render.page(
        request,
        "health.html",
        verdict=wellness.verdict(found),
        title="Health",
        state="broken" if wrong else "idle",
        nav="health",
        checks=found,
        marks=MARKS,
        well=sum(check.state == wellness.WELL for check in found),
        room=facts.room,
        unsent=facts.unsent or (),
    )


def as_json(request: Request) -> Response:
    """The same for programs; 200 in any case: /readyz is what a supervisor asks."""
    found = wellness.checks(_facts(render.doors(request)))
    told = {
        "ok": all(check.state != wellness.WRONG for check in found),
        "verdict": wellness.verdict(found).text,
        "version": ctci.__version__,
        "at": shape.time(clock.now()),
        "checks": [
            {
                "name": each.name.lower(),
                "state": each.state.replace(" ", "_"),
                "said": each.said,
                "fix": each.fix or None,
            }
            for each in found
        ],
    }
    content = json.dumps(told, ensure_ascii=False, indent=1) + "\n"
    return Response(content, media_type="application/json", headers={"cache-control": "no-store"})


def _facts(doors: Doors) -> wellness.Facts:
    settings, now = doors.current.get(), clock.now()
    disk = shutil.disk_usage(doors.layout.data)
    unsent, silences = _held_up(doors, settings, now)
    return wellness.Facts(
        ready=doors.ready(),
        room=wellness.Room(free=disk.free, total=disk.total, floor=settings.server.disk_floor),
        read=f"read {words.ago(doors.current.loaded_at, now)}",
        warnings=sum(problem.severity == "warning" for problem in settings.problems),
        unsent=unsent,
        silences=[words.silence(each, clock.moment) for each in silences],
    )


def _held_up(doors: Doors, settings: Config, now: int) -> tuple[Sequence[Sending] | None, Sequence[Silence]]:
    """Messages that did not go, and webhooks that do not call; no messages where the ledger cannot be read."""
    try:
        return ledger.unsent(doors.db, since=now - words.UNSENT_MS), sweep.silences(doors.db, settings)
    except ledger.Away:
        return None, ()
