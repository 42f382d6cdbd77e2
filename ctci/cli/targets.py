"""What people type to name a run, a job or a project's recipes -> what it names. Pure."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ctci.cli import nouns
from ctci.model import HEADS

_RUN = re.compile(r"#?(\d{1,18})(?:/(.+))?")
_RUN_PAGE = re.compile(r"https?://.*/runs/(\d{1,18})(?:/([^?#]*))?(?:[?#].*)?")
_JOB_PAGE = re.compile(r"https?://.*/jobs/(\d{1,18})(?:[/?#].*)?")
_RECIPES = re.compile(r"([^/:\s]+)(?:/([^:\s]+))?(?::(\S+))?")
_FINDING = re.compile(r"[0-9a-f]{4,32}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_AHEAD = re.compile(r"([0-9]{1,4})([dw])")
_DELIVERY = re.compile(r"(?:d_)?(\d{1,18})")
_SENDING = re.compile(r"(?:s_)?(\d{1,18})")


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a word names: a run by its number, one job by its id, or the newest run of a project."""

    run: int | None = None
    job: int | None = None
    project: str | None = None
    #: Which jobs: `api`, `api:test`, `test`, or empty for all.
    path: str = ""


@dataclass(frozen=True, kw_only=True)
class Recipes:
    """PROJECT[/SUB][:RECIPE]."""

    project: str
    subproject: str | None
    recipe: str | None


def target(text: str) -> Target | None:
    """Of `12`, `#12/api:test`, `12/api/test`, `shop/api:test` or the address of a page; None for none of these."""
    page = _JOB_PAGE.fullmatch(text)
    if page is not None:
        return Target(job=int(page[1]))
    found = _RUN_PAGE.fullmatch(text) or _RUN.fullmatch(text)
    if found is not None:
        return Target(run=int(found[1]), path=(found[2] or "").strip("/"))
    named = recipes(text)
    if named is None or "://" in text:
        return None
    return Target(project=named.project, path=":".join(filter(None, (named.subproject, named.recipe))))


def on(text: str) -> tuple[Target | None, str | None]:
    """Of `shop/api@dev` what it names and the full name of its ref; None for none."""
    named, at, name = ("", "", "") if "://" in text else text.partition("@")
    if not at:
        return target(text), None
    found = target(named) if name else None
    return (found, ref(name)) if found is not None and found.project is not None else (None, None)


def recipes(text: str) -> Recipes | None:
    """Of `shop`, `shop/api`, `shop/api:test` or `shop:test`; None for none of these."""
    found = _RECIPES.fullmatch(text)
    return Recipes(project=found[1], subproject=found[2], recipe=found[3]) if found else None


def delivery(text: str) -> int | None:
    """Of `d_81` or `81`."""
    found = _DELIVERY.fullmatch(text)
    return int(found[1]) if found else None


def sending(text: str) -> int | None:
    """Of `s_81` or `81`."""
    found = _SENDING.fullmatch(text)
    return int(found[1]) if found else None


def finding(text: str) -> str | None:
    """The beginning of a fingerprint, of at least four hex digits; None for none."""
    return text.lower() if _FINDING.fullmatch(text.lower()) else None


def last_day(text: str, today: dt.date) -> dt.date | None:
    """Of `2026-12-24`, `3d` or `2w` from today; None for none of these, and for a day that there is not."""
    ahead = _AHEAD.fullmatch(text)
    if ahead is not None:
        return today + dt.timedelta(days=int(ahead[1]) * (7 if ahead[2] == "w" else 1))
    try:
        return dt.date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def ref(text: str) -> str:
    """The full name: `main` is a branch, `refs/tags/v1` is what it says."""
    return text if text.startswith("refs/") else HEADS + text


def page(before: str | None) -> dict[str, int | str | None]:
    """Where a page begins, in the API's words: before a number, or at what `next` of the page before says."""
    if before is not None and before.isdecimal() and before.isascii():
        return {"before": int(before)}
    return {"cursor": before}


def select(jobs: Sequence[nouns.Job], path: str) -> tuple[nouns.Job, ...]:
    """The jobs that `path` names: a place, else a subproject, else a recipe of any; empty: all."""
    if not path:
        return tuple(jobs)
    wanted = path.replace(":", "/")
    by_place = tuple(job for job in jobs if nouns.place(job).replace(":", "/") == wanted)
    by_subproject = tuple(job for job in jobs if job["subproject"] == wanted)
    by_recipe = tuple(job for job in jobs if job["recipe"] == wanted)
    return by_place or by_subproject or by_recipe
