"""The sweep: what no hook told of is built within one interval, and what a hook told of is left alone.

Real git and a real ledger; the clock that only goes forward is moved by hand.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctci import config, git, layout, ledger
from ctci.config.settings import Config, Each, Project, Server, Subproject
from ctci.layout import Layout
from ctci.model import Delivery, Recipe, Ref, Remote, Run, Status
from ctci.receive import desk, sweep
from ctci.receive.asking import Asking
from ctci.receive.sweep import Sweep
from ctci.run.prepare import Prepare
from tests import blank, make
from tests.inline import Inline
from tests.upstream import Upstream

MAIN = "refs/heads/main"
INTERVAL_S = 900


class Watchman:
    """One project, its sweep, and a hook that tells of pushes when it is asked to."""

    def __init__(self, db: ledger.Ledger, place: Layout, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
        self.db, self.upstream = db, upstream
        self.now = 1000.0
        monkeypatch.setattr("ctci.clock.monotonic", lambda: self.now)
        self.asked = 0
        self.project: dict[str, Any] = {"sweep_s": INTERVAL_S}
        self._asking = _Counting(layout=place, environ=os.environ)
        self._numbers = iter(range(1, 1000))
        self.begin()

    def settings(self) -> Config:
        shop = Project(
            name="shop",
            remote=Remote(url=str(self.upstream.path)),
            subs={"": Subproject(recipes={"test": Recipe(name="test", run="make test")})},
            **self.project,
        )
        return Config(projects={"shop": shop}, notify={}, server=Server(), folder=Path("/nonexistent"))

    def begin(self) -> None:
        """The server starts."""
        self.sweep = Sweep(self.db, config.Current(self.settings), self._asking)

    def passes(self, seconds: float) -> None:
        """So much time goes by, and the sweep does what is due meanwhile."""
        end = self.now + seconds
        while self.now < end:
            due = [planned.due for planned in self.sweep._plans.values()]
            self.now = min(end, max(self.now, *due) if due else self.now)
            self.looks()
            if due == [planned.due for planned in self.sweep._plans.values()]:
                self.now = end

    def prepares(self) -> None:
        """What is recorded is fetched."""
        prepare = Prepare(self.db, self._asking.layout, config.Current(self.settings), os.environ)
        while prepare.tick():
            pass

    def looks(self) -> None:
        # What was looked at is taken in by the next tick.
        for _ in range(2):
            self.sweep.tick(Inline())

    def addresses(self) -> list[str]:
        """Which remotes are asked now."""
        asked: list[str] = []
        self.sweep._asking = _Naming(layout=self._asking.layout, environ={}, asked=asked)
        self.sweep.tick(Inline())
        return asked

    def hook(self, before: str | None, after: str, ref: str = MAIN, *, prepared: bool = True) -> str:
        """The webhook of a push comes, and what it asks for is fetched; what is decided."""
        trigger = make.trigger(key=f"hook:{next(self._numbers)}", ref=ref, before=before, after=after)
        settings = self.settings()
        (made,) = desk.receive(
            self.db, settings, settings.projects["shop"], forge="gitea", event="push", key="d", items=(trigger,)
        )
        if prepared:
            self.prepares()
        return made.decision

    @property
    def runs(self) -> list[Run]:
        return list(ledger.runs_(self.db))[::-1]

    @property
    def told(self) -> list[Delivery]:
        return [each for each in ledger.deliveries_(self.db)[::-1] if each.forge == "ctci"]


@dataclass(frozen=True, kw_only=True)
class _Naming(Asking):
    """Names those who would be asked."""

    asked: list[str]

    def ask(self, settings: Config, project: Project, _stop: object = None) -> git.Told:
        self.asked.append(project.remote.url)
        return super().ask(settings, project)


class _Counting(Asking):
    """Counts how often a remote was asked."""

    calls = 0

    def ask(self, *args: Any, **fields: Any) -> git.Told:
        type(self).calls += 1
        return super().ask(*args, **fields)


@pytest.fixture
def watch(db: ledger.Ledger, place: Layout, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Watchman:
    return Watchman(db, place, upstream, monkeypatch)


@pytest.fixture
def known(watch: Watchman) -> str:
    """The project's main is known, by its hook; its commit."""
    commit = watch.upstream.push({"a": "1"})
    watch.hook(None, commit)
    return commit


def test_a_push_without_a_hook_is_built_within_one_interval(watch: Watchman, known: str) -> None:
    watch.passes(2 * INTERVAL_S)
    commit = watch.upstream.push({"a": "2"})

    watch.passes(INTERVAL_S + 5)

    run = watch.runs[-1]
    assert (run.kind, run.event, run.ref, run.before, run.after) == ("sweep", "push", MAIN, known, commit)
    assert [job.place for job in ledger.jobs_of(watch.db, [run.id])[run.id]] == ["test"]
    assert [each.reason for each in watch.told] == [
        "test queued: no branches table, so every branch builds; no hook told of this push"
    ]


def test_a_late_hook_for_a_swept_push_changes_nothing(watch: Watchman, known: str) -> None:
    commit = watch.upstream.push({"a": "2"})
    watch.passes(INTERVAL_S)

    decision = watch.hook(known, commit)
    watch.passes(2 * INTERVAL_S)

    assert decision == "duplicate"
    assert [run.kind for run in watch.runs] == ["push", "sweep"]


def test_a_hook_that_is_on_its_way_comes_before_the_sweep(watch: Watchman, known: str) -> None:
    watch.passes(INTERVAL_S)
    commit = watch.upstream.push({"a": "2"})
    watch.now += INTERVAL_S
    watch.looks()

    decision = watch.hook(known, commit)
    watch.passes(2 * INTERVAL_S)

    assert decision == "queued"
    assert [run.kind for run in watch.runs] == ["push", "push"]
    assert watch.told == []


def test_what_may_turn_out_to_be_older_is_not_swept_over(watch: Watchman, known: str) -> None:
    first, second = watch.upstream.push({"a": "2"}), watch.upstream.push({"a": "3"})
    watch.hook(first, second)
    watch.hook(known, first, prepared=False)
    watch.passes(INTERVAL_S + 90)
    watch.prepares()
    watch.passes(INTERVAL_S + 90)

    assert [(run.kind, run.after, run.status) for run in watch.runs[1:]] == [
        ("push", second, Status.QUEUED),
        ("push", first, Status.SKIPPED),
    ]


def test_hooks_that_are_always_a_little_late_are_no_silence(watch: Watchman, known: str) -> None:
    before = known
    for number in range(20):
        commit = watch.upstream.push({"a": f"{number + 2}"})
        watch.passes(50)
        watch.hook(before, commit)
        before = commit

    assert {run.kind for run in watch.runs} == {"push"}


def test_a_branch_on_which_much_is_pushed_is_built_all_the_same(watch: Watchman, known: str) -> None:
    del known
    for number in range(20):
        watch.upstream.push({"a": f"{number + 2}"})
        watch.passes(50)

    assert [run.kind for run in watch.runs][:2] == ["push", "sweep"]


def test_a_project_is_recorded_and_not_built_when_it_is_seen_first(watch: Watchman) -> None:
    watch.upstream.push({"a": "1"})
    for name in ("x1", "x2", "x3"):
        watch.upstream.push({"a": name}, branch=name)
    watch.upstream.tag("v1")

    watch.passes(2 * INTERVAL_S)

    assert watch.runs == []
    assert [(each.event, each.reason) for each in watch.told] == [
        (
            "look",
            "seen for the first time, and not built: main, x1, x2 and 2 more; `ctci run shop --ref NAME` builds one",
        )
    ]
    assert {ref: at.via for ref, at in ledger.refs_(watch.db, "shop").items()} == dict.fromkeys(
        [MAIN, "refs/heads/x1", "refs/heads/x2", "refs/heads/x3", "refs/tags/v1"], "seen"
    )


def test_a_hook_about_a_ref_that_was_only_seen_is_built(watch: Watchman) -> None:
    commit = watch.upstream.push({"a": "1"})
    watch.passes(INTERVAL_S)

    assert watch.hook(None, commit) == "queued"


def test_the_next_push_of_what_was_only_seen_is_built(watch: Watchman) -> None:
    watch.upstream.push({"a": "1"})
    watch.passes(2 * INTERVAL_S)
    commit = watch.upstream.push({"a": "2"})

    watch.passes(INTERVAL_S + 5)

    assert [run.after for run in watch.runs] == [commit]


def test_what_was_decided_against_is_not_swept_up(watch: Watchman) -> None:
    watch.project["branches"] = {"main": ("",)}
    watch.begin()
    commit = watch.upstream.push({"a": "1"}, branch="topic")
    decision = watch.hook(None, commit, "refs/heads/topic")

    watch.passes(3 * INTERVAL_S)

    assert (decision, watch.runs, watch.told) == ("ignored", [], [])


def test_a_push_to_what_is_not_built_is_recorded_with_its_reason(watch: Watchman) -> None:
    watch.project["branches"] = {"main": ("",)}
    watch.begin()
    watch.hook(None, watch.upstream.push({"a": "1"}, branch="topic"), "refs/heads/topic")
    watch.upstream.push({"a": "2"}, branch="topic")

    watch.passes(3 * INTERVAL_S)

    assert [(each.event, each.decision, each.reason) for each in watch.told] == [
        ("sweep", "ignored", "branch topic matches no pattern of the project; no hook told of this push")
    ]


def test_a_forced_push_back_is_built(watch: Watchman, known: str) -> None:
    watch.hook(known, watch.upstream.push({"a": "2"}))
    watch.upstream.git("push", "--quiet", "--force", "origin", f"{known}:{MAIN}")

    watch.passes(INTERVAL_S)

    assert [run.after for run in watch.runs][0::2] == [known, known]


def test_a_branch_that_is_gone_is_forgotten_and_news_when_it_comes_again(watch: Watchman, known: str) -> None:
    del known
    topic = watch.upstream.push({"a": "2"}, branch="topic")
    watch.hook(None, topic, "refs/heads/topic")
    watch.upstream.git("push", "--quiet", "origin", ":refs/heads/topic")
    watch.passes(2 * INTERVAL_S)
    gone = ledger.refs_(watch.db, "shop")["refs/heads/topic"]
    watch.upstream.git("push", "--quiet", "origin", f"{topic}:refs/heads/topic")
    watch.passes(INTERVAL_S + 5)

    assert gone == Ref(commit="", run=None, via="deleted")
    assert [each.reason for each in watch.told if each.event == "look"] == ["topic is gone, and no hook told so"]
    assert [(run.kind, run.ref) for run in watch.runs][-1] == ("sweep", "refs/heads/topic")


def test_a_remote_that_is_suddenly_empty_deletes_nothing(watch: Watchman, known: str) -> None:
    watch.upstream.git("update-ref", "-d", MAIN, at=watch.upstream.path)

    watch.passes(2 * INTERVAL_S)

    assert ledger.refs_(watch.db, "shop")[MAIN].commit == known
    assert watch.told == []


def test_an_annotated_tag_is_where_its_hook_said_whether_that_named_the_tag_or_the_commit(
    watch: Watchman, known: str
) -> None:
    tag = watch.upstream.tag("v1")
    watch.hook(None, tag, "refs/tags/v1")
    watch.upstream.tag("v2")
    watch.hook(None, known, "refs/tags/v2")

    watch.passes(3 * INTERVAL_S)

    assert watch.told == []


def test_what_cannot_be_had_is_not_tried_at_every_look(watch: Watchman, known: str) -> None:
    del known
    watch.upstream.push({"a": "2"})
    watch.passes(INTERVAL_S)
    ledger.give_up(watch.db, watch.runs[-1].id, "git-lfs")
    watch.passes(3 * INTERVAL_S)

    assert [(run.kind, run.status) for run in watch.runs if run.kind == "sweep"] == [("sweep", Status.ERRORED)]


def test_a_look_costs_one_call_and_writes_nothing_where_nothing_moved(
    watch: Watchman, known: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    del known
    _Counting.calls = 0
    monkeypatch.setattr(ledger, "sweep", lambda *_, **__: pytest.fail("written"))

    watch.passes(10 * INTERVAL_S)

    assert 10 <= _Counting.calls <= 15


def test_a_remote_that_does_not_answer_is_asked_less_and_less(watch: Watchman, known: str) -> None:
    aside = watch.upstream.path.rename(watch.upstream.path.with_name("aside.git"))
    _Counting.calls = 0
    watch.passes(20 * INTERVAL_S)
    away = _Counting.calls
    aside.rename(watch.upstream.path)
    commit = watch.upstream.push({"a": "2"})
    watch.passes(30 * INTERVAL_S)

    assert 4 <= away <= 7
    assert [run.after for run in watch.runs] == [known, commit]


def test_a_project_that_wants_no_sweep_has_none(watch: Watchman, known: str) -> None:
    del known
    watch.project["sweep_s"] = None
    watch.begin()
    watch.upstream.push({"a": "2"})

    watch.passes(3 * INTERVAL_S)

    assert [run.kind for run in watch.runs] == ["push"]


def test_every_repository_of_a_folder_is_swept(watch: Watchman, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = watch.upstream.path.parent
    each = Each(name="all", project=Project(name="", remote=Remote(url=f"{folder}/{{name}}.git")))
    found = Config(projects={}, each={"all": each}, notify={}, server=Server(), folder=Path("/nonexistent"))
    monkeypatch.setattr(watch, "settings", lambda: found)
    watch.begin()

    assert watch.addresses() == [str(watch.upstream.path)]


def test_what_a_hook_told_of_and_could_not_be_had_is_tried_again_and_is_no_silence(
    watch: Watchman, known: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ctci.ledger.unasked.AGAIN_MS", -1)
    watch.hook(known, watch.upstream.push({"a": "2"}), prepared=False)
    for _ in range(5):
        if watch.runs[-1].prepared_at is None:
            ledger.give_up(watch.db, watch.runs[-1].id, "git-lfs")
        watch.passes(2 * INTERVAL_S)

    assert [run.kind for run in watch.runs] == ["push", "push", "sweep", "sweep"]
    assert {each.event for each in watch.told} == {"retry"}
    assert ledger.silences(watch.db) == ()


def test_the_first_push_of_a_tag_that_could_not_be_had_is_built_later(
    watch: Watchman, known: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    del known
    monkeypatch.setattr("ctci.ledger.unasked.AGAIN_MS", -1)
    watch.project["tags"] = {"*": ("",)}
    watch.begin()
    tag = watch.upstream.tag("v1")
    watch.hook(None, tag, "refs/tags/v1", prepared=False)
    ledger.give_up(watch.db, watch.runs[-1].id, "no route to host")

    watch.passes(INTERVAL_S + 90)

    run = watch.runs[-1]
    assert (run.kind, run.event, run.after) == ("sweep", "tag", tag)


def test_what_was_only_seen_stays_so_when_the_push_after_it_could_not_be_had(watch: Watchman) -> None:
    first = watch.upstream.push({"a": "1"})
    watch.passes(INTERVAL_S)
    second = watch.upstream.push({"a": "2"})
    watch.hook(first, second, prepared=False)
    ledger.give_up(watch.db, watch.runs[-1].id, "no route to host")

    assert ledger.refs_(watch.db, "shop")[MAIN] == Ref(commit=first, run=None, via="seen")
    assert watch.hook(second, first) == "queued"


def test_a_remote_that_was_mended_is_asked_at_once(watch: Watchman, known: str) -> None:
    del known
    aside = watch.upstream.path.rename(watch.upstream.path.with_name("aside.git"))
    watch.passes(20 * INTERVAL_S)
    aside.rename(watch.upstream.path)
    _Counting.calls = 0
    watch.looks()
    before = _Counting.calls

    watch.sweep._current.reload()
    watch.looks()

    assert (before, _Counting.calls) == (0, 1)


def test_a_server_that_stops_begins_no_look(watch: Watchman, known: str) -> None:
    del known
    _Counting.calls = 0

    watch.sweep.tick(Inline(), lambda: True)

    assert _Counting.calls == 0


# --- which webhooks are silent ---------------------------------------------------------------------------------------


def test_a_hook_is_silent_while_pushes_come_that_it_did_not_tell_of(watch: Watchman, known: str) -> None:
    silences = [ledger.silences(watch.db)]
    for number in range(3):
        commit = watch.upstream.push({"a": f"{number + 2}"})
        watch.passes(INTERVAL_S + 5)
        watch.prepares()
    silences.append(ledger.silences(watch.db))
    watch.hook(known, commit)
    silences.append(ledger.silences(watch.db))

    heard = ledger.deliveries_(watch.db)[-1]
    assert silences[0] == silences[2] == ()
    assert [(each.project, each.since, each.missed) for each in silences[1]] == [("shop", heard.at, 3)]


def test_a_hook_that_never_called_and_one_that_is_refused_are_silent(watch: Watchman) -> None:
    watch.upstream.push({"a": "1"})
    watch.passes(INTERVAL_S)
    watch.upstream.push({"a": "2"})
    watch.passes(INTERVAL_S + 5)
    ledger.refuse(watch.db, project="shop", forge="gitea", event="push", key="x", reason="signature does not match")

    assert [(each.since, each.missed) for each in ledger.silences(watch.db)] == [(None, 1)]


# --- whatever is pushed, told and looked at --------------------------------------------------------------------------

ACT = st.one_of(
    st.tuples(st.just("push"), st.booleans()),
    st.tuples(st.just("late hook"), st.just(True)),
    st.tuples(st.just("time"), st.integers(1, 12)),
    st.tuples(st.just("restart"), st.just(True)),
)


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(acts=st.lists(ACT, max_size=12))
def test_in_the_end_the_last_push_is_built_and_no_push_twice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, acts: list[tuple[str, Any]]
) -> None:
    folder = tmp_path / f"e{len(list(tmp_path.iterdir()))}"
    upstream, place = Upstream(folder), layout.at(folder / "data")
    place.data.mkdir()
    db = blank.opened(place.ledger)
    watch = Watchman(db, place, upstream, monkeypatch)
    last = upstream.push({"a": "0"})
    watch.hook(None, last)
    untold: list[tuple[str, str]] = []
    for number, (what, argument) in enumerate(acts):
        if what == "push":
            before, last = last, upstream.push({"a": f"{number + 1}"})
            if argument:
                watch.hook(before, last)
            else:
                untold.append((before, last))
        elif what == "late hook" and untold:
            watch.hook(*untold.pop(0))
        elif what == "time":
            watch.passes(argument * 60)
        elif what == "restart":
            watch.begin()
    watch.passes(INTERVAL_S + 90)

    built = [run.after for run in watch.runs if run.status is not Status.SKIPPED]
    assert last in built
    assert ledger.refs_(db, "shop")[MAIN].commit == last
    assert len(built) == len(set(built))
    db.close()


def test_differences_are_told_with_what_is_known() -> None:
    known = {
        "refs/heads/same": Ref(commit="a", run=1, via="push"),
        "refs/heads/moved": Ref(commit="a", run=1, via="push"),
        "refs/heads/gone": Ref(commit="a", run=1, via="push"),
        "refs/heads/back": Ref(commit="", run=None, via="deleted"),
        "refs/heads/dead": Ref(commit="", run=None, via="deleted"),
    }
    told = git.Told(
        refs=dict.fromkeys(("refs/heads/same", "refs/heads/back", "refs/heads/new"), ("a",))
        | {"refs/heads/moved": ("b", "c")},
        default_branch=None,
    )

    assert sweep.differences(known, told) == {
        "refs/heads/moved": "a",
        "refs/heads/gone": "a",
        "refs/heads/back": "",
        "refs/heads/new": None,
    }


def test_of_two_folders_with_one_name_the_one_that_was_built_is_swept(
    watch: Watchman, known: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del known
    (tmp_path / "first").mkdir()
    other = Upstream(tmp_path / "other")
    other.push({"a": "1"})
    other.path.rename(tmp_path / "first" / "shop.git")
    places = (tmp_path / "first", watch.upstream.path.parent)
    tables = {
        name: Each(name=name, project=Project(name="", remote=Remote(url=f"{place}/{{name}}.git")))
        for name, place in zip(("a", "b"), places, strict=True)
    }
    found = Config(projects={}, each=tables, notify={}, server=Server(), folder=Path("/nonexistent"))
    monkeypatch.setattr(watch, "settings", lambda: found)
    watch.begin()

    assert watch.addresses() == [str(watch.upstream.path)]
