"""What a restore leaves is kept as long as it can be taken back, and then goes; what the ledger knows never does."""

import os
import threading
from pathlib import Path

import pytest

from ctci import git, layout, ledger, restoring
from ctci.config.settings import Config, Project, Server, Subproject
from ctci.model import Remote, Status
from ctci.run import adoption, rounds, strays
from tests import make
from tests.conftest import StoppedClock
from tests.pushing import ended, push
from tests.serving import Served
from tests.upstream import Upstream

DAY_S = 24 * 3600


class Story:
    """A ledger that was put back after its fourth run, with the folders and pins of six."""

    def __init__(self, place: layout.Layout, stopped: StoppedClock, upstream: Upstream, copy: Path) -> None:
        self.place, self.clock = place, stopped
        sha = upstream.push({"a": "1"})
        self.settings = Config(
            projects={
                "shop": Project(
                    name="shop",
                    remote=Remote(url=str(upstream.path)),
                    subs={"": Subproject(recipes={"test": make.recipe()})},
                )
            },
            notify={},
            server=Server(),
            folder=Path("config"),
        )
        git.setup()
        mirror, access = place.mirror("shop"), git.Access(url=str(upstream.path))
        git.fetch(mirror, access, commit=sha, ref="refs/heads/main", deadline_s=20, stop=lambda: False)
        db = ledger.open_ledger(place.ledger)
        host = ledger.host(db, "h1")
        stopped.move(1)
        for number in range(1, 7):
            make.settled(db, host)
            git.pin(mirror, number, sha)
            self.folder(number)
            if number == 4:
                ledger.back_up(db, copy)
        db.close()
        restoring.restore(place, copy, by="ana")
        (self.aside,) = place.data.glob("ledger.db.before-restore-*")

    def folder(self, job: int) -> None:
        folder = self.place.job(job)
        folder.mkdir(exist_ok=True)
        os.utime(folder, (self.clock.at / 1000, self.clock.at / 1000))

    def remove(self) -> int:
        db = ledger.open_ledger(self.place.ledger)
        try:
            return strays.remove(db, self.place, self.settings)
        finally:
            db.close()

    def left(self) -> tuple[list[int], list[int]]:
        """(job folders, pins)."""
        folders = sorted(int(path.name) for path in self.place.jobs.iterdir())
        return folders, sorted(git.pinned(self.place.mirror("shop")))


@pytest.fixture
def story(place: layout.Layout, stopped_clock: StoppedClock, upstream: Upstream, tmp_path: Path) -> Story:
    return Story(place, stopped_clock, upstream, tmp_path / "copy.db")


def test_as_long_as_a_restore_can_be_taken_back_all_that_it_needs_is_there(story: Story) -> None:
    story.clock.move(29 * DAY_S)

    assert story.remove() == 0

    assert story.aside.exists()
    assert story.left() == ([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6])


def test_after_thirty_days_what_nobody_knows_goes_and_the_rest_stays(story: Story) -> None:
    story.clock.move(31 * DAY_S)

    assert story.remove() == 2

    assert list(story.place.data.glob("ledger.db.before-restore-*")) == []
    assert story.left() == ([1, 2, 3, 4], [1, 2, 3, 4])


def test_the_daily_round_sees_to_it(story: Story) -> None:
    story.clock.move(31 * DAY_S)
    db = ledger.open_ledger(story.place.ledger)

    rounds.go(db, story.place, story.settings, story.clock.at, threading.Event())

    db.close()
    assert story.left() == ([1, 2, 3, 4], [1, 2, 3, 4])


def test_a_folder_that_was_written_lately_stays(story: Story) -> None:
    story.clock.move(31 * DAY_S)
    story.folder(6)

    assert story.remove() == 1

    assert story.left()[0] == [1, 2, 3, 4, 6]


def test_a_second_restore_keeps_what_the_first_one_left(story: Story, tmp_path: Path) -> None:
    story.clock.move(20 * DAY_S)
    restoring.restore(story.place, tmp_path / "copy.db", by="ana")
    story.clock.move(20 * DAY_S)

    assert story.remove() == 0

    assert not story.aside.exists()
    assert story.left() == ([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6])


def test_what_is_older_than_the_ledger_is_of_another_one_and_stays(story: Story) -> None:
    story.clock.move(31 * DAY_S)
    for path in story.place.data.glob("ledger.db*"):
        path.unlink()
    fresh = ledger.open_ledger(story.place.ledger)
    ledger.host(fresh, "h1")
    fresh.close()
    story.clock.move(31 * DAY_S)

    assert story.remove() == 0

    assert story.left() == ([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6])


def test_a_fresh_ledger_gives_no_job_the_number_of_a_folder_that_is_there(
    place: layout.Layout, db: ledger.Ledger
) -> None:
    for name in ("41", "7", "notes"):
        (place.jobs / name).mkdir()

    adoption.number_on(db, place)
    adoption.number_on(db, place)

    run = make.recorded(db)
    assert (run, [job.id for job in ledger.jobs_of(db, [run])[run]]) == (1, [42])


def test_a_server_on_a_fresh_ledger_runs_its_jobs_beside_the_folders_of_another_one(
    served: Served, upstream: Upstream
) -> None:
    left = served.place.attempt(1, 1)
    left.mkdir(parents=True)
    (left / "log").write_text("of another one")
    served.start()

    run, job = ended(served, push(served, upstream, "echo mine", delivery="d1"))

    assert (run.status, job.id, (left / "log").read_text()) == (Status.SUCCEEDED, 2, "of another one")
