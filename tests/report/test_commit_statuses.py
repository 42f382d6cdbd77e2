"""Commit statuses on a real ledger and over real HTTP: what a forge has been told when the story is over."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from ctci import config, ledger
from ctci.config.settings import Config, Project, Server
from ctci.forges import bitbucket
from ctci.model import Remote, SecretRef, Status
from ctci.report.commit_statuses import CommitStatuses
from ctci.report.courier import Courier
from tests import make
from tests.conftest import StoppedClock
from tests.report import forges_fake
from tests.report.forges_fake import TOKEN, Forge, Says
from tests.report.resting import rest

ALL = sorted(forges_fake.DIALECTS)
SHA = make.sha(0xABC)
GREEN, RED = Status.SUCCEEDED, Status.FAILED
#: A wait that no try of a day outlasts, seconds.
LONG_S = 3700


class Office:
    """The courier of statuses, and the forge that it tells."""

    def __init__(self, db: ledger.Ledger, forge: Forge, clock: StoppedClock, host: int) -> None:
        self.db, self.forge, self.clock, self.host = db, forge, clock, host
        self.remote = Remote(url=forge.address, token=SecretRef(kind="env", name="CTCI_TOKEN"))
        project = Project(name="shop", remote=self.remote, forge=forge.name)
        server = Server(public_url="https://ci.example.org/")
        self.config = Config(projects={"shop": project}, notify={}, server=server, folder=Path("/nowhere"))
        self.environ = {"CTCI_TOKEN": TOKEN}
        self.restart()

    def restart(self) -> None:
        """Another life: nothing is remembered but the ledger."""
        self.current = config.Current(lambda: self.config)
        ledger.release(self.db, "me")
        self.courier = Courier(self.db, CommitStatuses(self.db, self.current, self.environ), "me")

    def work(self, *, wait_s: float = 2) -> None:
        """Tick until nothing is left to do now, then so once more after a while."""
        for pause in (0.0, wait_s):
            self.clock.move(pause)
            rest(self.courier, ticks=100)

    def push(self, *subs: str, **fields: Any) -> int:
        """A run of the commit, with a job for each subproject."""
        orders = tuple(make.order(subproject=sub, remote=self.remote) for sub in subs or ("api",))
        return make.prepared(self.db, orders=orders, trigger=make.trigger(**{"after": SHA, **fields}))

    def end(self, status: Status, reason: str | None = None) -> None:
        """The next job of the queue runs to its end."""
        self.begin()
        self.settle(status, reason)

    def begin(self) -> None:
        self.job, _ = make.running(self.db, self.host)

    def settle(self, status: Status, reason: str | None = None) -> None:
        fields: dict[str, Any] = {"job": self.job.id, "attempt": self.job.attempt, "host": self.host}
        code = 0 if status is GREEN else 1
        ledger.settle(self.db, **fields, status=status, reason=reason, exit=make.exit_(code=code, seconds=72))

    def states(self, context: str = "ctci/api:test", sha: str = SHA) -> list[str]:
        return self.forge.states(context, sha)

    def last(self, context: str = "ctci/api:test", sha: str = SHA) -> tuple[str, str]:
        """(state, description) that a context has now."""
        row = self.forge.rows[sha, context][-1]
        return row["state"], row["description"]

    @property
    def sendings(self) -> dict[str, tuple[str, str | None]]:
        """By context (state, last error) of what is owed."""
        found = ledger.sendings_(self.db, sink="status", limit=200)
        return {each.to.partition("/")[2].partition("/")[2]: (each.state, each.last_error) for each in found}


@pytest.fixture
def office(
    request: pytest.FixtureRequest,
    db: ledger.Ledger,
    host: int,
    stopped_clock: StoppedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Office]:
    with Forge(getattr(request, "param", "gitea")) as forge:
        # There is one Bitbucket Cloud, and it is not here.
        monkeypatch.setattr(bitbucket, "API", f"{forge.root}/2.0")
        yield Office(db, forge, stopped_clock, host)
        assert forge.faults == []


@pytest.mark.parametrize("office", ALL, indirect=True)
def test_a_commit_goes_from_queued_to_fixed_through_every_trouble_of_a_forge(office: Office) -> None:
    forge = office.forge
    pending, running, red, green = (
        {"gitlab": ("pending", "running", "failed", "success")}.get(forge.name)
        or {"bitbucket": ("INPROGRESS", "INPROGRESS", "FAILED", "SUCCESSFUL")}.get(forge.name.partition("-")[0])
        or ("pending", "pending", "failure", "success")
    )

    office.push()
    forge.next = [Says(code=409), Says(code=409)]
    office.work()
    assert office.states() == []
    office.work(wait_s=61)
    assert (office.states(), office.states("ctci")) == ([pending], [pending])

    office.begin()
    office.restart()
    forge.next = [Says(code=429, headers={"Retry-After": "90"})]
    office.work()
    assert office.states() == [pending]
    office.work(wait_s=91)
    office.work(wait_s=LONG_S)
    assert (office.states(), office.states("ctci")) == ([pending, running], [pending, running])

    office.settle(RED, "exit 1")
    forge.next = [Says(code=502), Says(drops=True)]
    office.work()
    office.restart()
    office.work(wait_s=LONG_S)
    office.work(wait_s=LONG_S)
    assert office.last() == (red, "failed: exit 1 · 1m12s")

    # Run again: a pending one that is pending already may be refused, and that is no fault.
    run = office.push(kind="rerun")
    office.work()
    office.begin()
    office.work()
    office.settle(GREEN)
    office.work()

    story = [pending, running, red, pending, running, green]
    assert office.states() == story
    assert office.states("ctci") == story
    assert office.last() == (green, "fixed, was red since #1, flaky: failed on the same commit in #1 · 1m12s")
    assert office.last("ctci") == (green, "fixed api:test; 1 job succeeded")
    assert forge.rows[SHA, "ctci"][-1].get("target_url", forge.rows[SHA, "ctci"][-1].get("url")) == (
        f"https://ci.example.org/runs/{run}"
    )
    assert {state for state, _ in office.sendings.values()} == {"sent"}


@pytest.mark.parametrize("office", ALL, indirect=True)
def test_what_was_told_is_never_told_twice(office: Office) -> None:
    office.push("api", "web")
    office.end(GREEN)
    office.end(RED)
    office.work()
    told = len(office.forge.calls)

    office.restart()
    office.work(wait_s=LONG_S)

    assert len(office.forge.calls) == told == 3


@pytest.mark.parametrize("office", ALL, indirect=True)
def test_a_crash_between_telling_and_noting_it_tells_once_more_at_the_most(office: Office) -> None:
    office.push()
    office.begin()
    office.courier.tick()
    office.clock.move(2)
    sink = CommitStatuses(office.db, office.current, office.environ)
    for _ in range(2):
        taken = ledger.take(office.db, "status", holder="me", hold_ms=60_000)
        sink.deliver(taken)

    office.restart()
    office.work(wait_s=LONG_S)

    # GitLab says that it is running already, of each of the two contexts, and that is no fault.
    assert [code for code, _ in office.forge.refusals] == ([400, 400] if office.forge.name == "gitlab" else [])
    assert len(office.states()) == len(office.states("ctci")) == (1 if office.forge.name == "gitlab" else 2)
    assert {state for state, _ in office.sendings.values()} == {"sent"}


def test_only_the_last_word_is_told(office: Office) -> None:
    office.push()
    office.end(GREEN)

    office.work()

    assert (office.states(), office.states("ctci")) == (["success"], ["success"])


def test_a_forge_that_is_away_for_a_day_is_told_the_last_word_when_it_is_back(office: Office) -> None:
    office.push()
    office.forge.next = [Says(code=503) for _ in range(200)]
    for _ in range(10):
        office.work(wait_s=LONG_S)
    office.end(RED, "exit 2")
    office.work(wait_s=LONG_S)
    tried = len(office.forge.calls)

    office.forge.next = []
    for _ in range(3):
        office.work(wait_s=LONG_S)

    # One asks for all: the others are not tried while it is away.
    assert tried < 20
    assert (office.states(), office.states("ctci")) == (["failure"], ["failure"])


def test_many_commits_that_a_forge_missed_are_told_when_it_is_back(office: Office) -> None:
    commits = [make.sha(number) for number in range(0xA00, 0xA04)]
    subs = [f"s{number}" for number in range(14)]
    office.forge.next = [Says(code=503) for _ in range(2000)]
    for number, sha in enumerate(commits):
        office.push(*subs, after=sha, ref=f"refs/heads/b{number}")
        for sub in subs:
            office.end(RED if sub == "s1" else GREEN)
        office.work(wait_s=6 * LONG_S)
    tried = len(office.forge.calls)
    assert {state for state, _ in office.sendings.values()} == {"due"}

    office.forge.next = []
    for _ in range(3):
        office.work(wait_s=LONG_S)

    # While it is away one asks for all; back again, each of the sixty is told once.
    assert tried < 100
    assert len(office.forge.calls) == tried + 60
    contexts = {f"ctci/{sub}:test": "success" for sub in subs} | {"ctci/s1:test": "failure", "ctci": "failure"}
    assert {(sha, name): office.states(name, sha) for sha in commits for name in contexts} == {
        (sha, name): [state] for sha in commits for name, state in contexts.items()
    }


def test_a_forge_that_asks_for_hours_is_left_alone_for_so_long(office: Office) -> None:
    office.forge.next = [Says(code=429, headers={"Retry-After": str(3 * 3600)})]
    office.push()
    office.work()

    due = {each.due - office.clock.at for each in ledger.sendings_(office.db, sink="status")}
    office.work(wait_s=2 * 3600)
    early = len(office.forge.calls)
    office.work(wait_s=3600)

    assert min(due) > 2.9 * 3_600_000
    assert (early, len(office.forge.calls)) == (1, 3)


@pytest.mark.parametrize("code", [401, 403, 404])
def test_a_refusal_is_said_once_a_run_and_the_forge_is_left_alone(office: Office, code: int) -> None:
    office.environ["CTCI_TOKEN"] = "a-token-that-may-not"
    office.forge.next = [Says(code=code)] * 10
    office.push("api", "web", "docs")

    office.work()

    assert len(office.forge.calls) == 1
    assert {state for state, _ in office.sendings.values()} == {"given_up"}
    (said,) = {error for _, error in office.sendings.values()}
    assert said is not None
    assert "`token`" in said

    office.forge.next = []
    office.environ["CTCI_TOKEN"] = TOKEN
    office.current.reload()
    office.end(GREEN)
    office.work()

    assert office.states() == ["success"]


def test_a_run_that_was_replaced_is_over_for_its_commit_too(office: Office) -> None:
    office.push("api", "web")
    office.begin()
    orders = (make.order(remote=office.remote, on_new_push="supersede"),)
    make.prepared(office.db, orders=orders, trigger=make.trigger(after=make.sha(0xDEF)))
    office.settle(Status.SUPERSEDED, "superseded by #2")
    office.work()

    assert office.last() == ("error", "superseded by 0000000")
    assert office.last("ctci/web:test") == ("error", "superseded by 0000000")
    assert office.last("ctci") == ("error", "superseded by 0000000")


def test_a_commit_that_cannot_be_fetched_is_not_waited_for(office: Office) -> None:
    orders = (make.order(remote=office.remote),)
    run = make.recorded(office.db, orders=orders, trigger=make.trigger(after=SHA))
    office.work()
    ledger.give_up(office.db, run, "the remote has no such commit")
    office.work()

    assert office.states() == ["pending", "error"]
    assert office.last() == ("error", "errored: the remote has no such commit")


def test_a_run_that_is_skipped_is_no_hindrance(office: Office) -> None:
    run = make.recorded(office.db, orders=(make.order(remote=office.remote),), trigger=make.trigger(after=SHA))
    job = ledger.jobs_of(office.db, [run])[run][0]
    make.prepare(office.db, run, skips={job.id: "the push said `-o ci.skip`"})

    office.work()

    assert office.last() == ("success", "skipped: the push said `-o ci.skip`")
    assert office.last("ctci") == ("success", "skipped: the push said `-o ci.skip`")


def test_a_server_that_is_new_to_statuses_tells_nothing_of_its_past(office: Office) -> None:
    office.push()
    office.end(RED)
    office.clock.move(25 * 3600)

    office.work()

    assert office.forge.calls == []


def test_a_project_without_a_token_costs_no_more_than_a_look(office: Office) -> None:
    bare = Project(name="shop", remote=replace(office.remote, token=None), forge="gitea")
    office.config = replace(office.config, projects={"shop": bare})
    office.restart()
    office.push()
    office.end(GREEN)

    office.work()

    assert office.forge.calls == []
    assert office.sendings == {}


def test_what_is_owed_to_a_project_that_lost_its_forge_is_dropped(office: Office) -> None:
    office.push()
    office.forge.next = [Says(code=503)]
    office.work()
    office.config = replace(office.config, projects={})
    office.current.reload()

    office.work(wait_s=LONG_S)

    assert set(office.sendings.values()) == {("dropped", "no forge is told of shop any more")}


def test_statuses_of_many_runs_take_a_fixed_number_of_queries(office: Office) -> None:
    def queries(runs: int) -> int:
        for number in range(runs):
            office.push("api", "web", after=make.sha(0x1000 + number))
            office.end(GREEN)
            office.end(RED)
        sink = CommitStatuses(office.db, office.current, office.environ)
        changes = ledger.changes_after(office.db, 0, limit=1000)
        counted: list[str] = []

        def count(*args: Any) -> None:
            counted.append(args[2])

        event.listen(office.db.engine, "before_cursor_execute", count)
        assert len(sink.owed(changes)) >= 3 * runs
        event.remove(office.db.engine, "before_cursor_execute", count)
        return len(counted)

    assert queries(2) == queries(8)
