"""told, redeliver: what somebody outside was told, and once more."""

from ctci import clock, ledger, shape, words
from ctci.cli import session, terminal
from ctci.model import Sending

#: What can be sent again. A digest cannot: where the next one begins goes by it; `ctci digest send` sends another.
AGAIN = ("mail", "status", "webhook", "apprise", "heartbeat")
COLOURS = {"sent": "green", "given_up": "red"}


def told(fields: tuple[str, ...] | None, *, run: int | None, by: str | None, failed: bool, limit: int) -> int:
    """What was told, newest first."""
    db = session.open_ledger(session.ground().layout)
    found = ledger.sendings_(db, sink=by, run=run, missed=failed, limit=limit) if db is not None else ()
    if fields is not None:
        terminal.json(shape.pick(shape.items([shape.sending(each) for each in found]), fields))
        return session.FINE
    if not found:
        terminal.note("nothing" if failed or by or run else "nothing yet: `notify` of a project says who is told")
    terminal.table([_row(each) for each in found])
    return session.FINE


def _row(sending: Sending) -> list[terminal.Cell]:
    state = sending.state.replace("_", " ")
    tries = words.count(sending.tries, "try", "tries") if sending.tries > 1 or sending.last_error else ""
    about = f"#{sending.run}" if sending.run else ""
    when = clock.moment(sending.sent_at if sending.state == "sent" and sending.sent_at else sending.due)
    shown = (state, COLOURS.get(sending.state))
    return [f"s_{sending.id}", when, sending.sink, sending.to, about, shown, tries, sending.last_error or ""]


def redeliver(number: int) -> int:
    """Have the server send it again. Raises Refused where it cannot be."""
    db = session.need_ledger(session.ground().layout)
    if ledger.redeliver(db, number, sinks=AGAIN):
        terminal.say(f"s_{number} is due again; the server sends it within seconds")
        return session.FINE
    raise session.Refused(
        f"s_{number} is not there, is due already or is a digest (`ctci digest send`); see `ctci told`", session.ABSENT
    )
