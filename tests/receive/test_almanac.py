"""When schedules fire next, of many branches at once."""

from pathlib import Path

import pytest
from sqlalchemy import event

from ctci import config, ledger
from ctci.config.settings import Config, Project, Schedule, Server
from ctci.receive.almanac import Almanac
from tests import make

DAY = 24 * 3_600_000
MAIN, DEV, TAG = "refs/heads/main", "refs/heads/dev/x", "refs/tags/v1"


def almanac(db: ledger.Ledger, **schedules: Schedule) -> Almanac:
    projects = {
        name: Project(name=name, remote=make.remote(), schedules=schedules if name == "shop" else {})
        for name in ("shop", "blog")
    }
    made = Config(projects=projects, notify={}, server=Server(), folder=Path())
    return Almanac(db, config.Current(lambda: made))


@pytest.mark.parametrize(
    ("branches", "found"),
    [
        ((), {("shop", MAIN): DAY}),
        (("**",), {("shop", MAIN): DAY, ("shop", DEV): DAY}),
        (("dev/*",), {("shop", DEV): DAY}),
        (("other",), {}),
    ],
)
def test_a_schedule_runs_next_on_the_branches_that_it_is_about(
    db: ledger.Ledger, branches: tuple[str, ...], found: dict[tuple[str, str], int]
) -> None:
    made = almanac(db, nightly=Schedule(name="nightly", cron="0 0 * * *", branches=branches))

    places = [("shop", MAIN), ("shop", DEV), ("shop", TAG), ("blog", MAIN), ("gone", MAIN)]
    assert made.following(places, 3_600_000) == found


def test_of_several_schedules_the_first_counts_and_one_that_never_fires_does_not(db: ledger.Ledger) -> None:
    late = Schedule(name="late", cron="0 0 * * *")
    soon = Schedule(name="soon", cron="0 12 * * *")
    never = Schedule(name="never", cron="0 0 29 2 *")

    assert almanac(db, late=late, soon=soon, never=never).following([("shop", MAIN)], 3_600_000) == {
        ("shop", MAIN): DAY // 2
    }


def test_many_branches_are_as_many_questions_as_one(db: ledger.Ledger) -> None:
    made = almanac(db, nightly=Schedule(name="nightly", cron="0 0 * * *", branches=("**",)))
    asked: list[object] = []
    event.listen(db.engine, "before_cursor_execute", lambda *given: asked.append(given))

    counts = []
    for number in (1, 50):
        asked.clear()
        assert len(made.following([("shop", f"refs/heads/{n}") for n in range(number)], 0)) == number
        counts.append(len(asked))

    assert counts[0] == counts[1]
