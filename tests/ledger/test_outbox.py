"""What is owed to somebody outside: said once, the last word wins, and held by one at a time."""

from typing import Any

import pytest

from ctci import ledger
from ctci.model import Owed, Sending
from tests.conftest import StoppedClock

HOUR = 3_600_000


def letter(job: int, **fields: Any) -> Owed:
    defaults: dict[str, Any] = {"key": f"k{job}", "to": "team", "run": 1, "jobs": (job,), "due": 0}
    return Owed(**{**defaults, "message_id": f"<{job}@x>", **fields})


def status(state: str, **fields: Any) -> Owed:
    defaults: dict[str, Any] = {"key": "ctci@c1", "to": "ctci@c1", "run": 1, "due": 0, "body": {"state": state}}
    return Owed(**{**defaults, "replaces": True, **fields})


def take(db: ledger.Ledger, holder: str = "me", **fields: Any) -> tuple[Sending, ...]:
    return ledger.take(db, "mail", holder=holder, **{"hold_ms": HOUR, **fields})


def test_one_still_due_takes_more_jobs_of_its_run_in(db: ledger.Ledger) -> None:
    ledger.owe(db, sink="mail", seq=1, owed=[letter(1)])
    ledger.owe(db, sink="mail", seq=2, owed=[letter(2), letter(2), letter(3, run=2), letter(4, to="bo")])

    assert [(each.to, each.run, each.jobs) for each in take(db, limit=5)] == [
        ("team", 1, (1, 2)),
        ("team", 2, (3,)),
        ("bo", 1, (4,)),
    ]
    assert ledger.cursor(db, "mail") == 2


def test_one_is_owed_once(db: ledger.Ledger) -> None:
    ledger.owe(db, sink="mail", owed=[letter(1)])
    ledger.sent(db, take(db), holder="me", message_id="<other@x>", body={"subject": "x"})

    ledger.owe(db, sink="mail", owed=[letter(1)])

    assert take(db) == ()
    (kept,) = ledger.sendings_(db)
    assert (kept.state, kept.tries, kept.message_id, kept.body) == ("sent", 1, "<other@x>", {"subject": "x"})


@pytest.mark.parametrize(("delay_ms", "state"), [(5000, "due"), (None, "given_up")])
def test_one_that_did_not_go_is_due_later_or_given_up(
    db: ledger.Ledger, stopped_clock: StoppedClock, delay_ms: int | None, state: str
) -> None:
    ledger.owe(db, sink="mail", owed=[letter(1)])

    ledger.failed(db, take(db), holder="me", error="451 later", delay_ms=delay_ms)

    (kept,) = ledger.sendings_(db)
    assert (kept.state, kept.tries, kept.last_error, kept.held_by) == (state, 1, "451 later", None)
    assert take(db) == ()
    stopped_clock.move(5)
    assert len(take(db)) == (1 if state == "due" else 0)


def test_one_is_held_by_one_at_a_time_until_its_holder_is_done_or_gone(
    db: ledger.Ledger, stopped_clock: StoppedClock
) -> None:
    ledger.owe(db, sink="mail", owed=[letter(1)])

    first = take(db, "a")
    meanwhile = take(db, "b")
    due = ledger.next_due(db, "mail")
    stopped_clock.move(3600)
    second = take(db, "b")
    ledger.sent(db, first, holder="a")
    late = ledger.sendings_(db)
    ledger.release(db, "b")
    third = take(db, "c")
    ledger.sent(db, second, holder="b")
    ledger.sent(db, third, holder="c")

    assert (len(first), meanwhile, len(second), len(third)) == (1, (), 1, 1)
    assert due == HOUR + stopped_clock.at - HOUR
    assert [(each.state, each.held_by) for each in late] == [("due", "b")]
    assert [(each.state, each.tries) for each in ledger.sendings_(db)] == [("sent", 2)]


def test_what_is_held_takes_nothing_in(db: ledger.Ledger) -> None:
    ledger.owe(db, sink="mail", owed=[letter(1)])
    taken = take(db)
    ledger.owe(db, sink="mail", owed=[letter(2)])
    ledger.sent(db, taken, holder="me")

    assert [each.jobs for each in take(db)] == [(2,)]


def test_the_last_word_wins_whatever_is_on_its_way(db: ledger.Ledger) -> None:
    ledger.owe(db, sink="mail", owed=[status("pending")])
    ledger.owe(db, sink="mail", owed=[status("running")])
    first = take(db)
    ledger.owe(db, sink="mail", owed=[status("success")])
    ledger.sent(db, first, holder="me", message_id="running")
    second = take(db)
    ledger.failed(db, second, holder="me", error="502", delay_ms=None)
    ledger.owe(db, sink="mail", owed=[status("success")])
    settled = take(db)
    ledger.owe(db, sink="mail", owed=[status("failure")])
    third = take(db)

    assert [each.body for each in (*first, *second, *third)] == [
        {"state": "running"},
        {"state": "success"},
        {"state": "failure"},
    ]
    # The word that had not changed was not tried again.
    assert settled == ()
    assert third[0].tries == 0


def test_a_failure_of_an_old_word_is_none_of_the_new_one(db: ledger.Ledger) -> None:
    ledger.owe(db, sink="mail", owed=[status("pending")])
    first = take(db)
    ledger.owe(db, sink="mail", owed=[status("success")])

    ledger.failed(db, first, holder="me", error="401", delay_ms=None)

    assert [(each.state, each.tries, each.body) for each in take(db)] == [("due", 0, {"state": "success"})]


def test_what_was_last_said_is_known_when_there_is_something_newer(db: ledger.Ledger) -> None:
    ledger.owe(db, sink="mail", owed=[status("pending")])
    ledger.sent(db, take(db), holder="me", message_id="pending")
    ledger.owe(db, sink="mail", owed=[status("success")])

    assert [each.message_id for each in take(db)] == ["pending"]


def test_what_waits_for_more_is_hastened_for_whom_nothing_is_to_come(
    db: ledger.Ledger, stopped_clock: StoppedClock
) -> None:
    later = stopped_clock.at + HOUR
    ledger.owe(db, sink="mail", owed=[letter(1, due=later), letter(2, to="bo", due=later), letter(3, to="cy")])
    ledger.failed(db, take(db), holder="me", error="451 later", delay_ms=HOUR)

    waiting = ledger.waiting(db, "mail")
    ledger.hasten(db, sink="mail", to=["bo", "cy"])

    assert waiting == {"team", "bo"}
    assert [each.to for each in take(db, limit=5)] == ["bo"]


def test_the_last_to_each_is_kept_when_old_ones_are_forgotten(db: ledger.Ledger) -> None:
    for number in (1, 2, 3):
        ledger.owe(db, sink="mail", owed=[letter(number, run=0, jobs=(), state="quiet", to="ab"[number % 2])])

    assert {to: each.key for to, each in ledger.last_to(db, "mail").items()} == {"a": "k2", "b": "k3"}
    assert ledger.forget_sendings(db, before=1) == 1
    assert [each.key for each in ledger.sendings_(db)] == ["k3", "k2"]


@pytest.mark.parametrize("error", [None, "answered 410"])
def test_what_is_over_may_be_told_once_more_as_if_it_had_not_been(db: ledger.Ledger, error: str | None) -> None:
    ledger.owe(db, sink="webhook", owed=[Owed(key="webhook/ops/1", to="ops:1", due=0, message_id="msg_1")])
    taken = ledger.take(db, "webhook", holder="me", hold_ms=1000)
    if error is None:
        ledger.sent(db, taken, holder="me")
    else:
        ledger.failed(db, taken, holder="me", error=error, delay_ms=None)

    done = ledger.redeliver(db, taken[0].id, sinks=("webhook",))

    (again,) = ledger.take(db, "webhook", holder="me", hold_ms=1000)
    assert done
    assert (again.message_id, again.tries, again.last_error) == ("msg_1", 0, None)


def test_what_is_due_or_unknown_is_not_told_once_more(db: ledger.Ledger) -> None:
    ledger.owe(db, sink="webhook", owed=[Owed(key="webhook/ops/1", to="ops:1", due=0)])
    (due,) = ledger.sendings_(db)

    assert not ledger.redeliver(db, due.id, sinks=("webhook",))
    assert not ledger.redeliver(db, due.id + 1, sinks=("webhook",))


def test_what_did_not_go_can_be_asked_for(db: ledger.Ledger) -> None:
    for number, (error, delay_ms) in enumerate([(None, None), ("away", 60_000), ("gone", None)]):
        ledger.owe(db, sink="webhook", owed=[Owed(key=f"webhook/ops/{number}", to=f"ops:{number}", due=0)])
        taken = ledger.take(db, "webhook", holder="me", hold_ms=1000)
        if error is None:
            ledger.sent(db, taken, holder="me")
        else:
            ledger.failed(db, taken, holder="me", error=error, delay_ms=delay_ms)

    assert [each.last_error for each in ledger.sendings_(db, missed=True)] == ["gone", "away"]


def test_what_another_sink_has_sent_is_not_told_once_more(db: ledger.Ledger) -> None:
    ledger.owe(db, sink="digest", owed=[Owed(key="digest/team/1", to="team", due=0)])
    taken = ledger.take(db, "digest", holder="me", hold_ms=1000)
    ledger.sent(db, taken, holder="me")

    assert not ledger.redeliver(db, taken[0].id, sinks=("webhook",))
    assert [each.state for each in ledger.sendings_(db)] == ["sent"]


def test_what_was_only_held_back_counts_as_no_try(db: ledger.Ledger) -> None:
    ledger.owe(db, sink="mail", owed=[letter(1)])

    ledger.failed(db, take(db), holder="me", error="held back", delay_ms=5000, tried=False)

    (kept,) = ledger.sendings_(db)
    assert (kept.state, kept.tries, kept.last_error, kept.held_by) == ("due", 0, "held back", None)


def test_what_its_holder_may_have_sent_takes_nothing_in(db: ledger.Ledger) -> None:
    ledger.owe(db, sink="mail", owed=[letter(1)])
    take(db)
    ledger.release(db, "me")

    ledger.owe(db, sink="mail", owed=[letter(2)])

    assert sorted(each.jobs for each in take(db)) == [(1,), (2,)]


def test_what_overtakes_ends_what_its_receiver_was_owed_before_and_nobody_holds(db: ledger.Ledger) -> None:
    ledger.owe(db, sink="mail", owed=[letter(1, run=1)])
    take(db)
    ledger.owe(db, sink="mail", owed=[letter(2, run=2), letter(3, run=3, to="bo")])

    ledger.owe(db, sink="mail", owed=[letter(4, run=4)], overtaking="the next tells of it")

    states = {each.key: (each.state, each.last_error) for each in ledger.sendings_(db)}
    assert states == {
        "k1": ("due", None),
        "k2": ("dropped", "the next tells of it"),
        "k3": ("due", None),
        "k4": ("due", None),
    }


def test_what_was_owed_already_overtakes_nothing(db: ledger.Ledger) -> None:
    ledger.owe(db, sink="mail", owed=[letter(1, run=1)])
    ledger.owe(db, sink="mail", owed=[letter(2, run=2)])

    ledger.owe(db, sink="mail", owed=[letter(1, jobs=())], overtaking="the next tells of it")

    assert {each.key: each.state for each in ledger.sendings_(db)} == {"k1": "due", "k2": "due"}


def test_what_is_dropped_is_no_fault_and_can_be_asked_for_again(db: ledger.Ledger) -> None:
    ledger.owe(db, sink="mail", owed=[letter(1)])
    taken = take(db)
    ledger.failed(db, taken, holder="me", error="away", delay_ms=0)
    taken = take(db)

    ledger.drop(db, taken, holder="another", reason="it is not theirs")
    ledger.drop(db, taken, holder="me", reason="nobody wants it")

    (kept,) = ledger.sendings_(db)
    assert (kept.state, kept.tries, kept.last_error, kept.held_by) == ("dropped", 1, "nobody wants it", None)
    assert ledger.unsent(db, since=0) == ledger.sendings_(db, missed=True) == take(db) == ()
    assert ledger.redeliver(db, kept.id, sinks=["mail"])
    assert [each.id for each in take(db)] == [kept.id]
