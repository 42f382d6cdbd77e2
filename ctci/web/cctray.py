"""`cctray.xml`: one element per branch and subproject, in the form that CCMenu and other monitors read. Pure."""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ctci import shape
from ctci.model import Job, Status
from ctci.web import markup

#: What a name may not have in it: it is an NMTOKEN, and `:` is between its parts.
_NO_NAME = re.compile(
    "[^-._A-Za-z0-9\xb7\xc0-\xd6\xd8-\xf6\xf8-\u037d\u037f-\u1fff\u203f\u2040\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff"
    "\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff]"
)

#: Project, branch and subproject; that is empty where the project has just one.
Place = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Lamp:
    """How one place stands. Times are Unix milliseconds."""

    place: Place
    #: `Success`, `Failure`, `Exception` or `Unknown`.
    status: str
    #: Whether a job of it waits or runs.
    building: bool
    #: The run of the last result, and when it ended; without any the newest run, and when it came.
    run: int
    at: int
    #: When its schedule fires next.
    next_at: int | None = None


def status(standing: Sequence[Job], newest: Sequence[Job]) -> str:
    """By the last results of the place, and the jobs of its newest run: what ctci could not run hides nothing red."""
    if any(job.is_red for job in standing):
        return "Failure"
    if any(job.status is Status.ERRORED for job in newest):
        return "Exception"
    return "Success" if standing else "Unknown"


def document(lamps: Sequence[Lamp], public_url: str) -> str:
    """The whole answer."""
    called = names([lamp.place for lamp in lamps])
    elements = (
        "\n "
        + markup.element(
            "Project",
            {
                "name": called[lamp.place],
                "activity": "Building" if lamp.building else "Sleeping",
                "lastBuildStatus": lamp.status,
                "lastBuildLabel": lamp.run,
                "lastBuildTime": shape.time(lamp.at),
                "nextBuildTime": shape.time(lamp.next_at),
                "webUrl": shape.run_url(public_url, lamp.run),
            },
        )
        for lamp in lamps
    )
    return markup.DECLARATION + markup.element("Projects", {}, *elements, "\n" if lamps else "") + "\n"


def names(places: Sequence[Place]) -> Mapping[Place, str]:
    """`shop:main:api` of each; where two would be called the same, those that had to be changed have a number too."""
    plain = {place: ":".join(_part(part) for part in place if part) for place in places}
    taken = Counter(plain.values())
    return {
        place: name if taken[name] == 1 or name == _exact(place) else f"{name}-{_number(place)}"
        for place, name in plain.items()
    }


def _part(text: str) -> str:
    shown = "".join(character if character.isprintable() else "-" for character in text)
    return _NO_NAME.sub("-", shown)


def _exact(place: Place) -> str | None:
    return None if any(":" in part for part in place) else ":".join(part for part in place if part)


def _number(place: Place) -> str:
    """The same for the same place, whatever else there is."""
    return hashlib.sha256("\0".join(place).encode("utf-8", "replace")).hexdigest()[:8]
