"""told, redeliver: what somebody outside was told, and once more."""

from collections.abc import Mapping
from typing import Any

from ctci import clock, shape, words
from ctci.cli import nouns, session, source, terminal

COLOURS = {"sent": "green", "given_up": "red"}


def told(fields: tuple[str, ...] | None, *, run: int | None, by: str | None, failed: bool, limit: int) -> int:
    """What was told, newest first."""
    where = source.find()
    found = shape.items([])
    if where.nothing is None:
        found = where.get("/sendings", by=by, run=run, failed=failed, limit=limit)
    if fields is not None:
        terminal.json(shape.pick(found, fields))
        return session.FINE
    if not found["items"]:
        terminal.note("nothing" if failed or by or run else "nothing yet: `notify` of a project says who is told")
    terminal.table([_row(each) for each in found["items"]])
    return session.FINE


def _row(sending: Mapping[str, Any]) -> list[terminal.Cell]:
    state, error = sending["state"], sending["error"]
    tries = words.count(sending["tries"], "try", "tries") if sending["tries"] > 1 or error else ""
    about = f"#{sending['run']}" if sending["run"] else ""
    when = clock.moment(nouns.at(sending["sent_at"] if state == "sent" and sending["sent_at"] else sending["due_at"]))
    shown = (state.replace("_", " "), COLOURS.get(state))
    return [sending["id"], when, sending["by"], sending["to"], about, shown, tries, error or ""]


def redeliver(number: int) -> int:
    """Have the server send it again. Raises Refused where it cannot be."""
    where = source.need()
    try:
        where.post("/sendings/{sending}/redeliver", {}, sending=f"s_{number}")
    except session.Refused as error:
        if error.code == session.ABSENT:
            raise session.Refused(
                f"{error.message}; see `ctci told` (a digest: `ctci digest send`)", error.code
            ) from None
        raise
    terminal.say(f"s_{number} is due again; the server sends it within seconds")
    return session.FINE
