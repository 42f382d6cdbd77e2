"""`ctci why`: what it says of breaks, of what may be to blame, and of what is green."""

import re
from typing import Any

import pytest
from sqlalchemy import Engine, event

from ctci import ledger, shape
from ctci.model import Finding, Status, Tally
from tests import make
from tests.cli.calling import Caller
from tests.conftest import StoppedClock

RED = Status.FAILED
HOUR = 3600


def ended(
    db: ledger.Ledger,
    host: int,
    *told: Finding,
    reason: str = "exit 1",
    tests: Tally | None = None,
    **fields: Any,
) -> int:
    """A run of one job that failed with these findings; its number."""
    run = make.prepared(db, **fields)
    job, _ = make.running(db, host)
    make.settle(db, job, host, RED, reason, told, tests)
    return run


def commit(number: int, **fields: Any) -> Any:
    return make.commit(sha=f"{number:07x}" + "0" * 33, **fields)


def test_a_break_is_told_with_its_first_error_its_suspects_and_how_to_do_it_again(
    ctci: Caller, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    green = make.settled(db, host)
    stopped_clock.move(HOUR)
    floats, bump = commit(0x3F2A1C9), commit(0xB81D0E2, author="Bo Lind", subject="Bump pydantic to 2.9")
    first = make.finding(message="Decimal('19.99') != 19.99", log_line=2214)
    run = ended(
        db,
        host,
        first,
        make.finding(),
        tests=Tally(total=846, failed=12),
        trigger=make.trigger(after=floats.sha),
        brought=(floats, bump, commit(9, touches=("web",))),
    )
    stopped_clock.move(2 * HOUR)

    said = ctci("why", "shop")

    assert said.code == 1
    assert (
        said.out
        == f"""\
✗ shop/api:test broke on main 2\u202fh ago, in #{run}
  test_cart.py:88  Decimal('19.99') != 19.99
  12 of 846 tests fail, all new
  Suspects, 2 commits since green #{green}:
    3f2a1c9  Ana Ruiz  Use floats for prices
    b81d0e2  Bo Lind   Bump pydantic to 2.9
  Log    ctci log {run}/api/test --lines 2204:2224
         http://127.0.0.1:8484/runs/{run}/api/test#L2214
  Again  git switch -d 3f2a1c9 && cd services/api && make test
"""
    )


def test_what_is_still_broken_says_since_when_and_leaves_out_what_is_green(
    ctci: Caller, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    build = make.order(recipe=make.recipe(name="build"))
    make.settled(db, host, orders=(build, make.order()))
    first = make.settled(db, host, RED, "exit 1")
    stopped_clock.move(4 * 24 * HOUR)
    last = make.settled(db, host, Status.TIMED_OUT, "timed out after 15 m")

    said = ctci("why", "shop")

    assert said.code == 1
    assert said.out.startswith(
        f"⧖ shop/api:test has been red on main for 4\u202fdays, since #{first}; last in #{last}\n"
    )
    assert "  timed out after 15 m\n" in said.out
    assert "shop/api:build" not in said.out
    assert said.out.endswith("\n\n1 other recipe is not red.\n")


def test_what_is_green_says_since_when_and_who_mended_it(
    ctci: Caller, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    make.settled(db, host)
    before = ctci("why", "shop")
    make.settled(db, host, RED, "exit 1")
    stopped_clock.move(19 * HOUR)
    mended = make.settled(db, host, trigger=make.trigger(after=commit(0x90AB3DE).sha))
    stopped_clock.move(HOUR)
    last = make.settled(db, host)
    stopped_clock.move(2 * HOUR)

    said = ctci("why", "shop/api")

    assert (before.code, said.code) == (0, 0)
    assert before.out.endswith(" 1 recipe, last #1 just now. As far as results are kept, it was never red.\n")
    assert said.out == (
        f"✓ shop main is green: 1 recipe, last #{last} 2\u202fh ago. Green since #{mended}, 3\u202fh ago: "
        "api:test by Ana Ruiz in 90ab3de, was broken 19\u202fh.\n"
    )


def test_other_branches_and_recipes_are_named(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    dev = make.trigger(ref="refs/heads/feature/login")
    make.settled(db, host, orders=(make.order(recipe=make.recipe(name="build")), make.order()))
    make.settled(db, host, RED, "exit 1", trigger=dev)

    codes = {what: ctci("why", what).code for what in ("shop", "shop:build", "shop@feature/login", "shop/api@main")}

    assert codes == {"shop": 0, "shop:build": 0, "shop@feature/login": 1, "shop/api@main": 0}


@pytest.mark.parametrize(
    "what", ["2", "#2", "2/api:test", "http://127.0.0.1:8484/runs/2", "http://127.0.0.1:8484/jobs/2"]
)
def test_of_a_run_its_own_verdict_is_told_also_when_it_is_long_over(
    ctci: Caller, db: ledger.Ledger, host: int, what: str
) -> None:
    make.settled(db, host)
    make.settled(db, host, RED, "exit 3")
    make.settled(db, host)

    said = ctci("why", what)

    assert said.code == 1
    assert said.out.startswith("✗ shop/api:test broke on main just now, in #2\n  exit 3\n")


def test_of_a_green_run_it_is_told_what_it_mended_and_what_is_flaky(
    ctci: Caller, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    trigger = make.trigger()
    make.settled(db, host, RED, "exit 1", trigger=trigger)
    stopped_clock.move(HOUR)
    make.settled(db, host, trigger=make.trigger(kind="manual", after=trigger.after))

    said = ctci("why", "2")

    assert said.code == 0
    assert said.out.splitlines() == [
        "✓ #2 succeeded",
        f"+ api:test  Fixed: passes again on {str(trigger.after)[:7]}, was broken 60\u202fmin.",
        "~ api:test  Flaky: failed on the same commit in #1.",
    ]


def test_what_ctci_could_not_run_is_told_of_the_run_and_is_nobody_elses_fault(
    ctci: Caller, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    assert stopped_clock
    make.settled(db, host)
    run = make.settled(db, host, Status.ERRORED, "disk full")

    of_run, of_branch = ctci("why", str(run)), ctci("why", "shop")

    assert of_run.out.startswith(f"! ctci could not run shop/api:test on main just now, in #{run}\n  disk full\n")
    assert "shop main is green" in of_branch.out
    assert of_branch.err == f"#{run} is errored\n"
    assert (of_run.code, of_branch.code) == (0, 0)


def test_a_newer_result_that_does_not_count_for_the_branch_says_why(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    for number in (1, 2):
        make.settled(db, host, trigger=make.trigger(after=make.sha(number)))
    again = make.trigger(kind="rerun", after=make.sha(1))
    old = make.settled(db, host, Status.FAILED, trigger=again, rerun_of=1)

    said = ctci("why", "shop")

    assert said.code == 0
    assert said.err == f"#{old} is failed: it is of an older commit, and does not count for main\n"


def test_a_branch_without_a_result_says_so(ctci: Caller, db: ledger.Ledger) -> None:
    run = make.prepared(db)

    said = ctci("why", "shop")

    assert (said.code, said.out) == (0, "")
    assert said.err == f"nothing of shop main has come to a result yet; #{run} is queued\n"


def test_what_is_acknowledged_is_counted_and_not_the_first_error(
    ctci: Caller, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    known, other = make.finding(message="the known thing"), make.finding(message="another")
    ended(db, host, known, other)
    until = stopped_clock.at + 86_400_000
    ledger.ack(db, project="shop", fingerprint=known.fingerprint, said="x", until=until, why="waits", by="ana")

    said = ctci("why", "shop")

    assert "the known thing" not in said.out
    assert "  test_cart.py:88  another\n" in said.out
    assert re.search(r"  1 known, acknowledged by ana until .*: waits\n", said.out)


def test_as_json_each_recipe_has_its_verdict(
    ctci: Caller, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    build = make.order(recipe=make.recipe(name="build"))
    make.settled(db, host, orders=(build, make.order()))
    stopped_clock.move(HOUR)
    run = ended(db, host, make.finding(log_line=7), reason="exit 3")

    said, some = ctci("why", "shop", "--json"), ctci("why", "shop:test", "--json", "name,word")

    built, tested = said.json["items"]
    assert said.code == 1
    assert (tuple(built), tuple(tested)) == (shape.VERDICT, shape.VERDICT)
    assert (built["word"], built["red"], tested["word"], tested["red"]) == ("passed", False, "broke", True)
    assert (tested["since"]["run"], tested["last_green"]["run"], tested["cause"]) == (run, 1, "commits")
    assert [each["author"] for each in tested["suspects"]] == ["Ana Ruiz"]
    assert (tested["first"]["line"], tested["first"]["life"]["word"]) == (88, "new")
    assert (tested["errors"], tested["new_errors"], tested["reason"]) == (1, 1, "exit 3")
    assert tested["again"][1:] == ["cd services/api", "make test"]
    assert tested["html_url"] == f"http://127.0.0.1:8484/runs/{run}/api/test#L7"
    assert some.json == {"items": [{"name": "shop/api:test", "word": "broke"}], "next": None}


@pytest.mark.parametrize(
    ("what", "code", "said"),
    [
        ("nobody", 5, "there is no project nobody; configured: shop"),
        ("shop@dev", 5, "shop has no runs on dev; `ctci status shop` lists its branches"),
        ("shop:lint", 5, "no lint has a result on main of shop; those with one: api:test"),
        ("77", 5, "there is no run #77; the newest is #1"),
        ("shop@", 2, "shop@ names no project, recipe or run"),
        ("12@dev", 2, "12@dev names no project, recipe or run"),
        ("https://ci.example.org/queue", 2, "names no project, recipe or run"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(
    ctci: Caller, db: ledger.Ledger, host: int, what: str, code: int, said: str
) -> None:
    make.settled(db, host)

    told = ctci("why", what)

    assert (told.code, told.out) == (code, "")
    assert said in told.err


def test_what_strangers_wrote_is_text(ctci: Caller, db: ledger.Ledger, host: int) -> None:
    odd = "\x1b[31mred\x1b[0m\u202e\nnext"
    found = make.finding(message=odd, file=odd, test=odd)
    make.settled(db, host)
    ended(db, host, found, reason=odd, brought=(commit(1, author=odd, subject=odd),))

    said = ctci("why", "shop").out

    assert ("\x1b" in said, "\u202e" in said) == (False, False)
    assert "  Suspect, 1 commit" in said


def test_a_branch_of_many_recipes_asks_the_ledger_as_often_as_one_of_two(
    ctci: Caller, db: ledger.Ledger, host: int
) -> None:
    def asked_for(recipes: int, ref: str) -> int:
        orders = tuple(make.order(ref=ref, recipe=make.recipe(name=f"r{number}")) for number in range(recipes))
        sub = ", ".join(f'r{number} = "make"' for number in range(recipes))
        ctci.configure(
            f'[projects.shop]\ngit = "/srv/git/acme/shop.git"\n'
            f'sub.api = {{ path = "services/api", recipes = {{ {sub} }} }}\n'
        )
        make.settled(db, host, trigger=make.trigger(ref=ref), orders=orders)
        make.settled(db, host, RED, "exit 1", trigger=make.trigger(ref=ref), orders=orders)
        asked: list[str] = []
        listen = (Engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
        event.listen(*listen)
        said = ctci("why", f"shop@{ref.rpartition('/')[2]}")
        event.remove(*listen)
        assert said.out.count("broke") == recipes
        return len(asked)

    assert asked_for(2, "refs/heads/a") == asked_for(9, "refs/heads/b")
