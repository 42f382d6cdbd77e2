from pathlib import Path

import pytest

from ctci import ledger
from ctci.model import Status
from tests import make
from tests.cli.calling import Caller
from tests.conftest import StoppedClock
from tests.upstream import Upstream

SHOP = """
[projects.shop]
git = "{remote}"
timezone = "Europe/Berlin"
recipes.test = "make test"
recipes.lint = "make lint"
recipes.fuzz = {{ run = "make fuzz", on = ["nightly"] }}
schedules.nightly = {{ at = "02:30", skip-unchanged = true }}
schedules.often = {{ cron = "*/5 * * * *", recipes = ["lint"], branches = ["main", "stable-*"] }}
"""


@pytest.fixture
def shop(ctci: Caller, tmp_path: Path, stopped_clock: StoppedClock) -> Upstream:
    """Two schedules of a project whose repository has one commit; it is 24 Nov 2026, 01:00 in Berlin."""
    stopped_clock.at = 1_795_478_400_000
    upstream = Upstream(tmp_path / "upstream")
    upstream.push({"a": "1"})
    ctci.configure(SHOP.format(remote=upstream.path))
    return upstream


@pytest.mark.usefixtures("db", "shop")
def test_what_is_scheduled_is_listed_in_local_time_and_utc(ctci: Caller) -> None:
    said = ctci("schedule", "--days", "2")

    rows = [row.split("  ") for row in said.out.splitlines()]
    assert [[cell for cell in row if cell] for row in rows if "nightly" in "".join(row)] == [
        ["Tue 24 Nov 02:30", "01:30 UTC", "shop nightly", "default branch", "3, with fuzz", "if the branch has moved"],
        ["Wed 25 Nov 02:30", "01:30 UTC", "shop nightly", "default branch", "3, with fuzz", "if the branch has moved"],
    ]
    assert [row[0] for row in rows if "often" in "".join(row)] == [
        f"Tue 24 Nov 01:{minute}" for minute in ("05", "10", "15")
    ]
    assert "shop often fires 573 more times" in said.err


@pytest.mark.usefixtures("db", "shop")
def test_json_has_each_time_with_its_zone(ctci: Caller) -> None:
    (first, *_) = ctci("schedule", "list", "shop", "--days", "1", "--json").json["items"]

    assert first == {
        "project": "shop",
        "schedule": "often",
        "at": "2026-11-24T00:05:00.000Z",
        "local": "2026-11-24T01:05+01:00",
        "timezone": "Europe/Berlin",
        "branches": ["main", "stable-*"],
        "recipes": ["lint"],
        "skip_unchanged": False,
        "jitter_s": 0,
        "takes_s": None,
    }


def test_what_it_takes_is_the_median_and_what_became_of_it_is_told(
    ctci: Caller, shop: Upstream, db: ledger.Ledger, host: int, stopped_clock: StoppedClock
) -> None:
    del shop
    for number, minutes in enumerate((10, 20, 90)):
        trigger = make.trigger(kind="schedule", key=f"k{number}", schedule="nightly")
        key = f"schedule:shop/nightly@{number}"
        run = make.prepared(db, forge="ctci", event="schedule", key=key, trigger=trigger)
        job, _ = make.running(db, host)
        stopped_clock.move(minutes * 60)
        done = make.exit_()
        ledger.settle(db, job=job.id, attempt=job.attempt, host=host, status=Status.SUCCEEDED, reason=None, exit=done)
    missed = make.entry(
        forge="ctci", event="missed", key="schedule:shop/nightly@x", reason="R", trigger=None, orders=()
    )
    ledger.record(db, [missed])

    said = ctci("schedule", "--days", "1")

    assert "20\u202fm\u202f00\u202fs" in next(row for row in said.out.splitlines() if "nightly" in row)
    last = [row for row in said.out.splitlines() if "shop nightly" in row and "UTC" not in row]
    assert [row.split("shop nightly")[1].split() for row in last] == [
        ["–", "no", "run", "R"],
        ["✓", "succeeded", f"#{run}", "1", "h", "30", "m"],
        ["✓", "succeeded", "#2", "20", "m", "00", "s"],
        ["✓", "succeeded", "#1", "10", "m", "00", "s"],
    ]


def test_a_schedule_is_fired_now(ctci: Caller, shop: Upstream, db: ledger.Ledger) -> None:
    said = ctci("schedule", "run", "often")

    (run,) = ledger.runs_(db)
    assert said.code == 0
    assert said.out == f"http://127.0.0.1:8484/runs/{run.id}\n"
    assert (run.kind, run.schedule) == ("schedule", "often")
    assert run.after == shop.git("rev-parse", "main").strip()
    assert "asked for by" in said.err


@pytest.mark.usefixtures("db", "shop")
@pytest.mark.parametrize("name", ["nope", "web/nightly", "shop/", ""])
def test_a_schedule_that_is_not_there_is_refused_with_those_that_are(ctci: Caller, name: str) -> None:
    said = ctci("schedule", "run", name)

    assert said.code == 5
    assert "configured: shop/nightly, shop/often" in said.err


@pytest.mark.usefixtures("db")
def test_a_name_that_two_projects_have_is_asked_for_with_the_project(ctci: Caller, shop: Upstream) -> None:
    both = SHOP.format(remote=shop.path)
    ctci.configure(both + both.replace("projects.shop", "projects.web"))

    said = ctci("schedule", "run", "nightly")

    assert said.code == 5
    assert "there are several: shop/nightly, web/nightly" in said.err


@pytest.mark.usefixtures("db")
def test_a_remote_that_does_not_answer_is_said(ctci: Caller, shop: Upstream) -> None:
    shop.path.rename(shop.path.with_name("aside.git"))

    said = ctci("schedule", "run", "nightly")

    assert said.code == 3
    assert "the remote of shop did not answer: " in said.err


@pytest.mark.usefixtures("db")
def test_without_any_schedule_it_says_how_to_make_one(ctci: Caller) -> None:
    said = ctci("schedule")

    assert (said.code, said.out) == (0, "")
    assert "no schedule fires in that time" in said.err
