"""The lines that green logs of a place had: each as a number, with how many greens ago it was seen last.

A place is here a project's subproject and recipe, on whatever branch: lines are of the tools, not of the branch, and a
new branch whose first result is red has no green log of its own. A pushed branch that is green teaches the others too.
"""

import struct
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, and_, delete, exists, select, update

from ctci.ledger.engine import Ledger, insert_or_ignore, now_ms
from ctci.ledger.tables import jobs, lines
from ctci.model import Lines, Order

#: Of so many green logs the lines are kept.
GREENS = 20
#: Lines of a place that are kept, of each kind.
MOST = 20_000
_KEY = ("project", "subproject", "recipe")
_KINDS = ("words", "whole")


def learnt(db: Ledger, order: Order) -> Lines | None:
    """The lines of the last green logs of a place; None where there was none.

    A kind of them is None while one of these logs had more than are kept.
    """
    place = (order.project, order.subproject, order.recipe.name)
    with db.read() as connection:
        row = connection.execute(select(lines).where(_here(place))).one_or_none()
    if row is None:
        return None
    told = {
        kind: frozenset(_ages(getattr(row, kind))) if getattr(row, f"{kind}_over") is None else None for kind in _KINDS
    }
    return Lines(way=row.way, **told)


def learn(connection: Connection, job: Any, seen: Lines) -> None:
    """Take the lines of a green log in, in the transaction of its caller; `job` is the row of what wrote it."""
    place = (job.project, job.subproject, job.recipe)
    new = dict(zip(_KEY, place, strict=True))
    insert_or_ignore(connection, lines, _KEY, **new, way=seen.way, words=b"", whole=b"")
    row = connection.execute(select(lines).where(_here(place)).with_for_update()).one()
    now: dict[str, Any] = {}
    for kind in _KINDS:
        ages, over = _ages(getattr(row, kind)), getattr(row, f"{kind}_over")
        if row.way != seen.way:
            ages, over = {}, None
        ages, now[f"{kind}_over"] = _older(ages, over, getattr(seen, kind))
        now[kind] = _packed(ages)
    connection.execute(update(lines).where(_here(place)).values(way=seen.way, at=now_ms(), **now))


def forget(connection: Connection) -> None:
    """Forget the lines of places that no job is of any more, in the transaction of its caller."""
    same = and_(*(jobs.c[name] == lines.c[name] for name in _KEY))
    connection.execute(delete(lines).where(~exists().where(same)))


def _here(place: Collection[str]) -> Any:
    return and_(*(lines.c[name] == value for name, value in zip(_KEY, place, strict=True)))


def _older(ages: Mapping[int, int], over: int | None, seen: frozenset[int] | None) -> tuple[dict[int, int], int | None]:
    """One green log later: the ages of the lines, and how many greens ago there were too many of them."""
    now = {number: age + 1 for number, age in ages.items() if age + 1 < GREENS}
    over = None if over is None or over + 1 >= GREENS else over + 1
    if seen is None:
        return now, 0
    now.update(dict.fromkeys(seen, 0))
    if len(now) > MOST:
        youngest = sorted(now.items(), key=lambda each: (each[1], each[0]))[:MOST]
        return dict(youngest), 0
    return now, over


def _packed(ages: Mapping[int, int]) -> bytes:
    """Four bytes for each number, then one for each age."""
    return struct.pack(f"<{len(ages)}I", *ages) + bytes(ages.values())


def _ages(packed: bytes) -> dict[int, int]:
    count = len(packed) // 5
    return dict(zip(struct.unpack(f"<{count}I", packed[: 4 * count]), packed[4 * count :], strict=True))
