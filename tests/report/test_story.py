"""Thirty days of three projects and two tables, as their people live them: which letters come, and what they say.

CTCI_GOLDEN=1 writes the letters anew: read them as those who get them would.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from ctci import ledger
from ctci.layout import Layout
from ctci.model import Remark, Status, Tally
from tests.conftest import StoppedClock
from tests.report.desk import Desk
from tests.report.story import ANA, BO, CY, GREEN, End, Story, complains, fails, ours, red

GOLDEN = Path(__file__).parent / "golden" / "story"
DAYS = tuple((date(2026, 10, 12) + timedelta(days=number)).isoformat() for number in range(30))

CART = fails("tests/test_cart.py::test_total", "AssertionError: Decimal('19.99') != 19.99", 88)
TAX = fails("tests/test_tax.py::test_rate", "AssertionError: 0.19 != 0.07", 12)
STRLCPY = complains("gcc", "src/ring.c", 212, "implicit declaration of 'strlcpy'", column=9, log_line=388)
TITLE = complains("sphinx", "api/cart.rst", 14, "Title underline too short", log_line=97)
HANGS = complains("cargo", "fuzz/parse.rs", 40, "panicked at overflow", log_line=5120)


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.stop()


@pytest.fixture
def story(
    db: ledger.Ledger, place: Layout, desk: Desk, stopped_clock: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Story]:
    # The machine is in a zone of its own, which no letter's table names: a time told by its clock would stand out.
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield Story(db, place, desk, stopped_clock, "2026-10-12 08:00:10")
    monkeypatch.undo()
    time.tzset()


def test_thirty_days_give_the_letters_that_a_careful_person_would_write(story: Story) -> None:
    _first_week(story)
    _second_week(story)
    _the_hour_that_comes_twice(story)
    _two_days_down(story)
    _reruns(story)
    _last_days(story)

    told = {day: story.letters(day) for day in DAYS}
    if os.environ.get("CTCI_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        for day, letters in told.items():
            (GOLDEN / f"{day}.txt").unlink(missing_ok=True)
            if letters:
                (GOLDEN / f"{day}.txt").write_text(letters)
    golden = {path.stem: path.read_text() for path in sorted(GOLDEN.iterdir())}
    assert {day: letters for day, letters in told.items() if letters} == golden
    assert len(golden) >= 12


def _first_week(story: Story) -> None:
    story.at("2026-10-12 09:10")
    story.push("shop", (ANA, "Start the shop", "api web docs"))
    story.at("2026-10-12 09:40")
    story.push("libwidget", (CY, "Widgets in a ring", ""))
    story.push("dotfiles", (BO, "A prompt of its own", ""))
    story.at("2026-10-12 15:00")
    story.push("shop", (ANA, "Carts of many things", "api"))

    # Two commits, one of which breaks the tests of api.
    story.at("2026-10-13 16:00")
    broken = red(
        CART,
        replace(CART, test="tests/test_cart.py::test_discount", line=97, fingerprint="c" * 32),
        TAX,
        tests=Tally(total=846, failed=3),
    )
    story.push(
        "shop", (BO, "Bump pydantic to 2.9", "api"), (ANA, "Use floats for prices", "api"), ends={"api:test": broken}
    )

    # What does not touch it leaves it as it is; what was to mend it does not.
    story.at("2026-10-14 10:00")
    story.push("shop", (BO, "A wider page", "web"))
    story.at("2026-10-14 11:00")
    story.push("shop", (ANA, "Round as before", "api"), ends={"api:test": red(TAX, tests=Tally(total=846, failed=1))})

    # Mended; a test of web passes at its second try.
    story.at("2026-10-15 09:30")
    story.push("shop", (ANA, "Prices are decimals again", "api"))
    story.at("2026-10-15 14:00")
    story.push("shop", (BO, "Show the total", "web"), ends={"web:test": End(attempts=2)})

    story.at("2026-10-16 11:00")
    story.push("shop", (CY, "Explain carts", "docs"))
    story.at("2026-10-17 08:00")


def _second_week(story: Story) -> None:
    # A new compiler came with the night: nobody has pushed.
    story.machine["gcc"] = "14.1.0"
    story.at("2026-10-18 03:00")
    story.night = {"build": red(STRLCPY)}
    story.at("2026-10-18 12:00")

    # What might mend it is cancelled, and then cannot be run: none of that is a result.
    story.at("2026-10-19 11:00")
    run = story.push("libwidget", (CY, "Declare strlcpy", ""), begin=False)
    story.cancels(run)
    story.at("2026-10-19 12:00")
    again = story.again(run, {"build": ours("the disk is full")})
    story.at("2026-10-20 10:00")
    story.again(again)

    # A branch: what a newer push replaces is not told, and what is red there is the branch's.
    story.at("2026-10-21 10:00")
    old = story.push("shop", (ANA, "Try vouchers", "api"), branch="vouchers", begin=False)
    job = story.begins()
    story.at("2026-10-21 10:01")
    new = story.push("shop", (ANA, "Try vouchers harder", "api"), branch="vouchers", begin=False)
    story.ends(job, End(status=Status.SUPERSEDED, reason=f"superseded by #{new}"))
    assert ledger.run(story.db, old) is not None
    voucher = fails("tests/test_voucher.py::test_ten_percent", "KeyError: 'rate'", 31)
    story.works({"api:test": red(voucher, tests=Tally(total=850, failed=1))})

    # It builds, but slower from now on; the branch is given up.
    story.at("2026-10-22 09:00")
    story.deletes("shop", "vouchers")
    for hour, subject in enumerate(("Vendor the icons", "Sort the icons"), 13):
        story.at(f"2026-10-22 {hour}:00")
        story.push("shop", (BO, subject, "api"), ends={"api:build": End(seconds=290)})

    # A hook whose secret is another; and a finding that is known.
    story.at("2026-10-23 10:00")
    story.refuses("dotfiles", times=3)
    story.at("2026-10-23 11:00")
    story.push("shop", (CY, "Longer titles", "docs"), ends={"docs:html": red(TITLE)})
    story.acks(TITLE, project="shop", until="2026-10-26 00:00", why="waits for the new theme")
    story.at("2026-10-24 12:00")


def _the_hour_that_comes_twice(story: Story) -> None:
    story.at("2026-10-25 02:40")
    story.push("dotfiles", (BO, "Late at night", ""), ends={"test": red(log="prompt: not found\n")})
    story.at("2026-10-25 02:20+")
    story.push("dotfiles", (BO, "Later still", ""))
    story.at("2026-10-26 09:00")
    story.push("shop", (CY, "Describe vouchers", "docs"), ends={"docs:html": red(TITLE)})
    story.at("2026-10-27 10:00")
    story.push("shop", (CY, "Titles as long as their lines", "docs"))


def _two_days_down(story: Story) -> None:
    # It goes down while a job runs, and comes again two days later.
    story.at("2026-10-27 19:50")
    story.push("shop", (BO, "Faster totals", "web"), begin=False)
    job = story.begins()
    story.stop()
    story.at("2026-10-28 10:00")
    pushed = [story.commit(ANA, "Prices with currency", "api")]
    story.remotes.heads["shop"]["refs/heads/main"] = pushed[0].sha
    story.at("2026-10-29 19:00")
    story.ends(job, ours("ctci was stopped while it ran"))
    story.start()
    story.at("2026-10-29 19:01:30")
    story.at("2026-10-29 19:10")
    story.hears("shop", pushed, ends={"api:test": red(TAX, tests=Tally(total=846, failed=1))})

    # The mail server takes nothing on the next day.
    story.at("2026-10-30 07:00")
    story.desk.refused = {"team@example.org": "550 mailbox unavailable"}
    story.at("2026-10-30 09:00")
    story.desk.refused = {}
    story.at("2026-10-31 09:00")


def _reruns(story: Story) -> None:
    # The same commit again is green: nobody has mended anything.
    story.at("2026-11-01 15:00")
    story.again(ledger.runs_(story.db, project="shop", limit=1)[0].id)

    # A merge breaks three places at once, and what was green long ago is run again and is red now.
    story.at("2026-11-02 10:00")
    first = story.push(
        "shop",
        (ANA, "Merge the new checkout", "api web docs"),
        ends={
            "api:test": red(CART, tests=Tally(total=851, failed=1)),
            "web:test": red(log="TypeError: total is not a function\n"),
            "docs:html": red(TITLE),
        },
    )
    story.at("2026-11-02 16:00")
    story.push("shop", (ANA, "Mend the new checkout", "api web docs"))
    story.at("2026-11-03 09:00")
    story.again(first, {"api:test": red(CART, tests=Tally(total=851, failed=1))})
    story.at("2026-11-03 12:00")

    # The night cannot be fetched; the next one still runs when ops wants its digest.
    story.fault = "git fetch: connection refused"
    story.at("2026-11-04 12:00")
    story.fault = None
    with story.hanging():
        story.at("2026-11-05 06:00")


def _last_days(story: Story) -> None:
    story.night = {"api:fuzz": End(status=Status.TIMED_OUT, reason="timed out after 1 h", seconds=3600)}
    story.at("2026-11-05 09:00")
    story.at("2026-11-06 10:00")

    # Another recipe; broken, mended and broken again between two digests.
    story.recipes["dotfiles"] = {"test": replace(story.recipes["dotfiles"]["test"], run="./test.sh --strict")}
    story.current.reload()
    story.push("dotfiles", (BO, "A shorter prompt", ""), ends={"test": red(log="a.sh: line 3: unbound variable\n")})
    story.at("2026-11-06 14:00")
    story.push("dotfiles", (BO, "Bind it", ""))
    story.at("2026-11-06 18:00")
    story.push("dotfiles", (BO, "Bind all", ""), ends={"test": red(log="b.sh: line 9: unbound variable\n")})

    story.at("2026-11-07 12:00")
    story.push("dotfiles", (BO, "Bind everything", ""))
    story.push("shop", (BO, "Bound the parser", "api"))
    story.night = {"api:fuzz": GREEN}
    # The disk fills up after the night.
    story.at("2026-11-08 06:00")
    story.remarks = (Remark(sentence="0.8 GB are free, and no job is started below 1 GB", short="disk low"),)
    story.at("2026-11-08 12:00")
    story.remarks = ()
    story.at("2026-11-09 10:00")
    run = story.push("libwidget", (CY, "Rings of rings", ""), begin=False)
    story.cancels(run)
    story.at("2026-11-10 20:00")
