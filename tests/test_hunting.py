"""The search for what broke a nightly: a real repository, real jobs, one server's parts driven by hand."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ctci import clock, config, git, ledger
from ctci.config.settings import Config, Digest, Notify, Project, Schedule, Server, Subproject
from ctci.layout import Layout
from ctci.model import BISECT, Hunt, Run, Status
from ctci.receive import desk, scheduled
from ctci.receive.asking import Asking
from ctci.receive.hunting import Hunter
from ctci.report import digest, digest_letter, gathering, upcoming
from ctci.run import capacity, prepare, worker
from tests import make
from tests.conftest import StoppedClock
from tests.eventually import eventually
from tests.receive.test_nightly import BERLIN, at
from tests.serving import Served
from tests.upstream import Upstream

MAIN = "refs/heads/main"


class Yard:
    """A project with a nightly that looks for culprits, and all that works on it."""

    def __init__(self, db: ledger.Ledger, place: Layout, remote: Path, wake: int) -> None:
        self.db, self.place = db, place
        self.remote = remote
        self.schedule = Schedule(name="nightly", cron="30 2 * * *", timezone=BERLIN, bisect=True)
        self.recipe = make.recipe(run="sh test.sh", timeout_s=60)
        self.lint = make.recipe(name="lint", run="true")
        self.current = config.Current(self.settings)
        self.asking = Asking(layout=place, environ=os.environ)
        self.fetch = prepare.Prepare(db, place, self.current, os.environ)
        self.hunter = Hunter(db, place, self.current)
        self.slot = worker.Worker(
            db,
            place,
            self.current,
            os.environ,
            host=ledger.host(db, "h1"),
            slot=1,
            boot_id="boot",
            floor=capacity.Floor(place, self.current),
            wake=wake,
        )

    def settings(self) -> Config:
        shop = Project(
            name="shop",
            remote=make.remote(url=str(self.remote)),
            branches={"main": ()},
            schedules={"nightly": self.schedule},
            subs={"": Subproject(recipes={"test": self.recipe, "lint": self.lint})},
        )
        server = Server(disk_floor=0, max_jobs=1)
        return Config(projects={"shop": shop}, notify={}, server=server, folder=Path("/nonexistent"))

    def plan(self, **changes: object) -> None:
        """The schedule is another, and the configuration reloaded."""
        self.schedule = replace(self.schedule, **changes)  # type: ignore[arg-type] # by name
        self.current.reload()

    def fires(self) -> Run:
        """The nightly, run to its end."""
        settings = self.settings()
        shop = settings.projects["shop"]
        told = self.asking.ask(settings, shop)
        (made,) = scheduled.now(self.db, settings, shop, self.schedule, told, by="ana")
        self.works()
        return self.run(made.run)

    def works(self) -> None:
        """All that is recorded is prepared and run."""
        while self.fetch.tick() or self.slot.tick():
            pass

    def run(self, number: int | None) -> Run:
        found = ledger.run(self.db, number or 0)
        assert found is not None
        return found

    def hunts(self, most: int = 20) -> Hunt:
        """Look until nothing more is asked for; what is known then of the only search."""
        for _ in range(most):
            if not self.hunter.tick():
                break
            self.works()
        return self.known()

    def known(self) -> Hunt:
        reds = [job.id for jobs in ledger.jobs_of(self.db, range(1, 50)).values() for job in jobs if job.is_red]
        (found,) = ledger.hunts_of(self.db, reds).values()
        return found

    def reruns(self) -> list[Run]:
        return [run for run in ledger.runs_(self.db)[::-1] if run.kind == BISECT]


@pytest.fixture
def yard(db: ledger.Ledger, place: Layout, upstream: Upstream) -> Iterator[Yard]:
    git.setup()
    reader, writer = os.pipe()
    yield Yard(db, place, upstream.path, reader)
    os.close(reader)
    os.close(writer)


def grown(upstream: Upstream, count: int = 16) -> list[str]:
    """So many commits in one push, each larger than the one before. Their ids, oldest first."""
    made = [upstream.commit({"size": f"{number}\n"}, message=f"Grow to {number}") for number in range(1, count)]
    return [*made, upstream.push({"size": f"{count}\n"}, message=f"Grow to {count}")]


def with_culprit(culprit: int) -> dict[str, str]:
    """A test that fails from this size on."""
    return {"test.sh": f'[ "$(cat size)" -lt {culprit} ]', "size": "0\n"}


@pytest.mark.parametrize("culprit", [1, 11, 16])
def test_over_16_commits_the_culprit_is_named_after_5_reruns(yard: Yard, upstream: Upstream, culprit: int) -> None:
    upstream.push(with_culprit(culprit))
    green = yard.fires()
    made = grown(upstream)
    red = yard.fires()
    before = ledger.standing(yard.db), ledger.changes_after(yard.db, 0, limit=999), ledger.refs_(yard.db, "shop")

    for _ in range(5):
        assert yard.hunter.tick()
        yard.works()
    yard.hunter.tick()
    named = yard.known()
    yard.works()
    end = yard.hunts()

    assert (green.status, red.status) == (Status.SUCCEEDED, Status.FAILED)
    assert (named.word, named.commit, named.reruns) == ("found", made[culprit - 1], 5)
    assert named.sentence.startswith(
        f"{made[culprit - 1][:7]} by Ana Ruiz broke it: Grow to {culprit} (found by 5 reruns"
    )
    # Held against the green one once more, where that has not been run.
    assert (end.word, end.commit, end.reruns, end.open) == ("found", named.commit, 5 + (culprit == 1), False)
    # Only the recipe that failed, behind everybody, and it counts nowhere.
    jobs = ledger.jobs_of(yard.db, [run.id for run in yard.reruns()])
    assert {job.place for each in jobs.values() for job in each} == {"test"}
    assert {run.ref for run in yard.reruns()} == {MAIN}
    after = ledger.standing(yard.db), ledger.changes_after(yard.db, 0, limit=999), ledger.refs_(yard.db, "shop")
    assert before == after
    assert [run.kind for run in ledger.strips(yard.db, [("shop", MAIN)])["shop", MAIN]] == ["schedule", "schedule"]
    assert ledger.branches(yard.db) == (("shop", MAIN),)


def test_a_test_that_passes_the_second_time_is_called_flaky_and_no_commit_is_tried(
    yard: Yard, upstream: Upstream, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    flaky = f"[ $(cat size) = 0 ] || [ -e {seen} ] || {{ touch {seen}; exit 1; }}"
    upstream.push({"test.sh": flaky, "size": "0\n"})
    yard.fires()
    grown(upstream, 4)
    red = yard.fires()

    found = yard.hunts()

    assert (found.word, found.commit, found.reruns, found.open) == ("flaky", None, 1, False)
    assert (
        found.sentence
        == f"flaky: it failed in #{red.id} and passed in #{red.id + 1} on the same commit, in a clean checkout"
    )
    assert not yard.hunter.tick()


def test_what_the_machine_broke_is_no_commits_fault(yard: Yard, upstream: Upstream, tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("tool 1\n")
    yard.recipe = replace(yard.recipe, facts=(f"cat {tmp_path}/tool",))
    yard.current.reload()
    green_commit = upstream.push({"test.sh": f"grep -q 1 {tmp_path}/tool", "size": "0\n"})
    green = yard.fires()
    grown(upstream, 4)
    (tmp_path / "tool").write_text("tool 2\n")
    yard.fires()

    found = yard.hunts()

    # That a tool is another is known, so the green commit comes right after the red one.
    assert (found.word, found.commit, found.reruns) == ("elsewhere", None, 2)
    assert found.sentence.startswith(f"no commit broke it: {green_commit[:7]} was green in #{green.id} and fails in #")


def test_a_run_of_the_search_is_to_its_recipe_as_the_nightly_was(yard: Yard, upstream: Upstream) -> None:
    longer = '[ "$CTCI_EVENT/$CTCI_SCHEDULE/$CTCI_BRANCH" != schedule/nightly/main ] || [ "$(cat size)" -lt 2 ]'
    upstream.push({"test.sh": longer, "size": "0\n"})
    yard.fires()
    made = grown(upstream, 4)
    yard.fires()

    assert yard.hunts().commit == made[1]
    assert ledger.took(yard.db).keys() == {("shop", "nightly")}
    assert len(ledger.took(yard.db)["shop", "nightly"]) == 2


def test_merged_branches_count_as_one_commit(yard: Yard, upstream: Upstream) -> None:
    upstream.push(with_culprit(5))
    yard.fires()
    upstream.git("checkout", "--quiet", "-b", "topic")
    # On its own branch it has no size yet that fails, and other commits would not even run.
    upstream.commit({"test.sh": "exit 1"}, branch="topic")
    upstream.commit({**with_culprit(5), "size": "7\n"}, branch="topic")
    upstream.commit({"a": "1"})
    upstream.git("merge", "--quiet", "--no-ff", "-m", "Merge topic", "topic")
    merge = upstream.git("rev-parse", "HEAD").strip()
    upstream.push({"a": "2"})
    yard.fires()

    found = yard.hunts()

    assert (found.word, found.commit) == ("found", merge)


def test_while_anything_else_is_to_be_done_nothing_is_looked_for(yard: Yard, upstream: Upstream) -> None:
    upstream.push(with_culprit(3))
    yard.fires()
    grown(upstream)
    yard.fires()
    desk.request(yard.db, yard.settings(), project="shop", recipe="lint", by="ana")

    unprepared = yard.hunter.tick()
    yard.fetch.tick()
    queued = yard.hunter.tick()
    claimed = ledger.claim(yard.db, host=1, slot=9, boot_id="boot")
    running = yard.hunter.tick()

    assert (unprepared, queued, running, claimed is not None) == (False, False, False, True)
    assert yard.known().sentence == "looking for what broke it, among 16 commits"


def test_a_person_and_a_push_go_before_a_run_of_the_search(yard: Yard, upstream: Upstream) -> None:
    upstream.push(with_culprit(3))
    yard.fires()
    grown(upstream, 4)
    yard.fires()
    yard.hunter.tick()
    yard.fetch.tick()
    wish = desk.request(yard.db, yard.settings(), project="shop", recipe="lint", by="ana")
    yard.fetch.tick()

    first = ledger.claim(yard.db, host=1, slot=1, boot_id="boot")

    assert first is not None
    assert first[1].id == wish.run


def test_at_its_time_of_day_the_search_ends_and_says_how_far_it_came(
    yard: Yard, upstream: Upstream, stopped_clock: StoppedClock
) -> None:
    stopped_clock.at = at("2026-11-24 02:30")
    yard.plan(bisect_until="06:00")
    upstream.push(with_culprit(11))
    yard.fires()
    made = grown(upstream)
    stopped_clock.at = at("2026-11-25 02:30")
    yard.fires()
    for _ in range(3):
        yard.hunter.tick()
        yard.works()
    yard.hunter.tick()
    stopped_clock.at = at("2026-11-25 05:59")
    before = yard.hunter.tick(), yard.known().word

    stopped_clock.at = at("2026-11-25 06:00")
    asked = yard.hunter.tick()

    found = yard.known()
    assert before == (False, "looking")
    assert (asked, found.word, found.open) == (False, "stopped", False)
    assert found.sentence == (
        f"not found: it was 06:00; after 3 reruns it is one of 4 commits, {made[8][:7]} to {made[11][:7]}"
    )
    # What was asked for last is not run any more.
    assert [run.status for run in yard.reruns()][-1] is Status.CANCELLED


def test_a_nightly_that_ends_after_that_time_is_not_looked_into(
    yard: Yard, upstream: Upstream, stopped_clock: StoppedClock
) -> None:
    stopped_clock.at = at("2026-11-25 02:30")
    yard.plan(bisect_until="06:00")
    upstream.push(with_culprit(3))
    yard.fires()
    grown(upstream, 4)
    red = yard.fires()
    stopped_clock.at = at("2026-11-25 06:30")

    found = yard.hunts()

    assert (found.word, found.reruns, found.sentence) == ("stopped", 0, f"not found: #{red.id} ended after 06:00")


def test_what_is_green_again_is_not_looked_for_any_more(yard: Yard, upstream: Upstream) -> None:
    upstream.push(with_culprit(3))
    yard.fires()
    grown(upstream, 4)
    yard.fires()
    yard.hunter.tick()
    yard.works()
    upstream.push({"test.sh": "true"})
    yard.fires()

    found = yard.hunts()

    assert (found.word, found.reruns) == ("stopped", 1)
    assert "green since" in found.sentence


def test_without_bisect_nothing_is_looked_for_and_what_was_begun_ends(yard: Yard, upstream: Upstream) -> None:
    upstream.push(with_culprit(3))
    yard.fires()
    grown(upstream, 4)
    yard.plan(bisect=False)
    yard.fires()
    without = yard.hunter.tick()
    yard.plan(bisect=True)
    yard.hunter.tick()
    yard.plan(bisect=False)

    found = yard.hunts()

    assert not without
    assert (found.word, found.open) == ("stopped", False)
    assert "the schedule nightly asks for it no more" in found.sentence


def test_a_branch_that_was_rewritten_has_no_way_to_look_along(yard: Yard, upstream: Upstream) -> None:
    upstream.push(with_culprit(3))
    green = yard.fires()
    upstream.git("checkout", "--quiet", "--orphan", "anew")
    upstream.commit({"test.sh": "exit 1"}, branch="anew")
    upstream.git("push", "--quiet", "--force", "origin", "anew:main")
    red = yard.fires()

    found = yard.hunts()

    assert (found.word, found.reruns, found.open) == ("unknown", 0, False)
    assert found.sentence == f"not to be told: no way of at most 1000 commits leads from #{green.id} to #{red.id}"


def test_a_search_goes_on_in_the_next_life_and_two_servers_make_one_of_it(yard: Yard, upstream: Upstream) -> None:
    upstream.push(with_culprit(11))
    yard.fires()
    made = grown(upstream)
    yard.fires()
    other = Hunter(yard.db, yard.place, yard.current)

    for _ in range(12):
        yard.hunter.tick()
        other.tick()
        yard.works()

    assert (yard.known().commit, yard.known().reruns) == (made[10], 5)


def test_a_rerun_of_a_run_of_the_search_stands_where_its_commit_was_run(yard: Yard, upstream: Upstream) -> None:
    upstream.push(with_culprit(3))
    yard.fires()
    grown(upstream, 4)
    red = yard.fires()
    yard.hunts()
    before = ledger.standing(yard.db)

    desk.rerun(yard.db, yard.reruns()[1].id, by="ana")
    yard.works()

    assert [job.status for job in ledger.jobs_of(yard.db, [red.id])[red.id]] == [Status.FAILED, Status.SUCCEEDED]
    assert before == ledger.standing(yard.db)


def test_a_search_is_forgotten_with_the_job_that_it_is_about(yard: Yard, upstream: Upstream) -> None:
    upstream.push(with_culprit(3))
    yard.fires()
    grown(upstream, 4)
    red = yard.fires()
    yard.hunts()
    job = yard.known().red_job

    ledger.forget(yard.db, [red.id])

    assert ledger.hunts_of(yard.db, [job]) == {}
    assert len(yard.reruns()) == 3


def test_the_digest_names_the_commit_that_a_search_found(yard: Yard, upstream: Upstream) -> None:
    upstream.push(with_culprit(1))
    yard.fires()
    made = grown(upstream, 4)
    yard.fires()
    end = yard.hunts()
    settings, team = yard.settings(), Notify(name="team", email=("ana@example.org",), digest=Digest())
    shop = replace(settings.projects["shop"], notify=("team",))

    told = gathering.facts(
        yard.db,
        replace(settings, projects={"shop": shop}, notify={"team": team}),
        team,
        upcoming.Window(date="2026-11-25", since=0, until=clock.now() + 1),
        following=lambda places, _: dict.fromkeys(places, 7),
        remarks=lambda _: (),
    )
    text = " ".join(digest_letter.write(digest.compose(told)).text.split())

    # Named after 3 runs; the first commit's parent, the green one, was run once more.
    assert (end.word, end.reruns) == ("found", 4)
    assert f"Bisected: {made[0][:7]} by Ana Ruiz broke it: Grow to 1 (found by 4 reruns)." in text


def test_a_server_that_is_killed_meanwhile_finds_it_all_the_same_and_writes_of_the_nightly_alone(
    served: Served, upstream: Upstream
) -> None:
    served.configure(
        f"""
        [notify.team]
        email = ["team@example.org"]

        [projects.shop]
        git = "{upstream.path}"
        notify = ["team"]
        recipes.test = {{ run = "sh test.sh", timeout = "60s" }}
        schedules.nightly = {{ at = "02:30", bisect = true }}
        """
    )
    upstream.push(with_culprit(3))
    served.start()
    served.ctci("schedule", "run", "shop/nightly")
    eventually(lambda: [run.status for run in ledger.runs_(served.db)] == [Status.SUCCEEDED], 20)
    made = grown(upstream, 4)
    served.ctci("schedule", "run", "shop/nightly")
    eventually(lambda: [run.kind for run in ledger.runs_(served.db)].count(BISECT) == 2, 40)
    served.kill()
    served.start()

    (red,) = ledger.jobs_of(served.db, [2])[2]
    eventually(lambda: not ledger.hunts_of(served.db, [red.id])[red.id].open, 40)
    found = ledger.hunts_of(served.db, [red.id])[red.id]

    assert (found.word, found.commit) == ("found", made[2])
    assert [run.kind for run in ledger.runs_(served.db)] == [*[BISECT] * 3, "schedule", "schedule"]
    assert len(eventually(served.letters, 20)) == 1
    assert f"{made[2][:7]} by Ana Ruiz broke it" in served.ctci("show", "2").stdout
