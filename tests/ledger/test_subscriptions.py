"""Subscriptions: one row per receiver, changed by whoever knows its token, and by nobody else."""

import re

import pytest
from sqlalchemy import event, select

from ctci import ledger
from ctci.ledger.tables import subscriptions
from ctci.model import AT_ONCE, DIGEST, Owed, Wishes
from tests.conftest import StoppedClock

ANA, BO = "team:ana@example.org", "team:bo@example.org"


def owed(to: str, key: str, **fields: object) -> Owed:
    defaults = {"key": key, "to": to, "run": 1, "jobs": (), "due": 5, "message_id": f"<{key}@x>"}
    return Owed(**{**defaults, **fields})  # type: ignore[arg-type] # a test's own fields


def test_a_receiver_has_one_token_that_is_made_at_first_need(db: ledger.Ledger) -> None:
    assert ledger.subscriptions_of(db, [ANA]) == {}

    made, other = ledger.subscription(db, ANA), ledger.subscription(db, BO)

    assert (made.to, made.stopped, made.wishes, made.changed_at) == (ANA, {}, Wishes(), None)
    assert re.fullmatch("[0-9a-f]{32}", made.token)
    assert made.token != other.token
    assert ledger.subscription(db, ANA) == made == ledger.subscription_by(db, made.token)
    assert ledger.subscriptions_of(db, [ANA, BO, "ops:cy@example.org"]) == {ANA: made, BO: other}


def test_an_address_is_the_same_in_upper_case(db: ledger.Ledger) -> None:
    made = ledger.subscription(db, "team:Ana@Example.org")

    ledger.stop(db, made.token, [AT_ONCE])

    assert ledger.subscription(db, ANA).token == made.token
    assert [*ledger.subscriptions_of(db, [ANA])[ANA].stopped] == [AT_ONCE]


def test_two_servers_that_need_a_token_at_once_have_one(db: ledger.Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def first() -> str:
        # The other server, between our look and our write.
        monkeypatch.undo()
        made.append(ledger.subscription(db, ANA).token)
        return "0" * 32

    monkeypatch.setattr("ctci.clock.new_token", first)

    assert [ledger.subscription(db, ANA).token] == made
    with db.read() as connection:
        assert len(connection.execute(select(subscriptions)).all()) == 1


def test_what_is_stopped_stays_so_since_then(db: ledger.Ledger, stopped_clock: StoppedClock) -> None:
    token = ledger.subscription(db, ANA).token
    at = stopped_clock.at
    assert ledger.stop(db, token, [DIGEST])
    stopped_clock.move(60)

    assert ledger.stop(db, token, [DIGEST, AT_ONCE])

    stopped = ledger.subscription(db, ANA)
    assert (stopped.stopped, stopped.changed_at) == ({DIGEST: at, AT_ONCE: at + 60_000}, at + 60_000)
    assert ledger.resume(db, token, [DIGEST])
    assert ledger.subscription(db, ANA).stopped == {AT_ONCE: at + 60_000}


def test_wishes_take_each_others_place(db: ledger.Ledger) -> None:
    token = ledger.subscription(db, ANA).token
    wishes = Wishes(only=("shop", "blog"), at="09:00", days=("mon", "thu"), timezone="Europe/Berlin")

    assert ledger.wish_for(db, token, wishes)
    assert ledger.subscription(db, ANA).wishes == wishes

    assert ledger.wish_for(db, token, Wishes(at="10:00"))
    assert ledger.subscription(db, ANA).wishes == Wishes(at="10:00")
    assert ledger.wish_for(db, token, Wishes())
    assert ledger.subscription(db, ANA).wishes == Wishes()


@pytest.mark.parametrize("token", ["", "0" * 32, "' OR 1=1 --", "\0", "\ud800", "%", "_" * 32, "é" * 5000])
def test_a_token_that_nobody_has_changes_nothing(db: ledger.Ledger, token: str) -> None:
    mine = ledger.subscription(db, ANA)

    assert ledger.subscription_by(db, token) is None
    assert not ledger.stop(db, token, [DIGEST, AT_ONCE], sinks=["mail"])
    assert not ledger.resume(db, token, [DIGEST])
    assert not ledger.wish_for(db, token, Wishes(at="09:00"))
    assert ledger.subscription(db, ANA) == mine


def test_the_hash_of_a_token_is_no_token(db: ledger.Ledger) -> None:
    ledger.subscription(db, ANA)
    with db.read() as connection:
        mark = connection.execute(select(subscriptions.c.mark)).scalar_one()

    assert ledger.subscription_by(db, mark) is None


def test_what_is_stopped_is_no_more_owed(db: ledger.Ledger, stopped_clock: StoppedClock) -> None:
    token = ledger.subscription(db, ANA).token
    letters = [owed(ANA, "held"), owed(ANA, "later", due=stopped_clock.at + 1, run=2), owed(BO, "of another")]
    ledger.owe(db, sink="mail", owed=letters[:1])
    (held,) = ledger.take(db, "mail", holder="me", hold_ms=60_000)
    ledger.owe(db, sink="mail", owed=letters[1:])
    ledger.owe(db, sink="status", owed=[owed(ANA, "of another sink")])

    ledger.stop(db, token, [AT_ONCE], sinks=["mail"])

    assert [each.key for each in ledger.sendings_(db)] == ["of another sink", "of another", "held"]
    ledger.sent(db, [held], holder="me")
    assert [each.state for each in ledger.sendings_(db, sink="mail")] == ["due", "sent"]


def test_the_subscriptions_of_many_are_one_query(db: ledger.Ledger) -> None:
    receivers = [f"team:{number}@example.org" for number in range(9)]
    for to in receivers:
        ledger.subscription(db, to)
    asked: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))

    found = ledger.subscriptions_of(db, receivers)

    assert len({each.token for each in found.values()}) == 9
    assert sum("SELECT" in statement for statement in asked) == 1


def test_a_token_is_not_shown_where_a_subscription_is(db: ledger.Ledger) -> None:
    made = ledger.subscription(db, ANA)

    assert made.token not in repr(made)
