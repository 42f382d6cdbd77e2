"""Lists of shapes, and a choice of their fields. Pure."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ctci.shape import times


def items(found: Sequence[Mapping[str, Any]], *, more: str | None = None) -> dict[str, Any]:
    """A list; `more` is the opaque cursor of the next page."""
    return {"items": list(found), "next": more}


def pick(whole: Mapping[str, Any], fields: Collection[str]) -> dict[str, Any]:
    """Only `fields` of a shape, in the order asked for; of a list, of each of its items. No fields: all."""
    if not fields:
        return dict(whole)
    if {"items", "next"} <= set(whole):
        return {**whole, "items": [pick(each, fields) for each in whole["items"]]}
    return {name: whole[name] for name in fields}


def log_line(number: int, text: str, at: int | None, cut: int) -> dict[str, Any]:
    """A line of a log as plain text; `at`: when it was written (Unix ms); `cut`: bytes of it that are left out."""
    return {"number": number, "text": text, "at": times.time(at), "cut_bytes": cut}


def project(
    name: str,
    *,
    description: str,
    default_branch: str,
    recipes: Sequence[str],
    schedules: Sequence[str],
    public_url: str,
) -> dict[str, Any]:
    """A project as it is configured."""
    return {
        "name": name,
        "description": description,
        "default_branch": default_branch,
        "recipes": list(recipes),
        "schedules": list(schedules),
        "html_url": f"{public_url.rstrip('/')}/runs?project={quote(name, safe='')}",
    }
