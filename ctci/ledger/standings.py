"""How each place stands: its last conclusive job, the last green one, the first red one since. Kept by what ends a job.

A rerun stands where its original stood, so that running an old run again never overwrites a newer result.
"""

from typing import Any

from sqlalchemy import Connection, and_, select, tuple_, update

from ctci.ledger.engine import insert_or_ignore
from ctci.ledger.tables import jobs, standing
from ctci.model import CONCLUSIVE, RED, Status

_KEY = ("project", "ref", "subproject", "recipe")


def stand(connection: Connection, row: Any) -> None:
    """Take a conclusive job (a row of `jobs`) into the standing of its place, in the caller's transaction."""
    place = {name: getattr(row, name) for name in _KEY}
    here = and_(*(standing.c[name] == value for name, value in place.items()))
    insert_or_ignore(connection, standing, _KEY, **place)
    known = connection.execute(select(standing).where(here).with_for_update()).one()
    now: dict[str, int | None]
    if known.last_job is not None and (row.as_of, row.id) < (known.last_as_of, known.last_job):
        now = _again(connection, place)
    elif row.status == Status.SUCCEEDED:
        now = {"last_job": row.id, "last_as_of": row.as_of, "green_job": row.id, "red_job": None}
    else:
        now = {"last_job": row.id, "last_as_of": row.as_of, "red_job": known.red_job or row.id}
    connection.execute(update(standing).where(here).values(**now))


def _again(connection: Connection, place: dict[str, Any]) -> dict[str, int | None]:
    """The standing from the jobs themselves: one came out of order."""
    here = and_(*(jobs.c[name] == value for name, value in place.items()))
    order = tuple_(jobs.c.as_of, jobs.c.id)
    found = select(jobs.c.id, jobs.c.as_of).where(here).limit(1)
    newest = found.order_by(jobs.c.as_of.desc(), jobs.c.id.desc())
    last = connection.execute(newest.where(jobs.c.status.in_(CONCLUSIVE))).one()
    green = connection.execute(newest.where(jobs.c.status == Status.SUCCEEDED)).one_or_none()
    reds = found.where(jobs.c.status.in_(RED)).order_by(jobs.c.as_of, jobs.c.id)
    if green is not None:
        reds = reds.where(order > tuple_(green.as_of, green.id))
    red = connection.execute(reds).one_or_none()
    return {
        "last_job": last.id,
        "last_as_of": last.as_of,
        "green_job": green.id if green else None,
        "red_job": red.id if red else None,
    }
