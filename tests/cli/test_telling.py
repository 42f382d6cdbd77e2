"""told, redeliver: what was told outside, and once more."""

import json

import pytest

from ctci import ledger
from ctci.model import Owed
from tests.cli.calling import Caller


@pytest.fixture
def calls(db: ledger.Ledger) -> tuple[int, int]:
    """Numbers of a call that went and of one that did not."""
    for number in (1, 2):
        owed = Owed(key=f"webhook/ops/{number}", to=f"ops:run.finished/{number}", run=number, due=0, message_id="msg_1")
        ledger.owe(db, sink="webhook", owed=[owed])
        taken = ledger.take(db, "webhook", holder="me", hold_ms=1000)
        if number == 1:
            ledger.sent(db, taken, holder="me")
        else:
            ledger.failed(db, taken, holder="me", error="hooks.example.org answered 410, Gone", delay_ms=None)
    bad, good = ledger.sendings_(db)
    return good.id, bad.id


def test_it_lists_what_was_told_and_what_did_not_go(ctci: Caller, calls: tuple[int, int]) -> None:
    good, bad = calls

    all_, failed, of_run = ctci("told"), ctci("told", "--failed"), ctci("told", "1", "--by", "webhook")

    assert [line.split()[0] for line in all_.out.splitlines()] == [f"s_{bad}", f"s_{good}"]
    assert f"s_{good}" not in failed.out
    assert failed.out.split("  ")[-1].strip() == "hooks.example.org answered 410, Gone"
    assert [line.split()[0] for line in of_run.out.splitlines()] == [f"s_{good}"]


def test_it_is_there_for_programs_too(ctci: Caller, calls: tuple[int, int]) -> None:
    said = ctci("told", "--failed", "--json", "id,by,to,run,state,tries,error")

    assert json.loads(said.out)["items"] == [
        {
            "id": f"s_{calls[1]}",
            "by": "webhook",
            "to": "ops:run.finished/2",
            "run": 2,
            "state": "given_up",
            "tries": 1,
            "error": "hooks.example.org answered 410, Gone",
        }
    ]


def test_what_was_given_up_is_sent_again(ctci: Caller, calls: tuple[int, int], db: ledger.Ledger) -> None:
    said = ctci("redeliver", f"s_{calls[1]}")

    assert (said.code, said.out) == (0, f"s_{calls[1]} is due again; the server sends it within seconds\n")
    assert [each.id for each in ledger.sendings_(db, state="due")] == [calls[1]]


def test_what_is_not_there_is_not_sent(ctci: Caller, calls: tuple[int, int]) -> None:
    unknown, none, run = ctci("redeliver", f"{calls[1] + 1}"), ctci("redeliver", "x"), ctci("told", "shop")

    assert (unknown.code, none.code, run.code) == (5, 2, 2)
    assert "see `ctci told`" in unknown.err


def test_who_was_told_nothing_yet_reads_what_helps(ctci: Caller) -> None:
    said = ctci("told")

    assert (said.code, said.out) == (0, "")
    assert "`notify` of a project says who is told" in said.err


def test_what_was_dropped_is_told_with_its_reason_and_is_no_failure(ctci: Caller, db: ledger.Ledger) -> None:
    ledger.owe(db, sink="webhook", owed=[Owed(key="webhook/ops/3", to="ops:run.finished/3", run=3, due=0)])
    ledger.drop(
        db, ledger.take(db, "webhook", holder="me", hold_ms=1000), holder="me", reason="not to be told any more"
    )

    told, failed = ctci("told"), ctci("told", "--failed")

    assert told.out.split("  ")[-1].strip() == "not to be told any more"
    assert " dropped " in told.out
    assert failed.out == ""
