"""A badge: which word a branch has, and the picture of it. Pure.

Text is measured by a table of our own and then held to that length, so it fits whichever font a reader has.
"""

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ctci import words
from ctci.model import FINISHED, WORST_FIRST, Job, Run, Status
from ctci.web import markup, strip

#: Runs of a strip.
BARS = 10
#: Characters of a label; the rest is cut.
LABEL = 60

#: Tenths of a pixel of each character from space to ~, at 11 px.
# fmt: off
_ASCII = (
    35, 44, 51, 92, 70, 105, 86, 30, 43, 43, 55, 92, 35, 40, 35, 37, 70, 70, 70, 70, 70, 70, 70, 70, 70, 70, 37, 37,
    92, 92, 92, 58, 110, 75, 75, 77, 85, 70, 63, 85, 83, 32, 32, 72, 61, 95, 82, 87, 66, 87, 76, 70, 67, 81, 75, 109,
    75, 67, 75, 43, 37, 43, 92, 55, 55, 67, 70, 60, 70, 68, 39, 70, 70, 31, 31, 64, 31, 107, 70, 67, 70, 70, 45, 57,
    43, 70, 65, 90, 65, 65, 58, 70, 37, 70, 92,
)
# fmt: on
#: Of what the table lacks: wide ones (CJK, most emoji), and all others.
_WIDE, _OTHER = 130, 85

_GREY = "#5d5b56"
_FILL = {"passing": "#1a7f37", "failing": "#cf222e", "running": "#0969da", "no runs": _GREY, "unknown": _GREY}
#: The names that shields has for these.
_COLOR = {
    "passing": "brightgreen",
    "failing": "red",
    "running": "blue",
    "no runs": "lightgrey",
    "unknown": "lightgrey",
}
_LINES = {"passing": "m0 4 3 3 6-7", "failing": "m1 0 7 7M8 0 1 7", "no runs": "M0 3.5h8", "unknown": "M0 3.5h8"}
_CLOCK = (
    '<circle cx="{x}" cy="10" r="4" fill="none" stroke="#fff" stroke-width="1.6"/>'
    '<path d="M{x} 6a4 4 0 0 1 0 8z" fill="#fff"/>'
)
_GROUND = "#2f3033"
_BAR = {Status.SUCCEEDED: "#7fb08d", Status.FAILED: "#ff7b72", Status.TIMED_OUT: "#f0883e", Status.ERRORED: "#f778ba"}
_LIVE, _STUB = "#4493f8", "#a3a099"
#: The height of the longest bar.
_HIGH = 10


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A run, or what was chosen of it."""

    status: Status
    seconds: float | None


def word(standing: Sequence[Job], newest: Status | None) -> str:
    """How a branch stands, by the last results of its recipes; a result stays until there is another.

    `running` while the first one is awaited; `unknown` where all that ran ended without one.
    """
    if standing:
        return "failing" if any(job.is_red for job in standing) else "passing"
    if newest is None:
        return "no runs"
    return "unknown" if newest in FINISHED else "running"


def of_runs(runs: Sequence[Run]) -> tuple[Bar, ...]:
    """The last runs, oldest first, as bars."""
    return tuple(Bar(status=run.status, seconds=strip.took(run)) for run in runs[-BARS:])


def of_jobs(chosen: Iterable[Sequence[Job]]) -> tuple[Bar, ...]:
    """The same of some jobs of each run; a run that had none of them has no bar."""
    found = [Bar(status=_worst(jobs), seconds=_together(jobs)) for jobs in chosen if jobs]
    return tuple(found[-BARS:])


def _worst(jobs: Sequence[Job]) -> Status:
    counted = [job.status for job in jobs if not job.order.recipe.allow_failure or job.status is Status.SUCCEEDED]
    return next((each for each in WORST_FIRST if each in counted), Status.SKIPPED)


def _together(jobs: Sequence[Job]) -> float:
    return sum(words.seconds(job, job.finished_at or 0) or 0 for job in jobs)


def endpoint(label: str, message: str) -> str:
    """The same as JSON, in the form that shields asks endpoints for."""
    told = {
        "schemaVersion": 1,
        "label": markup.line(label, LABEL),
        "message": message,
        "color": _COLOR[message],
        "isError": message == "unknown",
    }
    return json.dumps(told, ensure_ascii=False) + "\n"


def svg(label: str, message: str, shown: Sequence[Bar] | None = None) -> str:
    """The picture; with `shown` a strip of runs at its right."""
    label = markup.line(label, LABEL)
    wide = measure(label)
    left, right = wide + 14, measure(message) + 27
    full = left + right + (_strip_width(shown) if shown is not None else 0)
    title = f"{label}: {message}{_told(shown)}"
    extra = _strip(left + right, shown) if shown is not None else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{full}" height="20" viewBox="0 0 {full} 20" role="img"'
        f' aria-label="{markup.escaped(title)}"><title>{markup.escaped(title)}</title>'
        f'<clipPath id="r"><rect width="{full}" height="20" rx="3"/></clipPath><g clip-path="url(#r)">'
        f'<rect width="{left}" height="20" fill="{_GROUND}"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{_FILL[message]}"/>{extra}{_glyph(message, left)}</g>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f"{_text(label, 7)}{_text(message, left + 20)}</g></svg>\n"
    )


def measure(text: str) -> int:
    """Pixels that a text takes at 11 px, rounded up."""
    return -(-sum(map(_width, text)) // 10)


def _width(character: str) -> int:
    code = ord(character)
    if 32 <= code < 127:
        return _ASCII[code - 32]
    # What stands over or joins others takes no room of its own.
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return _WIDE if unicodedata.east_asian_width(character) in "WF" else _OTHER


def _text(text: str, x: int) -> str:
    held = f' textLength="{measure(text)}" lengthAdjust="spacingAndGlyphs"' if text else ""
    return f'<text x="{x}" y="14"{held}>{markup.escaped(text)}</text>'


def _glyph(message: str, left: int) -> str:
    if message == "running":
        return _CLOCK.format(x=left + 12)
    drawn = _LINES[message]
    return f'<path transform="translate({left + 8} 6.5)" d="{drawn}" fill="none" stroke="#fff" stroke-width="1.8"/>'


def _told(shown: Sequence[Bar] | None) -> str:
    """The strip in words."""
    if shown is None:
        return ""
    counted = Counter(bar.status for bar in shown)
    told = ", ".join(f"{counted[status]} {words.status(status)}" for status in Status if counted[status])
    return f"; last {words.count(len(shown), 'run')}: {told}" if shown else "; no runs"


def _strip_width(shown: Sequence[Bar]) -> int:
    return 4 * len(shown) + 8 if shown else 0


def _strip(x: int, shown: Sequence[Bar]) -> str:
    longest = max((bar.seconds or 0 for bar in shown), default=0) or 1
    ground = f'<rect x="{x}" width="{_strip_width(shown)}" height="20" fill="{_GROUND}"/>' if shown else ""
    return ground + "".join(_bar(bar, x + 5 + 4 * at, longest) for at, bar in enumerate(shown))


def _bar(bar: Bar, x: int, longest: float) -> str:
    high = max(2, round(_HIGH * (bar.seconds or 0) / longest))
    colour = _BAR.get(bar.status, _STUB)
    match bar.status:
        case Status.SUCCEEDED:
            return _box(x, 14 - high, high, colour)
        case Status.FAILED:
            return _box(x, 14 - high, high, colour) + _box(x, 15, 3, colour)
        case Status.TIMED_OUT:
            return _box(x, 14 - high, high, colour) + _box(x, 15, 1, colour) + _box(x, 17, 1, colour)
        case Status.ERRORED:
            return _hollow(x, 14 - high, high, colour)
        case Status.RUNNING:
            return _hollow(x, 5, 9, _LIVE)
        case _:
            return _box(x, 12, 2, colour)


def _box(x: int, y: int, high: int, colour: str) -> str:
    return f'<rect x="{x}" y="{y}" width="3" height="{high}" fill="{colour}"/>'


def _hollow(x: int, y: int, high: int, colour: str) -> str:
    inner = f'x="{x + 0.5}" y="{y + 0.5}" width="2" height="{max(1, high - 1)}"'
    return f'<rect {inner} fill="none" stroke="{colour}"/>'
