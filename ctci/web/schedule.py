"""`/schedule`: what runs without a push, and when; and what became of it."""

import datetime as dt
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from ctci import clock
from ctci.receive import agenda
from ctci.web import overviews, render

DAYS = 14


@dataclass(frozen=True, kw_only=True)
class Row:
    """One coming time."""

    #: Empty where it is that of the row before.
    day: str
    local: str
    utc: str
    of: agenda.Ahead


def schedule(request: Request) -> Response:
    """The whole page."""
    doors = render.doors(request)
    now = clock.now()
    found = agenda.agenda(doors.db, doors.current.get(), now=now, days=DAYS, within=doors.within)
    calls = [each.fired.delivery for each in found.past if each.missed]
    missed = [f"{call.project}: {call.reason}" for call in calls]
    zones = sorted({each.schedule.timezone for each in found.ahead})
    return render.page(
        request,
        "schedule.html",
        verdict=overviews.schedule(found.ahead, len(missed), now),
        title="Schedule",
        nav="schedule",
        rows=_rows(found.ahead),
        more=found.more,
        missed=missed,
        told=agenda.told,
        past=found.past,
        zones=zones,
        days=DAYS,
    )


def _rows(ahead: tuple[agenda.Ahead, ...]) -> list[Row]:
    rows: list[Row] = []
    last = None
    for each in ahead:
        date = each.local.date()
        utc = dt.datetime.fromtimestamp(each.nominal.at / 1000, dt.UTC)
        day = f"{each.local:%a} {each.local.day} {each.local:%b}" if date != last else ""
        rows.append(Row(day=day, local=f"{each.local:%H:%M}", utc=f"{utc:%H:%M}", of=each))
        last = date
    return rows
