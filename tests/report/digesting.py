"""Windows for digests to tell of: places, results and verdicts, every field defaulted."""

import itertools
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from ctci.model import Place, Seen, Status, Verdict
from ctci.report import digest
from tests import make
from tests.report import telling

BERLIN = ZoneInfo("Europe/Berlin")
_numbers = itertools.count(1)


def at(text: str) -> int:
    """The Unix milliseconds of a time in Berlin in November 2026: `23 16:04`; other months are written in full."""
    written = text if "-" in text else f"2026-11-{text}"
    return round(datetime.fromisoformat(written).replace(tzinfo=BERLIN).timestamp() * 1000)


def seen(status: Status = Status.SUCCEEDED, when: str = "23 12:00", **fields: Any) -> Seen:
    number = next(_numbers)
    defaults: dict[str, Any] = {"job": number, "run": number, "status": status, "at": at(when), "seconds": 60.0}
    defaults |= {"commit": make.sha(number), "author": "Cy Odu", "subject": "Round up"}
    return Seen(**{**defaults, **fields})


def red(when: str = "23 12:00", **fields: Any) -> Seen:
    return seen(fields.pop("status", Status.FAILED), when, **fields)


def verdict(**fields: Any) -> Verdict:
    """What `judge` would make of a job of run `number`; the job's fields may be given beside the verdict's own."""
    own = {name: fields.pop(name) for name in tuple(fields) if name in Verdict.__dataclass_fields__}
    number = fields.pop("number", 1482)
    judged = {"job": telling.job(run=number, **fields), "run": telling.run(id=number), "word": "broke"}
    return Verdict(**{**judged, **own})


def place(**fields: Any) -> Place:
    defaults: dict[str, Any] = {"project": "shop", "ref": "refs/heads/main", "subproject": "api", "recipe": "test"}
    return Place(**{**defaults, **fields})


def facts(*places: Place, **fields: Any) -> digest.Facts:
    defaults: dict[str, Any] = {
        "date": "2026-11-24",
        "since": at("23 07:30"),
        "until": at("24 07:30"),
        "notify": "team",
        "timezone": "Europe/Berlin",
        "server_day": lambda at: datetime.fromtimestamp(at / 1000, BERLIN).strftime("%-d %b"),
        "title": "Acme CI",
        "public_url": "https://ci.example.org/",
        "places": places,
    }
    return digest.Facts(**{**defaults, **fields})
