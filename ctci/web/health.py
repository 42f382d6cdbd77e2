"""`/health`: what ctci itself suffers of, and what mends it. It looks; `ctci doctor` also tries."""

from starlette.requests import Request
from starlette.responses import Response

from ctci.api import server, wellness
from ctci.web import api, render, sentences

#: The glyph of each state, and the status whose colour it has.
MARKS = {
    wellness.WELL: ("succeeded", "succeeded"),
    wellness.WARNING: ("errored", "timed_out"),
    wellness.WRONG: ("errored", "errored"),
}


def health(request: Request) -> Response:
    """The whole page."""
    facts = server.health(api.context(request, render.doors(request)))
    found = wellness.checks(facts)
    said = wellness.verdict(found)
    wrong = any(check.state == wellness.WRONG for check in found)
    return render.page(
        request,
        "health.html",
        verdict=sentences.Verdict(parts=(sentences.Part(said.text),), status=said.status),
        title="Health",
        state="broken" if wrong else "idle",
        nav="health",
        checks=found,
        marks=MARKS,
        well=sum(check.state == wellness.WELL for check in found),
        room=facts.room,
        unsent=facts.unsent or (),
    )
