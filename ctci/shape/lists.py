"""Lists of shapes, and a choice of their fields. Pure."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any


def items(found: Sequence[Mapping[str, Any]], *, more: str | None = None) -> dict[str, Any]:
    """A list; `more` is the opaque cursor of the next page."""
    return {"items": list(found), "next": more}


def pick(whole: Mapping[str, Any], fields: Collection[str]) -> dict[str, Any]:
    """Only `fields` of a shape, in the order asked for; of a list, of each of its items. No fields: all."""
    if not fields:
        return dict(whole)
    if set(whole) == {"items", "next"}:
        return {"items": [pick(each, fields) for each in whole["items"]], "next": whole["next"]}
    return {name: whole[name] for name in fields}
