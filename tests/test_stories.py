"""What becomes of pushes in the order in which they come: each test a story, with its statuses, reasons and standing.

Real git, a real ledger, real keepers; one thread, so that the order of things is the story's and not chance's.
"""

import itertools
import os
from pathlib import Path
from typing import Any

import pytest

from ctci import config, git, layout, ledger
from ctci.config.settings import Config, Project, Server, Subproject
from ctci.layout import Layout
from ctci.model import Job, Recipe, Recorded, Remote, Run, Status
from ctci.receive import desk
from ctci.run.capacity import Floor
from ctci.run.prepare import Prepare
from ctci.run.worker import Worker
from tests import make
from tests.upstream import Upstream

MAIN = "refs/heads/main"
_numbers = itertools.count(1)


class House:
    """One project in one house: `shop` with the subprojects api and docs, each with a path filter."""

    def __init__(self, db: ledger.Ledger, place: Layout, upstream: Upstream) -> None:
        self.db, self.upstream = db, upstream
        self.mode: str | None = None
        self.recipes: dict[str, dict[str, Recipe]] = {
            "api": {"test": Recipe(name="test", run="sh test.sh", timeout_s=30)},
            "docs": {"html": Recipe(name="html", run="sh html.sh", timeout_s=30)},
        }
        self._current = config.Current(self.settings)
        self._prepare = Prepare(db, place, self._current, os.environ)
        reader, self._writer = os.pipe()
        self.host = ledger.host(db, "h1")
        self._worker = Worker(
            db,
            place,
            self._current,
            os.environ,
            host=self.host,
            slot=1,
            boot_id="boot",
            floor=Floor(place, self._current),
            wake=reader,
        )
        upstream.commit({"api/test.sh": "exit 0", "docs/html.sh": "exit 0"})

    def settings(self) -> Config:
        paths = {"api": ("api/**", "!**/*.md"), "docs": ("docs/**",)}
        subs = {
            name: Subproject(name=name, path=name, paths=paths[name], recipes=recipes)
            for name, recipes in self.recipes.items()
        }
        project = Project(name="shop", remote=Remote(url=str(self.upstream.path)), subs=subs, on_new_push=self.mode)
        return Config(projects={"shop": project}, notify={}, server=Server(disk_floor=0), folder=Path("config"))

    def told(self, sha: str, *, delivery: str = "", before: str | None = None, ref: str = MAIN) -> Recorded:
        """A hook tells of a push."""
        settings = self.settings()
        key = f"gitea:{delivery or f'd{next(_numbers)}'}:{ref}"
        trigger = make.trigger(project="", key=key, ref=ref, after=sha, before=before, default_branch="main")
        told = desk.receive(
            self.db, settings, settings.projects["shop"], forge="gitea", event="push", key=key, items=(trigger,)
        )
        return told[0]

    def push(self, files: dict[str, str], *, message: str = "Change", force: bool = False, branch: str = "main") -> int:
        """Push, tell, prepare: the number of the run."""
        sha = self.upstream.push(files, message=message, force=force, branch=branch)
        run = self.told(sha, ref=f"refs/heads/{branch}").run
        assert run is not None
        self.prepare()
        return run

    def prepare(self) -> None:
        while self._prepare.tick():
            pass

    def work(self) -> None:
        while self._worker.tick():
            pass

    def run(self, number: int) -> Run:
        found = ledger.run(self.db, number)
        assert found is not None
        return found

    def jobs(self, number: int) -> dict[str, Job]:
        return {job.place: job for job in ledger.jobs_of(self.db, [number])[number]}

    def said(self, number: int) -> dict[str, tuple[str, str | None]]:
        return {place: (str(job.status), job.reason) for place, job in self.jobs(number).items()}

    def standing(self) -> dict[str, tuple[int, str]]:
        """Place on main -> (run, status) of its last conclusive job."""
        return {job.place: (job.run, str(job.status)) for job in ledger.standing(self.db) if job.order.ref == MAIN}


@pytest.fixture
def house(db: ledger.Ledger, place: layout.Layout, tmp_path: Path) -> House:
    git.setup()
    return House(db, place, Upstream(tmp_path / "upstream"))


GREEN = ("succeeded", None)


# --- path filters


def test_what_a_push_does_not_touch_has_the_result_it_had(house: House) -> None:
    first = house.push({"api/test.sh": "exit 1"})
    house.work()

    second = house.push({"docs/html.sh": "exit 0 # more"})
    house.work()
    third = house.push({"README.md": "x"})

    assert house.said(first) == {"api:test": ("failed", "exit 1"), "docs:html": GREEN}
    assert house.said(second) == {"api:test": ("failed", f"unchanged since #{first}: failed"), "docs:html": GREEN}
    # The whole of the third is known before anything is run, and it is told of the runs that were.
    assert house.said(third) == {
        "api:test": ("failed", f"unchanged since #{first}: failed"),
        "docs:html": ("succeeded", f"unchanged since #{second}: succeeded"),
    }
    assert [str(house.run(run).status) for run in (first, second, third)] == ["failed", "failed", "failed"]
    assert house.standing() == {"api:test": (third, "failed"), "docs:html": (third, "succeeded")}
    assert house.jobs(third)["api:test"].same_as == house.jobs(first)["api:test"].id


def test_a_change_that_was_superseded_is_tested_by_the_push_that_did_it(house: House) -> None:
    """Push A changes api; push B changes docs and supersedes A: api must not show green untested."""
    house.mode = "supersede"
    base = house.push({"x": "1"})
    house.work()

    a = house.push({"api/test.sh": "exit 1"})
    b = house.push({"docs/html.sh": "exit 0 # more"})
    house.work()

    assert house.said(a) == {
        "api:test": ("superseded", f"superseded by #{b}"),
        # Known before B came: nothing of it had changed since.
        "docs:html": ("succeeded", f"unchanged since #{base}: succeeded"),
    }
    assert house.said(b) == {"api:test": ("failed", "exit 1"), "docs:html": GREEN}
    assert house.standing()["api:test"] == (b, "failed")


@pytest.mark.parametrize("how", ["cancelled", "errored"])
def test_a_change_whose_job_said_nothing_is_tested_by_the_next_push(house: House, how: str) -> None:
    house.push({"x": "1"})
    house.work()
    a = house.push({"api/test.sh": "exit 1"})
    if how == "cancelled":
        ledger.ask_cancel(house.db, by="ana", reason="not now", run=a)
    else:
        claimed = ledger.claim(house.db, host=house.host, slot=1, boot_id="boot")
        assert claimed is not None
        facts: dict[str, Any] = {"job": claimed[0].id, "attempt": 1, "host": house.host}
        ledger.settle(house.db, **facts, status=Status.ERRORED, reason="disk full", exit=None)
        house.work()

    b = house.push({"docs/html.sh": "exit 0 # more"})
    house.work()

    assert house.jobs(a)["api:test"].status == how
    assert house.said(b)["api:test"] == ("failed", "exit 1")
    assert str(house.run(a).status) == how


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"api/notes.md": "x"}, "unchanged since #1: succeeded"),
        ({"api/lib.py": "x"}, None),
        ({"api/deep/er/lib.py": "x"}, None),
        ({"apix/lib.py": "x"}, "unchanged since #1: succeeded"),
    ],
)
def test_the_patterns_say_what_concerns_a_subproject(house: House, change: dict[str, str], reason: str | None) -> None:
    house.push({"x": "1"})
    house.work()

    run = house.push(change)
    house.work()

    assert house.said(run)["api:test"] == ("succeeded", reason)


def test_a_file_that_goes_or_moves_away_concerns_where_it_was(house: House) -> None:
    house.push({"api/lib.py": "x"})
    house.work()
    house.upstream.git("mv", "api/lib.py", "lib.py")

    run = house.push({})
    house.work()

    assert house.said(run)["api:test"] == GREEN


def test_another_recipe_or_a_word_in_the_message_is_run_all_the_same(house: House) -> None:
    house.push({"x": "1"})
    house.work()

    asked = house.push({"x": "2"}, message="Try everything [ci all]")
    house.work()
    house.recipes["docs"] = {"html": Recipe(name="html", run="sh html.sh; true", timeout_s=30)}
    changed = house.push({"x": "3"})
    house.work()

    assert house.said(asked) == {"api:test": GREEN, "docs:html": GREEN}
    assert house.said(changed) == {
        "api:test": ("succeeded", f"unchanged since #{asked}: succeeded"),
        "docs:html": GREEN,
    }


def test_with_too_many_changed_files_everything_is_run(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctci.run.prepare.MOST_CHANGED", 3)
    house.push({"x": "1"})
    house.work()

    few = house.push({f"f{number}": "1" for number in range(3)})
    house.work()
    many = house.push({f"g{number}": "1" for number in range(4)})
    house.work()

    assert house.said(few)["api:test"] == ("succeeded", "unchanged since #1: succeeded")
    assert house.said(many)["api:test"] == GREEN


def test_the_first_push_of_a_branch_is_run_whole(house: House) -> None:
    house.push({"x": "1"})
    house.work()

    run = house.push({"x": "2"}, branch="feature")
    house.work()

    assert house.said(run) == {"api:test": GREEN, "docs:html": GREEN}


# --- order


def test_a_newer_push_supersedes_what_waits_elsewhere_than_on_the_default_branch(house: House) -> None:
    a = house.push({"api/a": "1"}, branch="feature")
    b = house.push({"api/a": "2"}, branch="feature")
    house.work()

    assert set(house.said(a).values()) == {("superseded", f"superseded by #{b}")}
    assert house.said(b)["api:test"] == GREEN


def test_a_branch_that_was_force_pushed_is_built_and_measured_against_what_was_built(house: House) -> None:
    house.push({"x": "1"})
    house.work()
    a = house.push({"api/test.sh": "exit 1"})
    house.work()
    house.upstream.git("reset", "--quiet", "--hard", "HEAD~1")

    b = house.push({"y": "1"}, force=True)
    house.work()

    assert house.said(a)["api:test"] == ("failed", "exit 1")
    # Against A it has changed, back to what was good; so it is tried, and is.
    assert house.said(b)["api:test"] == GREEN
    assert house.standing()["api:test"] == (b, "succeeded")


def test_a_push_that_comes_late_is_recorded_and_not_run(house: House) -> None:
    older = house.upstream.push({"api/a": "1"})
    newer = house.upstream.push({"api/a": "2"})
    b = house.told(newer).run
    assert b is not None
    house.prepare()

    a = house.told(older).run
    assert a is not None
    house.prepare()
    house.work()

    assert set(house.said(a).values()) == {("skipped", f"older than #{b}, which was recorded before it")}
    assert house.said(b)["api:test"] == GREEN
    assert make.recorded_ref(house.db, "shop", MAIN) == (newer, b)


def test_a_delivery_whose_commit_could_not_be_had_may_come_again(house: House) -> None:
    sha = house.upstream.commit({"x": "1"})
    first = house.told(sha, delivery="d-1").run
    assert first is not None
    house.prepare()
    house.upstream.git("push", "--quiet", "origin", "main")

    again = house.told(sha, delivery="d-2").run
    assert again is not None
    house.prepare()
    house.work()

    assert house.run(first).status is Status.ERRORED
    assert house.said(again) == {"api:test": GREEN, "docs:html": GREEN}


def test_a_redelivery_changes_nothing(house: House) -> None:
    sha = house.upstream.push({"x": "1"})
    first = house.told(sha, delivery="d-1")
    house.prepare()
    house.work()

    again = house.told(sha, delivery="d-1")

    assert (again.decision, again.run) == ("duplicate", first.run)
    assert again.reason == f"the same delivery made #{first.run} before"


def test_two_hooks_on_one_repository_make_one_run(house: House) -> None:
    sha = house.upstream.push({"x": "1"})

    first, second = house.told(sha, delivery="gitea"), house.told(sha, delivery="post-receive")

    assert (first.decision, second.decision, second.run) == ("queued", "duplicate", first.run)


# --- needs and retries


def diamond(house: House, left: str = "exit 0") -> None:
    house.recipes["api"] = {
        "build": Recipe(name="build", run="exit 0"),
        "left": Recipe(name="left", run=left, needs=("build",)),
        "right": Recipe(name="right", run="exit 0", needs=("build",)),
        "pack": Recipe(name="pack", run="exit 0", needs=("left", "right")),
    }
    house.recipes["docs"] = {}


def test_a_diamond_with_a_failure_skips_what_needs_it_and_says_why(house: House) -> None:
    diamond(house, left="exit 4")

    run = house.push({"x": "1"})
    house.work()

    assert house.said(run) == {
        "api:build": GREEN,
        "api:left": ("failed", "exit 4"),
        "api:right": GREEN,
        "api:pack": ("skipped", "needs left, which failed"),
    }
    assert house.run(run).status is Status.FAILED
    assert "api:pack" not in house.standing()


def test_what_failed_is_run_again_with_what_needs_it_and_the_run_s_place_becomes_green(
    house: House, tmp_path: Path
) -> None:
    diamond(house, left=f"[ -e {tmp_path}/mended ]")
    run = house.push({"x": "1"})
    house.work()
    (tmp_path / "mended").touch()

    again = desk.rerun(house.db, run, by="ana", failed=True).run
    assert again is not None
    house.prepare()
    house.work()

    assert house.said(again) == {"api:left": GREEN, "api:pack": GREEN}
    assert house.standing()["api:left"] == (again, "succeeded")


def test_a_flaky_recipe_says_so_and_stands_green(house: House, tmp_path: Path) -> None:
    flaky = f"echo x >> {tmp_path}/n; [ $(wc -l < {tmp_path}/n) = 2 ]"
    house.recipes["api"] = {"test": Recipe(name="test", run=flaky, retries=1)}

    run = house.push({"x": "1"})
    house.work()

    assert house.said(run)["api:test"] == ("succeeded", "flaky: attempt 1: exit 1; then it succeeded")
    assert house.standing()["api:test"] == (run, "succeeded")
    assert house.run(run).status is Status.SUCCEEDED


# --- once more


def test_an_old_run_again_has_its_old_recipes_and_overwrites_nothing_newer(house: House) -> None:
    old = house.push({"api/test.sh": "exit 3"})
    house.work()
    house.recipes["api"] = {"test": Recipe(name="test", run="sh test.sh # new", timeout_s=30)}
    new = house.push({"api/test.sh": "exit 0"})
    house.work()

    again = desk.rerun(house.db, old, by="ana").run
    current = desk.rerun(house.db, old, by="ana", current=house.settings()).run
    assert again is not None
    assert current is not None
    house.prepare()
    house.work()

    frozen, planned = house.jobs(again)["api:test"], house.jobs(current)["api:test"]
    assert (frozen.order.recipe.run, planned.order.recipe.run) == ("sh test.sh", "sh test.sh # new")
    # At the commit of then, so as red as then; and the newer one stands.
    assert house.said(again)["api:test"] == house.said(current)["api:test"] == ("failed", "exit 3")
    assert house.standing()["api:test"] == (new, "succeeded")
    assert "with the same recipes" in ledger.deliveries_(house.db, run=again)[0].reason
    assert "by the recipes of now" in ledger.deliveries_(house.db, run=current)[0].reason


def test_a_run_whose_commit_was_force_pushed_away_runs_again(house: House) -> None:
    house.push({"x": "1"})
    house.work()
    lost = house.push({"api/test.sh": "echo mine; exit 5"})
    house.work()
    house.upstream.git("reset", "--quiet", "--hard", "HEAD~1")
    house.push({"y": "1"}, force=True)
    house.work()
    house.upstream.git("gc", "--quiet", "--prune=now", at=house.upstream.path)

    again = desk.rerun(house.db, lost, by="ana").run
    assert again is not None
    house.prepare()
    house.work()

    assert house.said(again)["api:test"] == ("failed", "exit 5")
    assert house.run(again).commit == house.run(lost).commit


def test_a_green_rerun_of_the_newest_run_mends_the_branch(house: House, tmp_path: Path) -> None:
    run = house.push({"api/test.sh": f"[ -e {tmp_path}/mended ]"})
    house.work()
    (tmp_path / "mended").touch()

    again = desk.rerun(house.db, run, by="ana").run
    assert again is not None
    house.prepare()
    house.work()

    assert house.standing()["api:test"] == (again, "succeeded")
    later = house.push({"y": "1"})
    assert house.said(later)["api:test"] == ("succeeded", f"unchanged since #{again}: succeeded")


@pytest.mark.parametrize("mode", [None, "supersede"])
def test_a_push_that_asks_to_be_skipped_leaves_the_one_before_it_to_be_tried(house: House, mode: str | None) -> None:
    house.mode = mode
    house.push({"x": "1"})
    house.work()

    a = house.push({"api/test.sh": "exit 1"})
    b = house.push({"api/notes.txt": "x"}, message="Notes [skip ci]")
    house.work()

    assert house.said(a)["api:test"] == ("failed", "exit 1")
    assert house.said(b)["api:test"][0] == "skipped"
    assert house.standing()["api:test"] == (a, "failed")


def test_a_person_s_run_of_an_old_commit_does_not_turn_a_red_branch_green(house: House) -> None:
    good = house.run(house.push({"x": "1"})).commit
    house.work()
    bad = house.push({"api/test.sh": "exit 1"})
    house.work()

    wished = desk.request(house.db, house.settings(), project="shop", ref=MAIN, commit=good, by="ana").run
    assert wished is not None
    house.prepare()
    house.work()

    assert house.said(wished)["api:test"] == GREEN
    assert house.standing()["api:test"] == (bad, "failed")


def test_the_job_whose_result_is_repeated_is_kept_as_long_as_that(house: House) -> None:
    ran = house.push({"api/lib.py": "x"})
    house.work()
    for number in range(3):
        last = house.push({"README": str(number)})

    ledger.forget(house.db, ledger.outdated(house.db, "shop", keep_runs=1, before=0))

    job = house.jobs(last)["api:test"]
    assert job.same_as is not None
    assert ledger.job(house.db, job.same_as) is not None
    assert [run.id for run in ledger.runs_(house.db)] == [last, ran]
